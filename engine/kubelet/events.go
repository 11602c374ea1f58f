package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"drydock/engine/listwatch"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	eventQueue  = 1024 // Events waiting for the API server; more are dropped, as upstream's broadcaster does
	eventMemory = 4096 // recent Events whose repetition is counted instead of written anew
)

// eventRecorder writes corev1.Events, in the background and in order. A repeated Event raises the count of the first one.
//
// Kubernetes: client-go's correlator also merges Events that differ in their message only, and limits each object to 25
// Events and one more every five minutes.
type eventRecorder struct {
	client Client
	node   string
	queue  chan *corev1.Event

	// owned by run
	seen map[string]*corev1.Event // by everything but name, time and count
}

func newEventRecorder(client Client, node string) *eventRecorder {
	return &eventRecorder{client: client, node: node, queue: make(chan *corev1.Event, eventQueue), seen: map[string]*corev1.Event{}}
}

// pod records an Event about a pod; container, when not nil, is named by its field path. It never blocks.
func (r *eventRecorder) pod(pod *corev1.Pod, container *corev1.Container, eventType, reason, message string) {
	object := corev1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID,
		ResourceVersion: pod.ResourceVersion,
	}
	if container != nil {
		object.FieldPath = containerFieldPath(pod, container.Name)
	}
	r.record(object, eventType, reason, message)
}

// nodeEvent records an Event about our node. Its UID is the node's name: that is how `kubectl describe node` finds it.
func (r *eventRecorder) nodeEvent(eventType, reason, message string) {
	r.record(corev1.ObjectReference{Kind: "Node", Name: r.node, UID: types.UID(r.node)}, eventType, reason, message)
}

func containerFieldPath(pod *corev1.Pod, name string) string {
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == name {
			return "spec.initContainers{" + name + "}"
		}
	}
	for i := range pod.Spec.EphemeralContainers {
		if pod.Spec.EphemeralContainers[i].Name == name {
			return "spec.ephemeralContainers{" + name + "}"
		}
	}
	return "spec.containers{" + name + "}"
}

func (r *eventRecorder) record(object corev1.ObjectReference, eventType, reason, message string) {
	now := metav1.Now()
	namespace := object.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	event := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Name:      fmt.Sprintf("%s.%x", object.Name, now.UnixNano()),
			Namespace: namespace,
		},
		InvolvedObject: object, Type: eventType, Reason: reason, Message: truncate(message, 1024),
		Source:         corev1.EventSource{Component: "kubelet", Host: r.node},
		FirstTimestamp: now, LastTimestamp: now, Count: 1,
		ReportingController: "kubelet", ReportingInstance: r.node,
	}
	select {
	case r.queue <- event:
	default:
	}
}

// run writes queued Events until ctx ends.
func (r *eventRecorder) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case event := <-r.queue:
			r.write(ctx, event)
		}
	}
}

// write tries until the API server has answered anything at all; an answer that refuses the Event ends the attempt.
func (r *eventRecorder) write(ctx context.Context, event *corev1.Event) {
	o := &event.InvolvedObject
	key := strings.Join([]string{o.Kind, o.Namespace, o.Name, string(o.UID), o.FieldPath, event.Type, event.Reason, event.Message}, "\x00")
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		err := r.send(ctx, r.seen[key], event)
		if apierrors.IsNotFound(err) && r.seen[key] != nil { // the counted Event has expired: begin anew
			delete(r.seen, key)
			continue
		}
		if err == nil && r.seen[key] == nil {
			r.remember(key, event)
		}
		if err == nil || apierrors.ReasonForError(err) != metav1.StatusReasonUnknown || !listwatch.Wait(ctx, delay) {
			return
		}
	}
}

func (r *eventRecorder) send(ctx context.Context, first, event *corev1.Event) error {
	if first == nil {
		return r.client.CreateEvent(ctx, event)
	}
	patch, err := json.Marshal(map[string]any{"count": first.Count + 1, "lastTimestamp": event.LastTimestamp})
	if err != nil {
		return fmt.Errorf("encode Event patch: %w", err)
	}
	if err := r.client.PatchEvent(ctx, first.Namespace, first.Name, types.StrategicMergePatchType, patch); err != nil {
		return err
	}
	first.Count++
	first.LastTimestamp = event.LastTimestamp
	return nil
}

// remember forgets what is older than an hour (the API server's Event lifetime) when memory runs out, else everything.
func (r *eventRecorder) remember(key string, event *corev1.Event) {
	if len(r.seen) >= eventMemory {
		for k, e := range r.seen {
			if event.LastTimestamp.Sub(e.LastTimestamp.Time) > time.Hour {
				delete(r.seen, k)
			}
		}
	}
	if len(r.seen) >= eventMemory {
		clear(r.seen)
	}
	r.seen[key] = event
}

func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit-3] + "..."
}
