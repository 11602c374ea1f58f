package checks

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// describe says in one sentence what an object is doing, in kubectl's words.
func describe(o *unstructured.Unstructured) Text {
	if o.GetDeletionTimestamp() != nil {
		return terminating.with(o.GetKind(), o.GetName())
	}
	switch o.GetKind() {
	case "Pod":
		return describePod(o)
	case "Deployment", "ReplicaSet", "StatefulSet":
		return workloadReady.with(o.GetKind(), o.GetName(), intAt(o, "status", "readyReplicas"), wantedReplicas(o))
	default:
		return objectExists.with(o.GetKind(), o.GetName())
	}
}

func describePod(o *unstructured.Unstructured) Text {
	if message, ok := unschedulable(o); ok {
		return podWaits.with(o.GetName(), "Pending", message)
	}
	if waits := waiting(o); len(waits) > 0 {
		w := waits[0]
		if !w.starting() && w.message != "" {
			return podWaits.with(o.GetName(), w.reason, show(w.message))
		}
		return podPhase.with(o.GetName(), w.reason)
	}
	phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
	ready, total := containersReady(o)
	if phase == "Running" {
		return podReadiness.with(o.GetName(), phase, ready, total)
	}
	if phase == "" {
		phase = "Pending"
	}
	return podPhase.with(o.GetName(), phase)
}

// moving says what an object is about to become by itself, and whether it is.
func moving(o *unstructured.Unstructured) (Text, bool) {
	if o.GetDeletionTimestamp() != nil {
		return terminating.with(o.GetKind(), o.GetName()), true
	}
	switch o.GetKind() {
	case "Pod":
		return podMoving(o)
	case "Deployment", "ReplicaSet", "StatefulSet":
		return workloadMoving(o)
	default:
		return nil, false
	}
}

func podMoving(o *unstructured.Unstructured) (Text, bool) {
	phase, _, _ := unstructured.NestedString(o.Object, "status", "phase")
	if _, stuck := unschedulable(o); stuck || phase == "Succeeded" || phase == "Failed" {
		return nil, false
	}
	for _, w := range waiting(o) {
		if !w.starting() {
			return nil, false
		}
	}
	node, _, _ := unstructured.NestedString(o.Object, "spec", "nodeName")
	if node == "" {
		return podUnscheduled.with(o.GetName()), true
	}
	if ready, total := containersReady(o); phase == "Running" && ready == total && total > 0 {
		return nil, false
	}
	return describePod(o), true
}

func workloadMoving(o *unstructured.Unstructured) (Text, bool) {
	if conditionIs(o, "ReplicaFailure", "True") || conditionIs(o, "Progressing", "False") {
		return nil, false
	}
	if intAt(o, "status", "observedGeneration") < o.GetGeneration() {
		return notObserved.with(o.GetKind(), o.GetName()), true
	}
	if intAt(o, "status", "readyReplicas") != wantedReplicas(o) {
		return describe(o), true
	}
	return nil, false
}

// containerWait is a container that is not running, and why.
type containerWait struct{ reason, message string }

// starting reports whether the wait ends by itself. Every other reason (ImagePullBackOff, CrashLoopBackOff,
// CreateContainerConfigError …) wants a person.
func (w containerWait) starting() bool {
	return w.reason == "ContainerCreating" || w.reason == "PodInitializing"
}

func waiting(o *unstructured.Unstructured) []containerWait {
	var out []containerWait
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		statuses, _, _ := unstructured.NestedSlice(o.Object, "status", field)
		for _, s := range statuses {
			m, ok := s.(map[string]any)
			if !ok {
				continue
			}
			reason, found, _ := unstructured.NestedString(m, "state", "waiting", "reason")
			message, _, _ := unstructured.NestedString(m, "state", "waiting", "message")
			if found {
				out = append(out, containerWait{reason, message})
			}
		}
	}
	return out
}

func containersReady(o *unstructured.Unstructured) (ready, total int) {
	containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "containers")
	statuses, _, _ := unstructured.NestedSlice(o.Object, "status", "containerStatuses")
	for _, s := range statuses {
		if m, ok := s.(map[string]any); ok && m["ready"] == true {
			ready++
		}
	}
	return ready, len(containers)
}

func unschedulable(o *unstructured.Unstructured) (string, bool) {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		m, ok := c.(map[string]any)
		if ok && m["type"] == "PodScheduled" && m["status"] == "False" && m["reason"] == "Unschedulable" {
			message, _ := m["message"].(string)
			return message, true
		}
	}
	return "", false
}

func conditionIs(o *unstructured.Unstructured, name, status string) bool {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == name {
			return m["status"] == status
		}
	}
	return false
}

func wantedReplicas(o *unstructured.Unstructured) int64 {
	if n, found, err := unstructured.NestedInt64(o.Object, "spec", "replicas"); found && err == nil {
		return n
	}
	return 1
}

func intAt(o *unstructured.Unstructured, path ...string) int64 {
	n, _, _ := unstructured.NestedInt64(o.Object, path...)
	return n
}

// short is the name by which kubectl knows a kind: "pod", "replicaset".
func short(kind string) string { return strings.ToLower(kind) }
