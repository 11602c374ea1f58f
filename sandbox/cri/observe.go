package cri

import (
	"strconv"
	"strings"
	"time"
)

// Step is one thing that the runtime did for a pod, told with the kernel's own words: which namespaces, which folders,
// which process. It is for whoever keeps the cluster's history.
type Step struct {
	Time                time.Time
	Namespace, Pod, UID string
	// Action is the interface's verb, RunPodSandbox, CreateContainer, StartContainer, StopPodSandbox, or ContainerExited.
	Action          string
	After           string
	Reason, Message string
	Details         map[string]string
}

// observe passes a step on, with the pod's name put in.
func (s *Server) observe(p *pod, step Step) {
	if s.cfg.Observe == nil {
		return
	}
	m := p.config.GetMetadata()
	step.Time, step.Namespace, step.Pod, step.UID = time.Now(), m.GetNamespace(), m.GetName(), m.GetUid()
	s.cfg.Observe(step)
}

func (s *Server) observeSandbox(p *pod) {
	details := map[string]string{"sandbox": p.id, "namespaces": p.dir + "/{net,ipc,uts}", "took": time.Since(p.created).String()}
	message := "on the node's own network"
	if p.address.IsValid() {
		details["address"], details["cable"] = p.address.String(), p.cable()
		message = "new namespaces, address " + p.address.String()
	}
	s.observe(p, Step{Action: "RunPodSandbox", After: "ready", Message: message, Details: details})
}

func (s *Server) observeCreate(c *ctr) {
	s.observe(c.pod, Step{Action: "CreateContainer", After: "created", Message: "a writable snapshot on the layers of " + c.imageSpec().GetImage(), Details: map[string]string{
		"container": c.config.GetMetadata().GetName(), "id": c.id, "imageID": c.image.ID, "layers": strconv.Itoa(len(c.image.Layers)),
		"rootfs": c.rootfs(), "snapshots": string(s.cfg.Images.Layers().Backing()), "took": time.Since(c.created).String(),
	}})
}

func (s *Server) observeStart(c *ctr, pid int, took time.Duration) {
	s.observe(c.pod, Step{Action: "StartContainer", After: "running", Message: "process " + strconv.Itoa(pid) + ": " + strings.Join(c.spec.Process.Args, " "), Details: map[string]string{
		"container": c.config.GetMetadata().GetName(), "id": c.id, "pid": strconv.Itoa(pid), "took": took.String(),
	}})
}

func (s *Server) observeEnd(c *ctr, e ending) {
	s.observe(c.pod, Step{Action: "ContainerExited", After: "exited", Reason: e.reason, Message: e.message, Details: map[string]string{
		"container": c.config.GetMetadata().GetName(), "id": c.id, "exitCode": strconv.Itoa(int(e.code)),
	}})
}
