package course

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// generated are the fields that a cluster fills in. Of those that a person may set too, the ones whose value says nothing
// elsewhere: addresses, the node of a pod, the volume of a claim.
var generated = [][]string{
	{"status"},
	{"metadata", "uid"},
	{"metadata", "resourceVersion"},
	{"metadata", "generation"},
	{"metadata", "creationTimestamp"},
	{"metadata", "managedFields"},
	{"metadata", "selfLink"},
	{"metadata", "generateName"},
	{"metadata", "ownerReferences"},
	{"metadata", "finalizers"},
	{"spec", "finalizers"}, // of a namespace
	{"spec", "nodeName"},
	{"spec", "serviceAccount"}, // the old name of serviceAccountName
	{"spec", "priority"},
	{"spec", "preemptionPolicy"},
	{"spec", "tolerations"},
	{"spec", "ephemeralContainers"},
	{"spec", "clusterIP"},
	{"spec", "clusterIPs"},
	{"spec", "ipFamilies"},
	{"spec", "ipFamilyPolicy"},
	{"spec", "internalTrafficPolicy"},
	{"spec", "volumeName"},
}

// generatedMarks are labels and annotations that controllers, admission and kubectl write, by their beginnings.
var generatedMarks = []string{
	"kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/", "pv.kubernetes.io/", "volume.kubernetes.io/",
	"volume.beta.kubernetes.io/", "batch.kubernetes.io/", "controller-uid", "job-name", "kubernetes.io/metadata.name", "endpoints.kubernetes.io/",
}

// tokenVolume is how the volume of the service account's token begins that admission puts into every pod.
const tokenVolume = "kube-api-access-"

// cleaned is a copy of an object as a person would write it: what it asks for, without what the cluster added.
func cleaned(o *unstructured.Unstructured) *unstructured.Unstructured {
	o = o.DeepCopy()
	for _, path := range generated {
		if path[len(path)-1] != "clusterIP" || !headless(o) {
			unstructured.RemoveNestedField(o.Object, path...)
		}
	}
	for _, path := range [][]string{
		{"metadata", "labels"},
		{"metadata", "annotations"},
		{"spec", "template", "metadata", "labels"},
	} {
		cleanMarks(o.Object, path)
	}
	unstructured.RemoveNestedField(o.Object, "spec", "template", "metadata", "creationTimestamp")
	if manual, _, _ := unstructured.NestedBool(o.Object, "spec", "manualSelector"); o.GetKind() == "Job" && !manual {
		unstructured.RemoveNestedField(o.Object, "spec", "selector")
	}
	if o.GetKind() == "Pod" {
		cleanPod(o.Object)
	}
	return o
}

// headless reports whether a Service has no address on purpose, which is what its author asked for.
func headless(o *unstructured.Unstructured) bool {
	address, _, _ := unstructured.NestedString(o.Object, "spec", "clusterIP")
	return address == "None"
}

func cleanMarks(object map[string]any, path []string) {
	marks, found, err := unstructured.NestedMap(object, path...)
	if !found || err != nil {
		return
	}
	for name := range marks {
		if slices.ContainsFunc(generatedMarks, func(start string) bool { return strings.HasPrefix(name, start) }) {
			delete(marks, name)
		}
	}
	if len(marks) == 0 {
		unstructured.RemoveNestedField(object, path...)
		return
	}
	_ = unstructured.SetNestedMap(object, marks, path...) // it was read from there
}

// cleanPod takes the token's volume and its mounts out.
func cleanPod(pod map[string]any) {
	cleanList(pod, []string{"spec", "volumes"}, isToken)
	for _, list := range []string{"containers", "initContainers"} {
		containers, _, _ := unstructured.NestedSlice(pod, "spec", list)
		for _, c := range containers {
			if container, ok := c.(map[string]any); ok {
				cleanList(container, []string{"volumeMounts"}, isToken)
			}
		}
		if len(containers) > 0 {
			_ = unstructured.SetNestedSlice(pod, containers, "spec", list) // it was read from there
		}
	}
}

func isToken(entry any) bool {
	m, ok := entry.(map[string]any)
	name, _ := m["name"].(string)
	return ok && strings.HasPrefix(name, tokenVolume)
}

// cleanList drops entries of a list, and the list with the last of them.
func cleanList(object map[string]any, path []string, drop func(any) bool) {
	list, found, err := unstructured.NestedSlice(object, path...)
	if !found || err != nil {
		return
	}
	if list = slices.DeleteFunc(list, drop); len(list) == 0 {
		unstructured.RemoveNestedField(object, path...)
		return
	}
	_ = unstructured.SetNestedSlice(object, list, path...) // it was read from there
}
