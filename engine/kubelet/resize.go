package kubelet

import (
	"context"
	"encoding/json"
	"fmt"

	"drydock/engine/decision"

	"google.golang.org/grpc/codes"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// resizing is how far the wish for other amounts of CPU and memory has come (KEP-1287). Its methods are called by the pod's worker.
type resizing struct {
	// allocated is what the node has granted each container, by name; nil before the pod was first seen.
	allocated map[string]corev1.ResourceRequirements
	pending   *corev1.PodCondition // the wish that was not granted
	trouble   string               // why what was granted has not been carried out
	running   bool                 // something was granted and is being carried out
}

// granted is pod with the amounts that the node has granted instead of those that the API wishes. What can be granted is granted on
// the way.
func (w *worker) granted(pod *corev1.Pod) *corev1.Pod {
	r := &w.resize
	if r.allocated == nil {
		r.allocated = grantedBefore(pod)
	}
	if !r.covers(pod) {
		w.grant(pod)
	} else {
		r.pending = nil
	}
	out := *pod
	out.Spec.Containers = r.withGranted(pod.Spec.Containers)
	out.Spec.InitContainers = r.withGranted(pod.Spec.InitContainers)
	return &out
}

// grantedBefore is what an earlier kubelet granted, as the status tells, and for a new pod what it asks for.
func grantedBefore(pod *corev1.Pod) map[string]corev1.ResourceRequirements {
	out := map[string]corev1.ResourceRequirements{}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			out[list[i].Name] = list[i].Resources
		}
	}
	for _, list := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range list {
			if list[i].Resources != nil {
				out[list[i].Name] = *list[i].Resources
			}
		}
	}
	return out
}

func (r *resizing) covers(pod *corev1.Pod) bool {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if !equality.Semantic.DeepEqual(r.allocated[list[i].Name], list[i].Resources) {
				return false
			}
		}
	}
	return true
}

func (r *resizing) withGranted(containers []corev1.Container) []corev1.Container {
	out := make([]corev1.Container, len(containers))
	for i := range containers {
		out[i] = containers[i]
		out[i].Resources = r.allocated[containers[i].Name]
	}
	return out
}

// grant takes the new amounts if the node has them.
func (w *worker) grant(pod *corev1.Pod) {
	r := &w.resize
	reason, message := w.unresizable(pod)
	if reason != "" {
		if r.pending == nil || r.pending.Reason != reason {
			w.event(pod, nil, corev1.EventTypeWarning, "Resize"+reason, fmt.Sprintf("Pod resize %s: %s", reason, resizeText(pod, message)))
			w.record(pod, decision.Record{Action: "Resize", Reason: reason, Message: message})
		}
		r.pending = &corev1.PodCondition{Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: reason, Message: message}
		return
	}
	r.pending, r.running, r.trouble = nil, true, ""
	before := r.allocated
	r.allocated = map[string]corev1.ResourceRequirements{}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			r.allocated[list[i].Name] = list[i].Resources
		}
	}
	w.event(pod, nil, corev1.EventTypeNormal, "ResizeStarted", "Pod resize started: "+resizeText(pod, ""))
	w.record(pod, decision.Record{Action: "Resize", Before: amountsText(before), After: amountsText(r.allocated), Reason: "ResizeStarted", Message: "the node has room"})
}

// unresizable is why the node cannot give the pod what it asks for now: never, or not yet.
func (w *worker) unresizable(pod *corev1.Pod) (reason, message string) {
	w.k.admission.Lock()
	defer w.k.admission.Unlock()
	used := corev1.ResourceList{}
	for _, other := range w.k.otherPods(w.uid) {
		if neighbour, _ := other.current(); other.counted.Load() && !terminal(neighbour.Status.Phase) {
			add(used, podRequests(neighbour))
		}
	}
	wanted := podRequests(pod)
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		want, taken, room := amount(name, wanted), amount(name, used), amount(name, w.k.allocatable)
		switch {
		case want > room:
			return corev1.PodReasonInfeasible, fmt.Sprintf("Node didn't have enough capacity: %s, requested: %d, capacity: %d", name, want, room)
		case taken+want > room:
			return corev1.PodReasonDeferred, insufficient(name, want, taken, room)
		}
	}
	return "", ""
}

// resizeText is what upstream puts into the Events of a resize: the amounts as JSON, the generation, and the trouble.
func resizeText(pod *corev1.Pod, trouble string) string {
	type sized struct {
		Name      string                      `json:"name"`
		Resources corev1.ResourceRequirements `json:"resources"`
	}
	all := func(containers []corev1.Container) []sized {
		var out []sized
		for i := range containers {
			out = append(out, sized{containers[i].Name, containers[i].Resources})
		}
		return out
	}
	summary := struct {
		InitContainers []sized `json:"initContainers,omitempty"`
		Containers     []sized `json:"containers,omitempty"`
		Generation     int64   `json:"generation"`
		Error          string  `json:"error,omitempty"`
	}{all(pod.Spec.InitContainers), all(pod.Spec.Containers), pod.Generation, trouble}
	text, err := json.Marshal(summary)
	if err != nil {
		return trouble // quantities can always be encoded
	}
	return string(text)
}

func amountsText(m map[string]corev1.ResourceRequirements) string {
	text, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	return string(text)
}

// mustResize says whether a running container has other limits than were granted, and whether its policy wants a restart for that.
func mustResize(pod *corev1.Pod, spec *corev1.Container, c *containerView) (resize, restart bool) {
	if c.resources == nil {
		return false, false // the runtime does not say
	}
	wanted := linuxResources(pod, spec)
	cpu := wanted.CpuShares != c.resources.CpuShares || wanted.CpuQuota != c.resources.CpuQuota
	memory := wanted.MemoryLimitInBytes != c.resources.MemoryLimitInBytes
	for _, policy := range spec.ResizePolicy {
		if policy.RestartPolicy == corev1.RestartContainer &&
			(cpu && policy.ResourceName == corev1.ResourceCPU || memory && policy.ResourceName == corev1.ResourceMemory) {
			restart = true
		}
	}
	return cpu || memory, restart
}

// carryOutResize gives running containers their new limits.
func (w *worker) carryOutResize(ctx context.Context, pod *corev1.Pod, a *actions) error {
	r := &w.resize
	if len(a.toUpdate) == 0 && !r.running || a.createSandbox { // a new sandbox is made with the new limits
		return nil
	}
	// The pod's own limits must never be below a container's, whichever way it goes: they are off for the moment.
	if err := w.resizeSandbox(ctx, a.sandboxID, &runtimeapi.LinuxContainerResources{CpuShares: podResources(pod).CpuShares}); err != nil {
		return err
	}
	for _, u := range a.toUpdate {
		_, err := w.k.cfg.Runtime.UpdateContainerResources(ctx, &runtimeapi.UpdateContainerResourcesRequest{
			ContainerId: u.container.id, Linux: linuxResources(pod, u.spec),
		})
		if err != nil {
			r.trouble = runtimeMessage(err)
			w.event(pod, nil, corev1.EventTypeWarning, "ResizeError", "Pod resize error: "+resizeText(pod, r.trouble))
			return fmt.Errorf("resize container %s of pod %s: %w", u.spec.Name, podText(pod), err)
		}
		w.record(pod, decision.Record{
			Action: "UpdateContainerResources", Message: "the granted amounts have changed",
			Details: map[string]string{"container": u.spec.Name, "id": u.container.id},
		})
	}
	r.trouble = ""
	return w.resizeSandbox(ctx, a.sandboxID, podResources(pod))
}

// resizeSandbox gives the pod's own cgroup other limits. A runtime that cannot has none.
func (w *worker) resizeSandbox(ctx context.Context, id string, limits *runtimeapi.LinuxContainerResources) error {
	_, err := w.k.cfg.Runtime.UpdatePodSandboxResources(ctx, &runtimeapi.UpdatePodSandboxResourcesRequest{PodSandboxId: id, Resources: limits})
	if err != nil && codeOf(err) != codes.Unimplemented {
		return fmt.Errorf("resize sandbox %s: %w", id, err)
	}
	return nil
}

// noteResized looks whether all that was granted has been carried out.
func (w *worker) noteResized(pod *corev1.Pod, view *podView) {
	r := &w.resize
	if !r.running {
		return
	}
	for i := range pod.Spec.Containers {
		spec := &pod.Spec.Containers[i]
		c := view.activeContainer(spec.Name)
		if c == nil || !c.running() {
			continue
		}
		if resize, _ := mustResize(pod, spec, c); resize {
			return
		}
	}
	r.running = false
	w.event(pod, nil, corev1.EventTypeNormal, "ResizeCompleted", "Pod resize completed: "+resizeText(pod, ""))
}

// conditions are those of a resize under way.
func (r *resizing) conditions() []corev1.PodCondition {
	var out []corev1.PodCondition
	if r.pending != nil {
		out = append(out, *r.pending)
	}
	if r.running {
		c := corev1.PodCondition{Type: corev1.PodResizeInProgress, Status: corev1.ConditionTrue}
		if r.trouble != "" {
			c.Reason, c.Message = corev1.PodReasonError, r.trouble
		}
		out = append(out, c)
	}
	return out
}
