package api

import (
	"context"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/helper/qos"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// pods are born Pending with a QoS class worked out from their requests and limits; after that their spec hardly changes, and
// the kubelet alone writes their status.
var pods = rules[*core.Pod]{
	create: newPod,
	validate: func(p *core.Pod) field.ErrorList {
		return validation.ValidatePodCreate(p, podOptions(p, nil))
	},
	warn: podWarnings,
	update: change[*core.Pod]{
		prepareFunc: updatePod,
		validateFunc: func(obj, old *core.Pod) field.ErrorList {
			return validation.ValidatePodUpdate(obj, old, podOptions(obj, old))
		},
		reset: []string{"status"},
	},
	subresources: map[string]change[*core.Pod]{
		"status": {
			prepareFunc: updatePodStatus,
			validateFunc: func(obj, old *core.Pod) field.ErrorList {
				return validation.ValidatePodStatusUpdate(obj, old, podOptions(obj, old))
			},
			warnFunc: podStatusWarnings,
			reset:    []string{"spec", "metadata.deletionTimestamp", "metadata.ownerReferences"},
		},
		"ephemeralcontainers": addEphemeral,
		"resize":              resizePod,
	},
	fields: podFields,
}

func podOptions(obj, old *core.Pod) validation.PodValidationOptions {
	var oldSpec *core.PodSpec
	var oldMeta *metav1.ObjectMeta
	if old != nil {
		oldSpec, oldMeta = &old.Spec, &old.ObjectMeta
	}
	opts := podutil.GetValidationOptionsFromPodSpecAndMeta(&obj.Spec, oldSpec, &obj.ObjectMeta, oldMeta)
	opts.ResourceIsPod = true
	return opts
}

// Kubernetes: the AppArmor annotations that were replaced by fields in v1.30 are not turned into those fields.
func newPod(p *core.Pod) {
	p.Generation = 1
	p.Status = core.PodStatus{Phase: core.PodPending}
	podutil.DropDisabledPodFields(p, nil)
	if len(p.Spec.SchedulingGates) > 0 {
		podutil.UpdatePodCondition(&p.Status, &core.PodCondition{
			Type: core.PodScheduled, Status: core.ConditionFalse, Reason: corev1.PodReasonSchedulingGated,
			Message: "Scheduling is blocked due to non-empty scheduling gates",
		})
	}
	mergeLabelKeys(p)
	podutil.DefaultPodLevelResources(p)
	p.Status.QOSClass = qos.GetPodQOS(p)
}

func updatePod(obj, old *core.Pod) {
	obj.Status = old.Status
	if obj.Spec.Resources == nil && old.Spec.Resources != nil {
		obj.Spec.Resources = old.Spec.Resources.DeepCopy()
	}
	podutil.DropDisabledPodFields(obj, old)
	countChange(obj, old)
}

// countChange raises the generation when the spec is another.
func countChange(obj, old *core.Pod) {
	if !equality.Semantic.DeepEqual(obj.Spec, old.Spec) {
		obj.Generation++
	}
}

// updatePodStatus keeps all that is not status, and of the status what an old kubelet would drop because it does not know it.
func updatePodStatus(obj, old *core.Pod) {
	obj.Spec = old.Spec
	obj.DeletionTimestamp = nil
	obj.OwnerReferences = old.OwnerReferences
	if obj.Status.QOSClass == "" {
		obj.Status.QOSClass = old.Status.QOSClass
	}
	if obj.Status.ResourceClaimStatuses == nil {
		obj.Status.ResourceClaimStatuses = old.Status.ResourceClaimStatuses
	}
	if obj.Status.ExtendedResourceClaimStatus == nil {
		obj.Status.ExtendedResourceClaimStatus = old.Status.ExtendedResourceClaimStatus
	}
	if obj.Status.NodeAllocatableResourceClaimStatuses == nil {
		obj.Status.NodeAllocatableResourceClaimStatuses = old.Status.NodeAllocatableResourceClaimStatuses
	}
	keepObservedGenerations(obj, old)
	podutil.DropDisabledPodFields(obj, old)
}

// keepObservedGenerations fills in what a client left at zero, condition by condition: a type may stand there more than once.
func keepObservedGenerations(obj, old *core.Pod) {
	if obj.Status.ObservedGeneration == 0 {
		obj.Status.ObservedGeneration = old.Status.ObservedGeneration
	}
	seen := map[core.PodConditionType][]int64{}
	for _, c := range old.Status.Conditions {
		seen[c.Type] = append(seen[c.Type], c.ObservedGeneration)
	}
	for i := range obj.Status.Conditions {
		c := &obj.Status.Conditions[i]
		generations := seen[c.Type]
		if len(generations) == 0 {
			continue
		}
		seen[c.Type] = generations[1:]
		if c.ObservedGeneration == 0 {
			c.ObservedGeneration = generations[0]
		}
	}
}

func podWarnings(p *core.Pod) []string {
	return append(nameWarning(p.Name, "the Pod's hostname"), podutil.GetWarningsForPod(context.Background(), p, nil)...)
}

// nameWarning is for names that are legal but become part of a DNS name.
func nameWarning(name, use string) []string {
	problems := utilvalidation.IsDNS1123Label(name)
	if len(problems) == 0 {
		return nil
	}
	return []string{fmt.Sprintf(
		"metadata.name: this is used in %s, which can result in surprising behavior; a DNS label is recommended: %v", use, problems)}
}

func podStatusWarnings(obj, _ *core.Pod) []string {
	var warnings []string
	status := field.NewPath("status")
	for i, ip := range obj.Status.PodIPs {
		warnings = append(warnings, utilvalidation.GetWarningsForIP(status.Child("podIPs").Index(i).Child("ip"), ip.IP)...)
	}
	for i, ip := range obj.Status.HostIPs {
		warnings = append(warnings, utilvalidation.GetWarningsForIP(status.Child("hostIPs").Index(i).Child("ip"), ip.IP)...)
	}
	return warnings
}

func podFields(p *core.Pod) fields.Set {
	ip := ""
	if len(p.Status.PodIPs) > 0 {
		ip = p.Status.PodIPs[0].IP
	}
	return fields.Set{
		"spec.nodeName":            p.Spec.NodeName,
		"spec.restartPolicy":       string(p.Spec.RestartPolicy),
		"spec.schedulerName":       p.Spec.SchedulerName,
		"spec.serviceAccountName":  p.Spec.ServiceAccountName,
		"spec.hostNetwork":         strconv.FormatBool(p.Spec.HostNetwork),
		"status.phase":             string(p.Status.Phase),
		"status.podIP":             ip,
		"status.nominatedNodeName": p.Status.NominatedNodeName,
	}
}
