package kubelet

import (
	"context"
	"fmt"
	"sync"
	"time"

	"drydock/engine/decision"
	"drydock/engine/listwatch"

	corev1 "k8s.io/api/core/v1"
)

type probeKind int

const (
	startup probeKind = iota
	liveness
	readiness
)

func (k probeKind) String() string { return [...]string{"Startup", "Liveness", "Readiness"}[k] }

type probeKey struct {
	kind      probeKind
	container string // ID without prefix
}

// probeSet runs the probes of one pod, one goroutine for each probe of each running container, and keeps their verdicts. A changed
// verdict wakes the pod's worker.
type probeSet struct {
	w *worker

	mu sync.Mutex
	// guarded by mu
	verdicts map[probeKey]bool // absent: not decided yet
	running  map[probeKey]context.CancelFunc
	quiet    bool // the pod is ending: no new liveness and startup probes
	closed   bool
}

func newProbeSet(w *worker) *probeSet {
	p := &probeSet{w: w, verdicts: map[probeKey]bool{}, running: map[probeKey]context.CancelFunc{}}
	// A kubelet that starts anew must not make a container unready that was ready before: it believes the API until it knows better.
	for _, list := range [][]corev1.ContainerStatus{w.pod.Status.InitContainerStatuses, w.pod.Status.ContainerStatuses} {
		for i := range list {
			if s := &list[i]; s.State.Running != nil && isTrue(s.Started) {
				p.verdicts[probeKey{startup, bareID(s)}] = true
				if s.Ready {
					p.verdicts[probeKey{readiness, bareID(s)}] = true
				}
			}
		}
	}
	return p
}

func bareID(s *corev1.ContainerStatus) string {
	return s.ContainerID[min(len(containerIDPrefix), len(s.ContainerID)):]
}

func (p *probeSet) verdict(kind probeKind, containerID string) (ok, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ok, known = p.verdicts[probeKey{kind, containerID}]
	return ok, known
}

// started says whether a container is past its startup probe.
func (p *probeSet) started(spec *corev1.Container, s *corev1.ContainerStatus) bool {
	if s.State.Running == nil {
		return false
	}
	if spec.StartupProbe == nil {
		return true
	}
	ok, _ := p.verdict(startup, bareID(s))
	return ok
}

// ready says whether a started container may get traffic.
func (p *probeSet) ready(spec *corev1.Container, s *corev1.ContainerStatus) bool {
	if s.State.Running == nil {
		return false
	}
	if spec.ReadinessProbe == nil {
		return true
	}
	ok, _ := p.verdict(readiness, bareID(s))
	return ok
}

// follow starts the probes that status calls for and stops those of containers that no longer run.
func (p *probeSet) follow(pod *corev1.Pod, status *corev1.PodStatus) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := map[probeKey]bool{}
	for _, list := range [][]corev1.ContainerStatus{status.InitContainerStatuses, status.ContainerStatuses} {
		for i := range list {
			p.followContainerLocked(pod, status, &list[i], wanted)
		}
	}
	for key, running := range p.running {
		if !wanted[key] {
			running()
			delete(p.running, key)
		}
	}
	for key := range p.verdicts {
		if !wanted[key] && !p.aliveLocked(status, key.container) {
			delete(p.verdicts, key)
		}
	}
}

func (p *probeSet) aliveLocked(status *corev1.PodStatus, id string) bool {
	for _, list := range [][]corev1.ContainerStatus{status.InitContainerStatuses, status.ContainerStatuses} {
		for i := range list {
			if list[i].State.Running != nil && bareID(&list[i]) == id {
				return true
			}
		}
	}
	return false
}

func (p *probeSet) followContainerLocked(pod *corev1.Pod, status *corev1.PodStatus, s *corev1.ContainerStatus, wanted map[probeKey]bool) {
	spec := findContainer(pod, s.Name)
	if p.closed || spec == nil || s.State.Running == nil || isOrdinaryInit(pod, s.Name) {
		return
	}
	started := isTrue(s.Started)
	for kind, probe := range map[probeKind]*corev1.Probe{startup: spec.StartupProbe, liveness: spec.LivenessProbe, readiness: spec.ReadinessProbe} {
		key := probeKey{kind, bareID(s)}
		ok, decided := p.verdicts[key]
		switch {
		case probe == nil, started == (kind == startup), kind != readiness && p.quiet:
			continue
		case decided && !ok && kind != readiness: // condemned: the worker is about to kill the container
			continue
		}
		wanted[key] = true
		if p.running[key] != nil {
			continue
		}
		p.startLocked(key, probeJob{
			pod: pod, spec: spec, probe: probe, kind: kind, containerID: key.container, ip: status.PodIP, since: s.State.Running.StartedAt.Time,
		})
	}
}

func (p *probeSet) startLocked(key probeKey, job probeJob) {
	ctx, cancel := context.WithCancel(context.Background())
	p.running[key] = cancel
	p.w.k.background(func(outer context.Context) {
		stop := context.AfterFunc(outer, cancel)
		defer stop()
		p.loop(ctx, job)
	})
}

// stopHealth ends liveness and startup probes: a pod that is being deleted must not be restarted. Readiness goes on, so that
// traffic stops when the application says so.
func (p *probeSet) stopHealth() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet = true
	for key, running := range p.running {
		if key.kind != readiness {
			running()
			delete(p.running, key)
		}
	}
}

func (p *probeSet) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, running := range p.running {
		running()
	}
	clear(p.running)
}

// loop probes until ctx ends or the probe has nothing more to say: a startup probe after its verdict, a liveness probe after
// a failure.
func (p *probeSet) loop(ctx context.Context, job probeJob) {
	delay := time.Until(job.since.Add(time.Duration(job.probe.InitialDelaySeconds) * time.Second))
	if job.probe.InitialDelaySeconds > 0 && !listwatch.Wait(ctx, delay) {
		return
	}
	period := max(time.Duration(job.probe.PeriodSeconds)*time.Second, time.Second)
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	// A server that begins to listen a moment after its container has started must not wait a whole period to be found
	// ready. Kubernetes: there the second look comes with the next relist, within a second.
	second := time.NewTimer(time.Second)
	defer second.Stop()
	var run probeRun
	for ctx.Err() == nil {
		if p.probeOnce(ctx, job, &run) {
			return
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		case <-second.C:
			if job.kind != readiness || (run.decided && run.verdict) {
				continue
			}
		}
	}
}

// probeRun counts equal results in a row.
type probeRun struct {
	last    bool
	count   int32
	decided bool
	verdict bool
}

// add takes one result and reports whether it settles the verdict anew.
func (r *probeRun) add(ok bool, probe *corev1.Probe) bool {
	if r.count == 0 || r.last != ok {
		r.last, r.count = ok, 0
	}
	r.count++
	threshold := max(probe.FailureThreshold, 1)
	if ok {
		threshold = max(probe.SuccessThreshold, 1)
	}
	if r.count < threshold {
		return false
	}
	changed := !r.decided || r.verdict != ok
	r.decided, r.verdict = true, ok
	return changed
}

// probeOnce runs the probe and reports whether it is done for good.
func (p *probeSet) probeOnce(ctx context.Context, job probeJob, run *probeRun) bool {
	answer, err := job.run(ctx, p.w.k.cfg.Runtime)
	if ctx.Err() != nil {
		return true
	}
	switch {
	case err != nil:
		p.w.event(job.pod, job.spec, corev1.EventTypeWarning, "Unhealthy",
			fmt.Sprintf("%s probe errored and resulted in unknown state: %s", job.kind, err))
		return false
	case answer.warn:
		p.w.event(job.pod, job.spec, corev1.EventTypeWarning, "ProbeWarning", fmt.Sprintf("%s probe warning: %s", job.kind, answer.output))
	case !answer.ok:
		p.w.event(job.pod, job.spec, corev1.EventTypeWarning, "Unhealthy", fmt.Sprintf("%s probe failed: %s", job.kind, answer.output))
	}
	if !run.add(answer.ok, job.probe) {
		return false
	}
	p.settle(job, answer)
	return job.kind == startup || (job.kind == liveness && !answer.ok)
}

func (p *probeSet) settle(job probeJob, answer probeAnswer) {
	ok := answer.ok
	p.mu.Lock()
	key := probeKey{job.kind, job.containerID}
	before, known := p.verdicts[key]
	p.verdicts[key] = ok
	if job.kind == startup || (job.kind == liveness && !ok) {
		delete(p.running, key) // its goroutine ends now
	}
	p.mu.Unlock()
	if known && before == ok {
		return
	}
	p.w.record(job.pod, decision.Record{
		Action: "Probe", Before: verdictWord(before, known), After: verdictWord(ok, true), Reason: job.kind.String(), Message: truncate(answer.output, 200),
		Details: map[string]string{"container": job.spec.Name, "id": job.containerID},
	})
	p.w.poke()
}

func verdictWord(ok, known bool) string {
	switch {
	case !known:
		return "unknown"
	case ok:
		return "success"
	}
	return "failure"
}
