package kubelet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"drydock/engine/listwatch"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// statusWriter brings one pod's status to the API server in the background, so that a slow or absent server never holds up the
// pod itself. Only the newest status counts: what has been overtaken is not sent.
type statusWriter struct {
	k   *Kubelet
	pod *corev1.Pod // set once: name, namespace and UID

	mu sync.Mutex
	// guarded by mu
	wanted  *corev1.PodStatus
	written *corev1.PodStatus // as last accepted by the API server, nil before
	writing bool              // a goroutine is on its way
	stopped bool
	anew    bool          // again was called since write last began to send
	settled chan struct{} // closed when wanted has been written or given up
}

func newStatusWriter(k *Kubelet, pod *corev1.Pod) *statusWriter {
	settled := make(chan struct{})
	close(settled)
	return &statusWriter{k: k, pod: pod, settled: settled}
}

// set makes status the one to write. It never blocks.
func (s *statusWriter) set(status *corev1.PodStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || (s.wanted != nil && equality.Semantic.DeepEqual(s.wanted, status)) {
		return
	}
	s.wanted = status
	s.beginLocked()
}

// again writes the status anew: the object that shows it is another one.
func (s *statusWriter) again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written, s.anew = nil, true
	if s.wanted != nil && !s.stopped {
		s.beginLocked()
	}
}

func (s *statusWriter) beginLocked() {
	if !s.writing {
		s.writing, s.settled = true, make(chan struct{})
		s.k.background(func(ctx context.Context) { s.write(ctx) })
	}
}

// stop gives up what is not written yet: the object is gone.
func (s *statusWriter) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}

// flush waits until the newest status is with the API server, or ctx ends; false means it is not.
func (s *statusWriter) flush(ctx context.Context) bool {
	s.mu.Lock()
	settled := s.settled
	s.mu.Unlock()
	select {
	case <-settled:
		return true
	case <-ctx.Done():
		return false
	}
}

// write sends until nothing newer is wanted.
func (s *statusWriter) write(ctx context.Context) {
	delay := firstRetry
	for {
		s.mu.Lock()
		next := s.wanted
		if s.stopped || next == s.written || ctx.Err() != nil {
			s.writing = false
			close(s.settled)
			s.mu.Unlock()
			return
		}
		s.anew = false
		s.mu.Unlock()
		err := s.send(ctx, next)
		switch {
		case err == nil:
			delay = firstRetry
			s.mu.Lock()
			if !s.anew { // else another object is to show it
				s.written = next
			}
			s.mu.Unlock()
		case isStatic(s.pod) && (errors.Is(err, errNoMirror) || apierrors.IsNotFound(err) || apierrors.IsConflict(err)):
			if s.rest() {
				return
			}
		case apierrors.IsNotFound(err), apierrors.IsConflict(err): // gone, or another pod of that name
			s.stop()
		default:
			listwatch.Wait(ctx, delay)
			delay = min(2*delay, lastRetry)
		}
	}
}

// rest ends write without a result, until again is called; false when it has been.
func (s *statusWriter) rest() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.anew {
		return false
	}
	s.writing = false
	close(s.settled)
	return true
}

func (s *statusWriter) send(ctx context.Context, status *corev1.PodStatus) error {
	s.mu.Lock()
	before := s.written
	s.mu.Unlock()
	pod := s.pod
	if isStatic(pod) {
		if pod = s.k.static.mirrorOf(pod); pod == nil {
			return errNoMirror
		}
	}
	if before == nil {
		before = &pod.Status
	}
	patch, err := podStatusPatch(pod, before, status)
	if err != nil {
		return fmt.Errorf("encode status of pod %s: %w", podText(s.pod), err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := s.k.cfg.Client.PatchPodStatus(ctx, s.pod.Namespace, s.pod.Name, patch); err != nil {
		return fmt.Errorf("write status of pod %s: %w", podText(s.pod), err)
	}
	return nil
}

// podStatusPatch is the strategic merge patch that makes the status equal to ours in all that the kubelet owns. The UID in
// it makes the API server answer Conflict if the name belongs to another pod by now. Conditions merge by type, so what has
// become empty must be cleared by null, and those of a resize that is over are removed; addresses merge too and are replaced as a whole.
func podStatusPatch(pod *corev1.Pod, before, status *corev1.PodStatus) ([]byte, error) {
	raw, err := json.Marshal(status)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	conditions := []any{}
	for i := range status.Conditions {
		if ours(&status.Conditions[i]) {
			conditions = append(conditions, conditionPatch(&status.Conditions[i]))
		}
	}
	for _, passing := range []corev1.PodConditionType{corev1.PodResizePending, corev1.PodResizeInProgress} {
		if findCondition(before.Conditions, passing) != nil && findCondition(status.Conditions, passing) == nil {
			conditions = append(conditions, map[string]any{"$patch": "delete", "type": passing})
		}
	}
	fields["conditions"] = conditions
	replace := map[string]any{"$patch": "replace"}
	for _, list := range []string{"podIPs", "hostIPs"} {
		addresses, _ := fields[list].([]any)
		fields[list] = append([]any{replace}, addresses...)
	}
	for _, field := range []string{"reason", "message", "podIP", "containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"} {
		if _, found := fields[field]; !found {
			fields[field] = nil
		}
	}
	delete(fields, "qosClass") // decided when the pod was created, never changed
	delete(fields, "nominatedNodeName")
	return json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID}, "status": fields})
}

func conditionPatch(c *corev1.PodCondition) map[string]any {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	return map[string]any{
		"type": c.Type, "status": c.Status, "reason": orNull(c.Reason), "message": orNull(c.Message),
		"lastProbeTime": nil, "lastTransitionTime": c.LastTransitionTime, "observedGeneration": c.ObservedGeneration,
	}
}

// overlay is pod with the status generated last, which the API server may not know yet.
func (s *statusWriter) overlay(pod *corev1.Pod) *corev1.Pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted == nil {
		return pod
	}
	shown := *pod
	shown.Status = *s.wanted
	return &shown
}
