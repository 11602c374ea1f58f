package api

import (
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/apps/validation"
)

// controllerRevisions are snapshots: their data never changes, only their number does.
var controllerRevisions = rules[*apps.ControllerRevision]{
	validate: validation.ValidateControllerRevisionCreate,
	update:   change[*apps.ControllerRevision]{validateFunc: validation.ValidateControllerRevisionUpdate},
}
