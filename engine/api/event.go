package api

import (
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// events are one kind of object behind two doors: core/v1 for old clients, events.k8s.io/v1 with stricter rules for new ones.
func events(door schema.GroupVersion) strategy {
	return rules[*core.Event]{
		validate: func(e *core.Event) field.ErrorList { return validation.ValidateEventCreate(e, door) },
		update: change[*core.Event]{
			validateFunc: func(obj, old *core.Event) field.ErrorList { return validation.ValidateEventUpdate(obj, old, door) },
		},
		fields: eventFields,
	}
}

func eventFields(e *core.Event) fields.Set {
	source := e.Source.Component
	if source == "" {
		source = e.ReportingController
	}
	return fields.Set{
		"involvedObject.kind":            e.InvolvedObject.Kind,
		"involvedObject.namespace":       e.InvolvedObject.Namespace,
		"involvedObject.name":            e.InvolvedObject.Name,
		"involvedObject.uid":             string(e.InvolvedObject.UID),
		"involvedObject.apiVersion":      e.InvolvedObject.APIVersion,
		"involvedObject.resourceVersion": e.InvolvedObject.ResourceVersion,
		"involvedObject.fieldPath":       e.InvolvedObject.FieldPath,
		"reason":                         e.Reason,
		"reportingComponent":             e.ReportingController,
		"source":                         source,
		"type":                           e.Type,
	}
}
