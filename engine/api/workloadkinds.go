package api

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
)

// workloadKinds are the kinds that make pods.
func workloadKinds() []*Resource {
	core, apps, batch := corev1.SchemeGroupVersion, appsv1.SchemeGroupVersion, batchv1.SchemeGroupVersion
	return []*Resource{
		{
			GroupVersionResource: core.WithResource("podtemplates"), Kind: "PodTemplate", Namespaced: true, strategy: podTemplates,
		},
		{
			GroupVersionResource: core.WithResource("replicationcontrollers"), Kind: "ReplicationController", ShortNames: []string{"rc"},
			Categories: []string{"all"}, Namespaced: true, Subresources: scalable(), OrphansByDefault: true,
			strategy: replicationControllers,
		},
		{
			GroupVersionResource: apps.WithResource("controllerrevisions"), Kind: "ControllerRevision", Namespaced: true,
			strategy: controllerRevisions,
		},
		{
			GroupVersionResource: apps.WithResource("daemonsets"), Kind: "DaemonSet", ShortNames: []string{"ds"}, Categories: []string{"all"}, Namespaced: true,
			Subresources: statusOnly(), strategy: daemonSets,
		},
		{
			GroupVersionResource: apps.WithResource("deployments"), Kind: "Deployment", ShortNames: []string{"deploy"}, Categories: []string{"all"}, Namespaced: true,
			Subresources: scalable(), strategy: deployments,
		},
		{
			GroupVersionResource: apps.WithResource("replicasets"), Kind: "ReplicaSet", ShortNames: []string{"rs"}, Categories: []string{"all"}, Namespaced: true,
			Subresources: scalable(), strategy: replicaSets,
		},
		{
			GroupVersionResource: apps.WithResource("statefulsets"), Kind: "StatefulSet", ShortNames: []string{"sts"}, Categories: []string{"all"}, Namespaced: true,
			Subresources: scalable(), strategy: statefulSets,
		},
		{
			GroupVersionResource: batch.WithResource("cronjobs"), Kind: "CronJob", ShortNames: []string{"cj"}, Categories: []string{"all"}, Namespaced: true,
			Subresources: statusOnly(), strategy: cronJobs,
		},
		{
			GroupVersionResource: batch.WithResource("jobs"), Kind: "Job", Categories: []string{"all"}, Namespaced: true,
			Subresources: statusOnly(), OrphansByDefault: true, strategy: jobs,
		},
	}
}

func scalable() []Subresource {
	return []Subresource{
		{Name: "scale", Verbs: statusVerbs, Kind: autoscalingv1.SchemeGroupVersion.WithKind("Scale")},
		{Name: "status", Verbs: statusVerbs},
	}
}

func statusOnly() []Subresource {
	return []Subresource{{Name: "status", Verbs: statusVerbs}}
}
