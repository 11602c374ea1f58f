package cri_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestPodFromStartToEnd(t *testing.T) {
	n := newNode(t)
	events := n.watch()
	pod := n.runPod(n.podConfig("web"))
	id := n.create(pod, containerConfig("main", "wait", "terminated"))
	if got := n.status(id).GetState(); got != runtimeapi.ContainerState_CONTAINER_CREATED {
		t.Errorf("state after create: %v", got)
	}
	n.start(id)
	st := n.status(id)
	if st.GetState() != runtimeapi.ContainerState_CONTAINER_RUNNING || st.GetStartedAt() == 0 || st.GetImage().GetImage() != "docker.io/drydock/test:1" || !strings.HasPrefix(st.GetImageRef(), "docker.io/drydock/test@sha256:") {
		t.Errorf("status while running: %v", st)
	}
	sb, err := n.PodSandboxStatus(n.ctx(), &runtimeapi.PodSandboxStatusRequest{PodSandboxId: pod[:12]})
	must(t, err)
	if ip := sb.GetStatus().GetNetwork().GetIp(); ip != "10.244.1.2" || sb.GetStatus().GetState() != runtimeapi.PodSandboxState_SANDBOX_READY {
		t.Errorf("sandbox: %v", sb.GetStatus())
	}
	waitForLog(t, n, id, "waiting") // earlier than that the program does not hear signals
	_, err = n.StopContainer(n.ctx(), &runtimeapi.StopContainerRequest{ContainerId: id, Timeout: 10})
	must(t, err)
	st = n.status(id)
	if st.GetState() != runtimeapi.ContainerState_CONTAINER_EXITED || st.GetExitCode() != 0 || st.GetReason() != "Completed" || st.GetFinishedAt() < st.GetStartedAt() {
		t.Errorf("status after stop: %v", st)
	}
	if got, want := n.output(st), "waiting\ngot terminated\n"; got != want {
		t.Errorf("log is %q, want %q", got, want)
	}
	for range 2 { // everything that ends something may be repeated
		_, err = n.StopPodSandbox(n.ctx(), &runtimeapi.StopPodSandboxRequest{PodSandboxId: pod})
		must(t, err)
		_, err = n.RemoveContainer(n.ctx(), &runtimeapi.RemoveContainerRequest{ContainerId: id})
		must(t, err)
	}
	for range 2 {
		_, err = n.RemovePodSandbox(n.ctx(), &runtimeapi.RemovePodSandboxRequest{PodSandboxId: pod})
		must(t, err)
	}
	var got []string
	for range 8 {
		e, err := events.Recv()
		must(t, err)
		what := "container"
		if e.GetContainerId() == pod {
			what = "sandbox"
		}
		got = append(got, what+" "+strings.TrimSuffix(strings.TrimPrefix(e.GetContainerEventType().String(), "CONTAINER_"), "_EVENT"))
	}
	want := []string{
		"sandbox CREATED", "sandbox STARTED", "container CREATED", "container STARTED", "container STOPPED",
		"sandbox STOPPED", "container DELETED", "sandbox DELETED",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestStepsAreTold(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("told"))
	n.runToEnd(pod, containerConfig("main", "exit", "3"))
	_, err := n.StopPodSandbox(n.ctx(), &runtimeapi.StopPodSandboxRequest{PodSandboxId: pod})
	must(t, err)
	n.mu.Lock()
	defer n.mu.Unlock()
	var got []string
	for _, s := range n.steps {
		got = append(got, fmt.Sprintf("%s/%s %s %s %s%s", s.Namespace, s.Pod, s.Action, s.Reason, s.Details["address"], s.Details["exitCode"]))
	}
	want := []string{
		"default/told RunPodSandbox  10.244.1.2", "default/told CreateContainer  ", "default/told StartContainer  ",
		"default/told ContainerExited Error 3", "default/told StopPodSandbox  ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestLogFormat(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("log"))
	st := n.runToEnd(pod, containerConfig("main"))
	data, err := os.ReadFile(st.GetLogPath())
	must(t, err)
	stamp := regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z `)
	lines := strings.Split(strings.TrimSpace(stamp.ReplaceAllString(string(data), "")), "\n")
	seen := map[string]bool{}
	for _, l := range lines {
		seen[l] = true
	}
	if diff := cmp.Diff(map[string]bool{"stdout F out one": true, "stderr F err one": true, "stdout P out two": true}, seen); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	long := n.runToEnd(pod, containerConfig("long", "long"))
	data, err = os.ReadFile(long.GetLogPath())
	must(t, err)
	if parts := strings.Split(strings.TrimSpace(string(data)), "\n"); len(parts) != 2 || !strings.Contains(parts[0], " stdout P x") || !strings.Contains(parts[1], " stdout F x") {
		t.Errorf("a line of 20000 bytes became %d entries", len(parts))
	}
}

func TestHowContainersEnd(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("ends"))
	for name, c := range map[string]struct {
		args   []string
		code   int32
		reason string
	}{
		"zero":  {[]string{"exit", "0"}, 0, "Completed"},
		"seven": {[]string{"exit", "7"}, 7, "Error"},
	} {
		if st := n.runToEnd(pod, containerConfig(name, c.args...)); st.GetExitCode() != c.code || st.GetReason() != c.reason {
			t.Errorf("%s: code %d, reason %s", name, st.GetExitCode(), st.GetReason())
		}
	}
	config := containerConfig("missing")
	config.Command = []string{"/no/such/program"}
	id := n.create(pod, config)
	_, err := n.StartContainer(n.ctx(), &runtimeapi.StartContainerRequest{ContainerId: id})
	if err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("start of a missing program: %v", err)
	}
	if st := n.status(id); st.GetExitCode() != 128 || st.GetReason() != "StartError" || st.GetState() != runtimeapi.ContainerState_CONTAINER_EXITED {
		t.Errorf("status of a missing program: %v", st)
	}
}

func TestStopUsesTheImagesSignalAndKillsAfterTheGrace(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("stop"))
	polite := containerConfig("polite")
	polite.Image.Image = "drydock/quit:1"
	stubborn := containerConfig("stubborn", "wait")
	for config, want := range map[*runtimeapi.ContainerConfig]int32{polite: 0, stubborn: 137} {
		id := n.create(pod, config)
		n.start(id)
		waitForLog(t, n, id, "waiting")
		begun := time.Now()
		_, err := n.StopContainer(n.ctx(), &runtimeapi.StopContainerRequest{ContainerId: id, Timeout: 1})
		must(t, err)
		if st := n.status(id); st.GetExitCode() != want {
			t.Errorf("%s: exit code %d, want %d", config.GetMetadata().GetName(), st.GetExitCode(), want)
		}
		if took := time.Since(begun); want == 137 && took < time.Second {
			t.Errorf("killed after %v, before its grace was over", took)
		}
	}
}

// waitForLog waits until a running container has printed text.
func waitForLog(t *testing.T, n *node, id, text string) {
	t.Helper()
	path := n.status(id).GetLogPath()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), text) {
			return
		}
		time.Sleep(2 * time.Millisecond) //nolint:forbidigo // a file has no channel
	}
	t.Fatalf("%q never appeared in the log", text)
}

func TestErrorsHaveCodes(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("errors"))
	unknown := containerConfig("x")
	unknown.Image.Image = "ngnix"
	_, noImage := n.CreateContainer(n.ctx(), &runtimeapi.CreateContainerRequest{PodSandboxId: pod, Config: unknown})
	_, noPull := n.PullImage(n.ctx(), &runtimeapi.PullImageRequest{Image: unknown.Image})
	_, noContainer := n.ContainerStatus(n.ctx(), &runtimeapi.ContainerStatusRequest{ContainerId: "nope"})
	_, noPod := n.PodSandboxStatus(n.ctx(), &runtimeapi.PodSandboxStatusRequest{PodSandboxId: "nope"})
	_, twice := n.RunPodSandbox(n.ctx(), &runtimeapi.RunPodSandboxRequest{Config: n.podConfig("errors")})
	for what, c := range map[string]struct {
		err  error
		want codes.Code
	}{
		"unknown image": {noImage, codes.NotFound}, "unknown pull": {noPull, codes.NotFound},
		"unknown container": {noContainer, codes.NotFound}, "unknown sandbox": {noPod, codes.NotFound}, "same name": {twice, codes.AlreadyExists},
	} {
		if got := status.Code(c.err); got != c.want {
			t.Errorf("%s: code %v (%v), want %v", what, got, c.err, c.want)
		}
	}
	if want := "bundled images: drydock/quit:1, drydock/test:1"; !strings.Contains(status.Convert(noPull).Message(), want) {
		t.Errorf("pull error %q lacks %q", noPull, want)
	}
	if st, err := n.ImageStatus(n.ctx(), &runtimeapi.ImageStatusRequest{Image: unknown.Image}); err != nil || st.GetImage() != nil {
		t.Errorf("status of an unknown image: %v, %v; want an empty answer", st, err)
	}
}

func TestImagesAreListedAndPulledByName(t *testing.T) {
	n := newNode(t)
	list, err := n.ListImages(n.ctx(), &runtimeapi.ListImagesRequest{})
	must(t, err)
	if len(list.GetImages()) != 2 || !list.GetImages()[0].GetPinned() {
		t.Errorf("images: %v", list.GetImages())
	}
	pulled, err := n.PullImage(n.ctx(), &runtimeapi.PullImageRequest{Image: &runtimeapi.ImageSpec{Image: "drydock/test:1"}})
	must(t, err)
	st, err := n.ImageStatus(n.ctx(), &runtimeapi.ImageStatusRequest{Image: &runtimeapi.ImageSpec{Image: pulled.GetImageRef()}})
	must(t, err)
	if diff := cmp.Diff([]string{"docker.io/drydock/test:1"}, st.GetImage().GetRepoTags()); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

func TestListsAndFilters(t *testing.T) {
	n := newNode(t)
	a, b := n.runPod(n.podConfig("a")), n.runPod(n.podConfig("b"))
	id := n.create(a, containerConfig("main", "wait"))
	n.create(b, containerConfig("main", "wait"))
	n.start(id)
	_, err := n.StopPodSandbox(n.ctx(), &runtimeapi.StopPodSandboxRequest{PodSandboxId: b})
	must(t, err)
	pods := func(f *runtimeapi.PodSandboxFilter) int {
		resp, err := n.ListPodSandbox(n.ctx(), &runtimeapi.ListPodSandboxRequest{Filter: f})
		must(t, err)
		return len(resp.GetItems())
	}
	containers := func(f *runtimeapi.ContainerFilter) int {
		resp, err := n.ListContainers(n.ctx(), &runtimeapi.ListContainersRequest{Filter: f})
		must(t, err)
		return len(resp.GetContainers())
	}
	ready := &runtimeapi.PodSandboxStateValue{State: runtimeapi.PodSandboxState_SANDBOX_READY}
	created := &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_CREATED}
	got := []int{
		pods(nil), pods(&runtimeapi.PodSandboxFilter{State: ready}), pods(&runtimeapi.PodSandboxFilter{Id: b}), pods(&runtimeapi.PodSandboxFilter{LabelSelector: map[string]string{"app": "a"}}), pods(&runtimeapi.PodSandboxFilter{Id: "nope"}),
		containers(nil), containers(&runtimeapi.ContainerFilter{State: created}), containers(&runtimeapi.ContainerFilter{PodSandboxId: a}), containers(&runtimeapi.ContainerFilter{LabelSelector: map[string]string{"container": "other"}}),
	}
	if diff := cmp.Diff([]int{2, 1, 1, 1, 0, 2, 1, 1, 0}, got); diff != "" {
		t.Errorf("lengths (-want +got):\n%s", diff)
	}
}

func TestTwentyPodsAtOnce(t *testing.T) {
	n := newNode(t)
	const pods = 20
	ips := make([]string, pods)
	var all sync.WaitGroup
	for i := range pods {
		all.Go(func() {
			pod := n.runPod(n.podConfig(fmt.Sprintf("pod-%d", i)))
			for c := range 2 {
				n.start(n.create(pod, containerConfig(fmt.Sprintf("c%d", c), "wait")))
			}
			st, err := n.PodSandboxStatus(n.ctx(), &runtimeapi.PodSandboxStatusRequest{PodSandboxId: pod})
			must(t, err)
			ips[i] = st.GetStatus().GetNetwork().GetIp()
			if i%2 == 0 {
				_, err := n.RemovePodSandbox(n.ctx(), &runtimeapi.RemovePodSandboxRequest{PodSandboxId: pod})
				must(t, err)
			}
		})
	}
	all.Wait()
	seen := map[string]bool{}
	for _, ip := range ips {
		if ip == "" || seen[ip] {
			t.Errorf("address %q is empty or given twice", ip)
		}
		seen[ip] = true
	}
	running, err := n.ListContainers(n.ctx(), &runtimeapi.ListContainersRequest{Filter: &runtimeapi.ContainerFilter{
		State: &runtimeapi.ContainerStateValue{State: runtimeapi.ContainerState_CONTAINER_RUNNING},
	}})
	must(t, err)
	if got := len(running.GetContainers()); got != pods {
		t.Errorf("%d containers run, want %d", got, pods)
	}
}

// BenchmarkPod is one pod with one container: made, started, and removed outside of the measured time.
func BenchmarkPod(b *testing.B) {
	n := newNode(b)
	i := 0
	for b.Loop() {
		i++
		pod := n.runPod(n.podConfig(fmt.Sprintf("pod-%d", i)))
		n.start(n.create(pod, containerConfig("main", "wait")))
		b.StopTimer()
		_, err := n.RemovePodSandbox(n.ctx(), &runtimeapi.RemovePodSandboxRequest{PodSandboxId: pod})
		must(b, err)
		b.StartTimer()
	}
}
