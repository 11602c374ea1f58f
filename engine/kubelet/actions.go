package kubelet

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// actions is what must be done to bring a pod from what the runtime shows to what its spec wants.
type actions struct {
	killPod       bool // stop every container and sandbox first
	createSandbox bool
	sandboxID     string // of the newest sandbox, "" when there is none
	attempt       uint32 // of the sandbox to create
	why           string // of createSandbox, in upstream's words

	ephemeralToStart, initToStart, toStart []int // indexes into the spec's lists
	toKill                                 []kill
	toUpdate                               []update
	toReset                                []*containerView // remove them all, in this order: the pod starts over in its sandbox
}

// update is one running container to get other limits.
type update struct {
	container *containerView
	spec      *corev1.Container
}

// kill is one container to stop.
type kill struct {
	container *containerView
	message   string // "" for the usual one
	reason    killReason
	after     []<-chan struct{} // closed when those have ended that are to end before it
}

type killReason string

const (
	killedByLiveness killReason = "LivenessProbe"
	killedByStartup  killReason = "StartupProbe"
	killedToRestart  killReason = "RestartAllContainers"
	killedUnknown    killReason = "Unknown"
)

// probeVerdicts answers for running containers, by container ID. known is false while a probe has not decided.
type probeVerdicts interface {
	verdict(kind probeKind, containerID string) (ok, known bool)
}

// sandboxChanged says whether the pod needs another sandbox: because, in upstream's words, and the attempt number to give it.
func sandboxChanged(pod *corev1.Pod, view *podView) (because string, attempt uint32) {
	if len(view.sandboxes) == 0 {
		return "no pod sandbox exists", 0
	}
	newest := view.sandboxes[0]
	attempt = newest.GetMetadata().GetAttempt()
	switch {
	case view.readySandboxes() > 1:
		return "multiple pod sandboxes are ready and need to be reconciled", attempt + 1
	case newest.State != runtimeapi.PodSandboxState_SANDBOX_READY:
		return "pod sandbox is not ready", attempt + 1
	case !pod.Spec.HostNetwork && newest.Network != nil && newest.Network.Ip == "":
		return "pod sandbox has no IP address", attempt + 1
	}
	return "", attempt
}

// decide compares a pod with the runtime's view of it. It is a pure function: nothing is asked, nothing is changed.
func decide(pod *corev1.Pod, view *podView, probes probeVerdicts) actions {
	because, attempt := sandboxChanged(pod, view)
	a := actions{attempt: attempt, why: because}
	if len(view.sandboxes) > 0 {
		a.sandboxID = view.sandboxes[0].Id
	}
	if because == "" && restartsAll(pod, view) {
		a.toReset = resetOrder(pod, view)
		return a
	}
	if because != "" {
		a.killPod, a.createSandbox = true, true
		decideAfresh(pod, view, &a)
		return a
	}
	for i := range pod.Spec.EphemeralContainers {
		if view.container(pod.Spec.EphemeralContainers[i].Name) == nil { // they are never started twice
			a.ephemeralToStart = append(a.ephemeralToStart, i)
		}
	}
	if initialized := decideInit(pod, view, probes, &a); a.killPod || !initialized {
		return a
	}
	kept := 0
	for i := range pod.Spec.Containers {
		if decideContainer(pod, i, view, probes, &a) {
			kept++
		}
	}
	if kept == 0 && len(a.toStart) == 0 {
		a.killPod, a.initToStart = true, nil // sidecars must not keep a finished pod alive
	}
	return a
}

// decideAfresh is for a pod whose sandbox is missing: everything starts again, unless the pod is done.
func decideAfresh(pod *corev1.Pod, view *podView, a *actions) {
	if pod.Spec.RestartPolicy == corev1.RestartPolicyNever && a.attempt != 0 && len(view.containers) > 0 {
		a.createSandbox = false
		return
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		last := view.container(c.Name)
		if restartPolicy(pod, c) == corev1.RestartPolicyOnFailure && last != nil && last.exited() && last.exitCode == 0 {
			continue
		}
		a.toStart = append(a.toStart, i)
	}
	if len(a.toStart) == 0 && anyRegularContainer(pod, view) {
		a.createSandbox = false
		return
	}
	if len(pod.Spec.InitContainers) > 0 {
		a.initToStart, a.toStart = []int{0}, nil
	}
}

// decideContainer looks at one regular container and reports whether it runs and may go on running.
func decideContainer(pod *corev1.Pod, i int, view *podView, probes probeVerdicts, a *actions) bool {
	spec := &pod.Spec.Containers[i]
	c := view.container(spec.Name)
	if c == nil || !c.running() {
		if !shouldRestart(pod, spec, view) {
			return false
		}
		a.toStart = append(a.toStart, i)
		if c != nil && c.state == runtimeapi.ContainerState_CONTAINER_UNKNOWN {
			a.toKill = append(a.toKill, kill{container: c, message: `Container is in "unknown" state, try killing it before restart`, reason: killedUnknown})
		}
		return false
	}
	message, reason := condemned(spec, c, probes)
	resize, restart := mustResize(pod, spec, c)
	switch {
	case message == "" && restart:
		message, reason = fmt.Sprintf("Container %s resize requires restart", spec.Name), ""
	case message == "" && resize:
		a.toUpdate = append(a.toUpdate, update{c, spec})
		return true
	case message == "":
		return true
	}
	if reason == "" || restartPolicy(pod, spec) != corev1.RestartPolicyNever {
		message += ", will be restarted"
		a.toStart = append(a.toStart, i)
	}
	a.toKill = append(a.toKill, kill{container: c, message: message, reason: reason})
	return false
}

// condemned gives the reason for which a running container must be stopped, "" when it may run on. A changed definition has no
// kill reason: it restarts whatever the policy.
func condemned(spec *corev1.Container, c *containerView, probes probeVerdicts) (string, killReason) {
	if c.hash != "" && c.hash != hashContainer(spec) {
		return fmt.Sprintf("Container %s definition changed", spec.Name), ""
	}
	if ok, known := probes.verdict(liveness, c.id); known && !ok {
		return fmt.Sprintf("Container %s failed liveness probe", spec.Name), killedByLiveness
	}
	if ok, known := probes.verdict(startup, c.id); known && !ok {
		return fmt.Sprintf("Container %s failed startup probe", spec.Name), killedByStartup
	}
	return "", ""
}

// decideInit walks the init containers backwards, because finished ones may be gone from the runtime and the last one that is
// there tells how far initialisation has come. It reports whether the regular containers may start.
func decideInit(pod *corev1.Pod, view *podView, probes probeVerdicts, a *actions) bool {
	last := len(pod.Spec.InitContainers) - 1
	initialized := last < 0 || anyActiveRegularContainer(pod, view)
	later := initialized // a later step has begun: of the earlier ones only sidecars still matter
	for i := last; i >= 0; i-- {
		spec := &pod.Spec.InitContainers[i]
		c := view.activeContainer(spec.Name)
		switch {
		case c == nil && later && isSidecar(spec):
			a.initToStart = append(a.initToStart, i)
		case c == nil, later && !isSidecar(spec):
		default:
			done := decideInitContainer(pod, i, c, probes, a)
			if a.killPod {
				return false
			}
			if done && i == last {
				initialized = true
			} else if done && !later {
				a.initToStart = append(a.initToStart, i+1)
			}
			later = true
		}
	}
	if !later {
		a.initToStart = append(a.initToStart, 0)
	}
	slices.Sort(a.initToStart)
	a.initToStart = slices.Compact(a.initToStart)
	return initialized
}

// decideInitContainer looks at init container i, which exists, and reports whether it has done its part: an ordinary one has
// succeeded, a sidecar has started.
func decideInitContainer(pod *corev1.Pod, i int, c *containerView, probes probeVerdicts, a *actions) bool {
	spec := &pod.Spec.InitContainers[i]
	switch {
	case c.running() && isSidecar(spec):
		return decideSidecar(spec, i, c, probes, a)
	case c.running():
		return false
	case c.exited() && !isSidecar(spec) && c.exitCode == 0:
		return true
	case c.exited() && !wouldRestart(pod, spec, c.exitCode):
		a.killPod, a.initToStart = true, nil
		return false
	}
	if c.state == runtimeapi.ContainerState_CONTAINER_UNKNOWN {
		a.toKill = append(a.toKill, kill{container: c, message: `Init container is in "unknown" state, try killing it before restart`, reason: killedUnknown})
	}
	a.initToStart = append(a.initToStart, i) // created but never started, failed, or a sidecar that ended
	return false
}

func decideSidecar(spec *corev1.Container, i int, c *containerView, probes probeVerdicts, a *actions) bool {
	if spec.StartupProbe != nil {
		ok, known := probes.verdict(startup, c.id)
		if known && !ok {
			a.toKill = append(a.toKill, kill{container: c, message: fmt.Sprintf("Init container %s failed startup probe", spec.Name), reason: killedByStartup})
			a.initToStart = append(a.initToStart, i)
		}
		if !ok {
			return false
		}
	}
	if ok, known := probes.verdict(liveness, c.id); known && !ok {
		a.toKill = append(a.toKill, kill{container: c, message: fmt.Sprintf("Init container %s failed liveness probe", spec.Name), reason: killedByLiveness})
		a.initToStart = append(a.initToStart, i)
	}
	return true
}
