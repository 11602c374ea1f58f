package api

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/util/feature"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/features"
)

// Two parts of a running pod's spec can be changed, each through a door of its own that lets nothing else pass.

// addEphemeral is pods/ephemeralcontainers: a container for looking around is added, for good.
var addEphemeral = change[*core.Pod]{
	prepareFunc: func(obj, old *core.Pod) {
		wanted := obj.Spec.EphemeralContainers
		keepAllButSpec(obj, old)
		obj.Spec = old.Spec
		obj.Spec.EphemeralContainers = wanted
		podutil.DropDisabledPodFields(obj, old)
		countChange(obj, old)
	},
	validateFunc: func(obj, old *core.Pod) field.ErrorList {
		return validation.ValidatePodEphemeralContainersUpdate(obj, old, podOptions(obj, old))
	},
	only: []string{"spec.ephemeralContainers"},
}

// resizePod is pods/resize: more or less CPU and memory for containers that go on running (KEP-1287).
var resizePod = change[*core.Pod]{
	prepareFunc: func(obj, old *core.Pod) {
		keepAllButSizes(obj, old)
		if feature.DefaultFeatureGate.Enabled(features.PodLevelResourcesFixDefaulting) {
			if obj.Spec.Resources == nil && old.Spec.Resources != nil {
				obj.Spec.Resources = old.Spec.Resources.DeepCopy()
			}
			if obj.Spec.Resources != nil {
				podutil.DefaultPodLevelResources(obj)
			}
		}
		podutil.DropDisabledPodFields(obj, old)
		countChange(obj, old)
	},
	validateFunc: func(obj, old *core.Pod) field.ErrorList {
		return validation.ValidatePodResize(obj, old, podOptions(obj, old))
	},
	only: []string{
		"spec.containers.*.resources", "spec.containers.*.resizePolicy", "spec.initContainers.*.resources", "spec.initContainers.*.resizePolicy",
	},
}

func keepAllButSpec(obj, old *core.Pod) {
	obj.Status = old.Status
	metav1.ResetObjectMetaForStatus(&obj.ObjectMeta, &old.ObjectMeta)
}

// keepAllButSizes leaves alone a pod whose containers are not the same ones: validation refuses it.
func keepAllButSizes(obj, old *core.Pod) {
	wanted := obj.Spec
	if len(wanted.Containers) != len(old.Spec.Containers) || len(wanted.InitContainers) != len(old.Spec.InitContainers) {
		return
	}
	keepAllButSpec(obj, old)
	obj.Spec = old.Spec
	if feature.DefaultFeatureGate.Enabled(features.InPlacePodLevelResourcesVerticalScaling) {
		obj.Spec.Resources = wanted.Resources
	}
	if feature.DefaultFeatureGate.Enabled(features.InPlacePodVerticalScalingMemoryBackedVolumes) {
		obj.Spec.Volumes = wanted.Volumes
	}
	obj.Spec.Containers = withSizes(old.Spec.Containers, wanted.Containers)
	obj.Spec.InitContainers = withSizes(old.Spec.InitContainers, wanted.InitContainers)
}

func withSizes(old, wanted []core.Container) []core.Container {
	if len(wanted) == 0 {
		return wanted
	}
	sized := append([]core.Container(nil), old...)
	for i, c := range wanted {
		if sized[i].Name != c.Name {
			return wanted
		}
		sized[i].Resources, sized[i].ResizePolicy = c.Resources, c.ResizePolicy
	}
	return sized
}
