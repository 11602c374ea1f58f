package apiserver

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"drydock/engine/decision"
)

// change is one accepted write, for its decision record. before is nil for a new object, after for one that is gone.
type change struct {
	action        string
	before, after *entry
}

// record writes down an accepted write: who, what, and in a few words what became different.
func (s *Server) record(by writer, t target, c change) {
	if isBookkeeping(t) && !by.person() {
		return
	}
	e := c.after
	if e == nil {
		e = c.before
	}
	rec := decision.Record{
		Actor:  "apiserver",
		Object: decision.Object{Resource: t.kind.Resource, Namespace: t.namespace, Name: t.name, UID: string(e.meta.GetUID())},
		Action: c.action,
		Before: summary(c.before),
		After:  summary(c.after),
		Details: map[string]string{
			"user": by.user.GetName(), "client": by.actor, "resourceVersion": e.meta.GetResourceVersion(),
		},
	}
	if real := by.behind(); real != "" {
		rec.Details["impersonator"] = real
	}
	if by.subresource != "" {
		rec.Details["subresource"] = by.subresource
	}
	if c.before != nil && c.after != nil {
		rec.Details["changed"] = strings.Join(changedPaths(c.before.obj, c.after.obj), " ")
		if rec.Before == rec.After {
			rec.Before, rec.After = "", rec.Details["changed"]
		}
	}
	rec.Message = message(by, t, c, rec)
	if owner := metav1.GetControllerOf(e.meta); owner != nil {
		rec.Cause = ownerObject(owner, t.namespace)
	}
	s.options.Recorder.Record(rec)
}

// behind is who asked as somebody else; "" when nobody did.
func (w writer) behind() string {
	if w.real == nil || w.real.GetName() == w.user.GetName() {
		return ""
	}
	return w.real.GetName()
}

// person reports whether no part of the cluster is behind a write.
func (w writer) person() bool {
	name := w.user.GetName()
	return w.behind() != "" || name != socketUser && !strings.HasPrefix(name, "system:")
}

// isBookkeeping tells the cluster's own chatter from what somebody decided: heartbeats, and Events, which are records themselves.
// In the ring they would push out the history that people look for. What a person writes of that kind is recorded: it may be
// told to deceive somebody.
func isBookkeeping(t target) bool {
	return t.kind.Kind == "Lease" || t.kind.Kind == "Event"
}

func message(by writer, t target, c change, rec decision.Record) string {
	text := fmt.Sprintf("%s (%s): %s %s/%s", by.actor, by.user.GetName(), strings.ToLower(c.action), t.kind.Singular, t.name)
	if rec.Before != "" && rec.After != "" {
		return text + ", " + rec.Before + " → " + rec.After
	}
	return text
}

// ownerObject names the controller that owns an object; its resource is guessed as every kind we own things with spells it.
func ownerObject(owner *metav1.OwnerReference, namespace string) decision.Object {
	gv, _ := schema.ParseGroupVersion(owner.APIVersion) // an unreadable one leaves an empty group: only the name is shown
	plural, _ := apimeta.UnsafeGuessKindToResource(gv.WithKind(owner.Kind))
	if owner.Kind == "Node" {
		namespace = ""
	}
	return decision.Object{Resource: plural.Resource, Namespace: namespace, Name: owner.Name, UID: string(owner.UID)}
}

// summary is the state of an object in a few words: what a person would look at first.
func summary(e *entry) string {
	if e == nil {
		return ""
	}
	if e.meta.GetDeletionTimestamp() != nil {
		return "Terminating"
	}
	switch obj := e.obj.(type) {
	case *corev1.Pod:
		return podSummary(obj)
	case *corev1.Node:
		return nodeSummary(obj)
	case *corev1.Namespace:
		return string(obj.Status.Phase)
	case *appsv1.Deployment:
		return replicas(obj.Spec.Replicas, obj.Status.ReadyReplicas)
	case *appsv1.ReplicaSet:
		return replicas(obj.Spec.Replicas, obj.Status.ReadyReplicas)
	case *appsv1.StatefulSet:
		return replicas(obj.Spec.Replicas, obj.Status.ReadyReplicas)
	case *appsv1.DaemonSet:
		return replicas(&obj.Status.DesiredNumberScheduled, obj.Status.NumberReady)
	case *corev1.ReplicationController:
		return replicas(obj.Spec.Replicas, obj.Status.ReadyReplicas)
	case *batchv1.Job:
		return jobSummary(obj)
	case *policyv1.PodDisruptionBudget:
		return fmt.Sprintf("%d may go", obj.Status.DisruptionsAllowed)
	case *corev1.Service:
		return strings.TrimSpace(string(obj.Spec.Type) + " " + obj.Spec.ClusterIP)
	}
	return ""
}

func replicas(wanted *int32, ready int32) string {
	return fmt.Sprintf("%d of %d ready", ready, ptr.Deref(wanted, 1))
}

func jobSummary(job *batchv1.Job) string {
	for _, c := range job.Status.Conditions {
		if c.Status == corev1.ConditionTrue {
			return string(c.Type)
		}
	}
	return fmt.Sprintf("%d active, %d succeeded, %d failed", job.Status.Active, job.Status.Succeeded, job.Status.Failed)
}

func podSummary(pod *corev1.Pod) string {
	phase := string(pod.Status.Phase)
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			phase = "Ready"
		}
	}
	if pod.Spec.NodeName != "" {
		return phase + " on " + pod.Spec.NodeName
	}
	return phase
}

func nodeSummary(node *corev1.Node) string {
	text := "NotReady"
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			text = "Ready"
		}
	}
	if node.Spec.Unschedulable {
		text += ",SchedulingDisabled"
	}
	return text
}

// changedPaths names what differs, two steps deep: "spec.replicas", "metadata.labels".
func changedPaths(before, after runtime.Object) []string {
	a, errA := runtime.DefaultUnstructuredConverter.ToUnstructured(before)
	b, errB := runtime.DefaultUnstructuredConverter.ToUnstructured(after)
	if errA != nil || errB != nil {
		return nil
	}
	var paths []string
	for _, top := range keysOf(a, b) {
		if equality.Semantic.DeepEqual(a[top], b[top]) {
			continue
		}
		left, okLeft := a[top].(map[string]any)
		right, okRight := b[top].(map[string]any)
		if !okLeft && !okRight {
			paths = append(paths, top)
			continue
		}
		for _, key := range keysOf(left, right) {
			path := top + "." + key
			if path != "metadata.resourceVersion" && path != "metadata.managedFields" && !equality.Semantic.DeepEqual(left[key], right[key]) {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

func keysOf(maps ...map[string]any) []string {
	var keys []string
	for _, m := range maps {
		for key := range m {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return slices.Compact(keys)
}
