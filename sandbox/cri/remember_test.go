package cri_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// A runtime that is started again, as after a power cut, knows what ended before it: records and logs stay until they are removed.
func TestRecordsOutliveTheServer(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("web"))
	ended := n.runToEnd(pod, containerConfig("ended", "exit", "3"))
	running := n.create(pod, containerConfig("running", "wait", "terminated"))
	n.start(running)
	waitForLog(t, n, running, "waiting")
	began := n.status(running).GetStartedAt()
	n.create(pod, containerConfig("never started", "exit", "0"))
	n.stop()

	n.serve()
	sandbox, err := n.PodSandboxStatus(n.ctx(), &runtimeapi.PodSandboxStatusRequest{PodSandboxId: pod})
	must(t, err)
	if got := sandbox.GetStatus(); got.GetState() != runtimeapi.PodSandboxState_SANDBOX_NOTREADY || got.GetMetadata().GetUid() != "uid-web" {
		t.Errorf("sandbox of the earlier server: %v", got)
	}
	list, err := n.ListContainers(n.ctx(), &runtimeapi.ListContainersRequest{})
	must(t, err)
	if len(list.GetContainers()) != 2 {
		t.Errorf("containers of the earlier server: %v, want those two that had started", list.GetContainers())
	}
	if diff := cmp.Diff(describe(ended), describe(n.status(ended.GetId()))); diff != "" {
		t.Errorf("container that had ended (-want +got):\n%s", diff)
	}
	killed := n.status(running)
	if killed.GetExitCode() != 137 || killed.GetReason() != "Error" || killed.GetStartedAt() != began || killed.GetFinishedAt() <= began {
		t.Errorf("container that was killed with its server: %v", killed)
	}
	if got := n.output(killed); got != "waiting\n" {
		t.Errorf("its log: %q", got)
	}
	if _, err := n.ListContainerStats(n.ctx(), &runtimeapi.ListContainerStatsRequest{}); err != nil {
		t.Errorf("usage of what is gone: %v", err)
	}

	// The pod goes on in a new sandbox beside the old one, until somebody removes that.
	next := n.podConfig("web")
	next.Metadata.Attempt = 1
	more := containerConfig("ended", "exit", "0")
	more.Metadata.Attempt = 1
	n.runToEnd(n.runPod(next), more)
	_, err = n.RemovePodSandbox(n.ctx(), &runtimeapi.RemovePodSandboxRequest{PodSandboxId: pod})
	must(t, err)
	for _, kind := range []string{"sandboxes", "containers"} {
		if left, err := os.ReadDir(filepath.Join(n.config.StateDir, kind)); err != nil || len(left) != 1 {
			t.Errorf("records of %s after the removal: %v, %v; want the new one's", kind, left, err)
		}
	}
}

// describe is what of a status must not change by a restart.
func describe(s *runtimeapi.ContainerStatus) []string {
	return strings.Split(s.String(), " ")
}

// What a power cut leaves: a container of which nobody saw the end, and the start of a line.
func TestPowerCutLeavesTornRecords(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("web"))
	running := n.create(pod, containerConfig("running", "wait", "terminated"))
	n.start(running)
	record := filepath.Join(n.config.StateDir, "containers", running)
	before, err := os.ReadFile(record)
	must(t, err)
	n.stop()
	must(t, os.WriteFile(record, append(before, `{"finished":"20`...), 0o600))
	must(t, os.WriteFile(filepath.Join(n.config.StateDir, "containers", "torn"), before[:40], 0o600))
	must(t, os.WriteFile(filepath.Join(n.config.StateDir, "sandboxes", "torn"), []byte("{"), 0o600))

	n.serve()
	lost := n.status(running)
	if lost.GetExitCode() != 255 || lost.GetReason() != "Unknown" || lost.GetFinishedAt() == 0 {
		t.Errorf("container whose end nobody saw: %v", lost)
	}
	list, err := n.ListPodSandbox(n.ctx(), &runtimeapi.ListPodSandboxRequest{})
	must(t, err)
	if len(list.GetItems()) != 1 {
		t.Errorf("sandboxes: %v, want the whole one", list.GetItems())
	}
	n.stop()
	n.serve()
	if again := n.status(running); again.GetFinishedAt() != lost.GetFinishedAt() {
		t.Errorf("the end moved from %d to %d with one more restart", lost.GetFinishedAt(), again.GetFinishedAt())
	}
}
