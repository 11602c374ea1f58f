package kubelet_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drydock/engine/decision"
	"drydock/engine/kubelet"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// world is one node under test.
type world struct {
	t         *testing.T
	api       *fakeAPI
	runtime   *fakeRuntime
	ring      *decision.Ring
	root      string
	stop      func()
	kubelet   *kubelet.Kubelet // set by start
	capacity  corev1.ResourceList
	logSize   int64  // from which on logs are rotated; zero for the default
	manifests string // directory of static pods
	disk      func() (capacity, available uint64)
	imageAge  time.Duration
	changes   <-chan struct{} // says that it has changed
	port      net.Listener    // where its API is served, when set before start
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, api: newFakeAPI(), runtime: newFakeRuntime(), ring: decision.NewRing(1000), root: t.TempDir()}
}

// start runs a kubelet until the test ends or stop is called.
func (w *world) start() {
	w.t.Helper()
	capacity := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("2")}
	maps.Copy(capacity, w.capacity)
	k, err := kubelet.New(kubelet.Config{
		NodeName: "node-1", NodeIP: "172.30.0.11", PodCIDR: "10.244.1.0/24", Client: w.api, Runtime: w.runtime, Images: w.runtime,
		Listener: w.port, RootDir: filepath.Join(w.root, "kubelet"), LogDir: filepath.Join(w.root, "log"), Recorder: w.ring,
		Capacity: capacity, LogMaxSize: w.logSize, LogMaxFiles: 3,
		ClusterDNS: []string{"10.96.0.10"}, ClusterDomain: "cluster.local",
		FileSystem: w.disk, ImageMaximumGCAge: w.imageAge,
		Manifests: w.manifests, ManifestChanges: w.changes,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.kubelet = k
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run: %v", err)
		}
	}
	synctest.Wait()
}

// after lets d pass and everything settle.
func (w *world) after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func inBubble(t *testing.T, test func(*testing.T, *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		defer func() { w.stop() }()
		test(t, w)
	})
}

func newPod(name string, edit ...func(*corev1.Pod)) *corev1.Pod {
	yes, grace := true, int64(30)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID("uid-of-" + name), Generation: 1},
		Spec: corev1.PodSpec{
			NodeName: "node-1", RestartPolicy: corev1.RestartPolicyAlways, EnableServiceLinks: &yes, TerminationGracePeriodSeconds: &grace,
			DNSPolicy: corev1.DNSClusterFirst,
			Containers: []corev1.Container{{
				Name: "main", Image: "drydock/web:1", ImagePullPolicy: corev1.PullIfNotPresent, TerminationMessagePath: "/dev/termination-log",
				TerminationMessagePolicy: corev1.TerminationMessageReadFile,
			}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodPending, QOSClass: corev1.PodQOSBestEffort},
	}
	for _, e := range edit {
		e(pod)
	}
	return pod
}

func withPolicy(policy corev1.RestartPolicy) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.RestartPolicy = policy }
}

func (w *world) status(name string) *corev1.PodStatus {
	w.t.Helper()
	pod := w.api.pod("default", name)
	if pod == nil {
		w.t.Fatalf("pod %s is gone", name)
	}
	return &pod.Status
}

func (w *world) expect(name, want string) {
	w.t.Helper()
	if got := describe(w.status(name)); got != want {
		w.t.Errorf("%s pod %s is %q, want %q", time.Now().Format("15:04:05"), name, got, want)
	}
}

func TestPodBecomesReady(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web"))
		synctest.Wait()
		s := w.status("web")
		w.expect("web", "Running/ready")
		conditions := map[corev1.PodConditionType]corev1.ConditionStatus{}
		for _, c := range s.Conditions {
			conditions[c.Type] = c.Status
			if c.ObservedGeneration != 1 {
				t.Errorf("condition %s observed generation %d", c.Type, c.ObservedGeneration)
			}
		}
		want := map[corev1.PodConditionType]corev1.ConditionStatus{
			"PodReadyToStartContainers": "True", "Initialized": "True", "Ready": "True", "ContainersReady": "True", "PodScheduled": "True",
		}
		if diff := cmp.Diff(want, conditions); diff != "" {
			t.Errorf("conditions (-want +got):\n%s", diff)
		}
		c := s.ContainerStatuses[0]
		if s.PodIP != "10.244.1.1" || s.HostIP != "172.30.0.11" || s.StartTime == nil || s.QOSClass != corev1.PodQOSBestEffort ||
			c.ContainerID != "drydock://c2" || c.ImageID == "" || c.Image != "drydock/web:1" || s.ObservedGeneration != 1 {
			t.Errorf("status: %+v", s)
		}
		wantEvents := []string{
			"Normal Starting: Starting kubelet.",
			`Normal Pulled: Container image "drydock/web:1" already present on machine and can be accessed by the pod`,
			"Normal Created: Container created",
			"Normal Started: Container started",
		}
		if diff := cmp.Diff(wantEvents, w.api.told()); diff != "" {
			t.Errorf("Events (-want +got):\n%s", diff)
		}
		if w.api.events[1].InvolvedObject.FieldPath != "spec.containers{main}" {
			t.Errorf("Event is about %+v", w.api.events[1].InvolvedObject)
		}
		records, _ := w.ring.Since(0)
		var actions []string
		for _, r := range records {
			if r.Object.Resource == "pods" {
				actions = append(actions, r.Action)
			}
		}
		wantActions := []string{"UpdateStatus", "RunPodSandbox", "CreateContainer", "StartContainer", "UpdateStatus"}
		if diff := cmp.Diff(wantActions, actions); diff != "" {
			t.Errorf("decisions (-want +got):\n%s", diff)
		}
	})
}

func TestRestartPolicies(t *testing.T) {
	for _, test := range []struct {
		policy corev1.RestartPolicy
		code   int32
		want   string
	}{
		{corev1.RestartPolicyAlways, 0, "Running/ready"},
		{corev1.RestartPolicyAlways, 1, "Running/ready"},
		{corev1.RestartPolicyOnFailure, 0, "Succeeded/exit 0"},
		{corev1.RestartPolicyOnFailure, 1, "Running/ready"},
		{corev1.RestartPolicyNever, 0, "Succeeded/exit 0"},
		{corev1.RestartPolicyNever, 3, "Failed/exit 3"},
	} {
		t.Run(string(test.policy)+"/"+fmt.Sprint(test.code), func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.api.put(newPod("web", withPolicy(test.policy)))
				synctest.Wait()
				w.runtime.end("main", test.code)
				synctest.Wait() // the first restart comes at once
				w.expect("web", test.want)
				restarts := w.status("web").ContainerStatuses[0].RestartCount
				if again := strings.HasPrefix(test.want, "Running"); again != (restarts == 1) {
					t.Errorf("%d restarts", restarts)
				}
			})
		})
	}
}

func TestCrashLoopBackOff(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.runtime.exitsAfter["main"], w.runtime.exitCode["main"] = 0, 1
		w.api.put(newPod("web"))
		w.after(5 * time.Second)
		w.expect("web", "Running/CrashLoopBackOff")
		c := w.status("web").ContainerStatuses[0]
		if c.LastTerminationState.Terminated == nil || c.LastTerminationState.Terminated.ExitCode != 1 {
			t.Errorf("last state %+v", c.LastTerminationState)
		}
		if want := "back-off 10s restarting failed container=main pod=web_default("; !strings.HasPrefix(c.State.Waiting.Message, want) {
			t.Errorf("message %q", c.State.Waiting.Message)
		}
		began := time.Now().Add(-5 * time.Second)
		w.after(20 * time.Minute)
		var starts []int
		for _, at := range w.runtime.starts {
			starts = append(starts, int(at.Sub(began).Round(time.Second)/time.Second))
		}
		if n := len(w.runtime.containers); n != 1 {
			t.Errorf("%d dead containers are kept, want 1", n)
		}
		// At once, at once again, then 10 s, 20 s, 40 s, 80 s, 160 s and 300 s after each end.
		want := []int{0, 0, 10, 30, 70, 150, 310, 610, 910}
		if diff := cmp.Diff(want, starts[:len(want)]); diff != "" {
			t.Errorf("starts in seconds (-want +got):\n%s", diff)
		}
		if !slices.ContainsFunc(w.api.told(), func(s string) bool {
			return strings.HasPrefix(s, "Warning BackOff: Back-off restarting failed container main in pod web_default(")
		}) {
			t.Errorf("no BackOff Event in %q", w.api.told())
		}
	})
}

func TestImagePullBackOff(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.runtime.pullError["nosuch:latest"] = grpcstatus.Error(codes.NotFound, "no image nosuch here")
		w.api.put(newPod("web", func(pod *corev1.Pod) { pod.Spec.Containers[0].Image = "nosuch" }))
		began := time.Now()
		synctest.Wait()
		w.expect("web", "Pending/ErrImagePull")
		w.after(2 * time.Second)
		w.expect("web", "Pending/ImagePullBackOff")
		waiting := w.status("web").ContainerStatuses[0].State.Waiting
		if want := `Back-off pulling image "nosuch": ErrImagePull: rpc error: code = NotFound desc = no image nosuch here`; waiting.Message != want {
			t.Errorf("message %q, want %q", waiting.Message, want)
		}
		wantEvents := []string{
			"Normal Starting: Starting kubelet.",
			`Normal Pulling: Pulling image "nosuch"`,
			`Warning Failed: Failed to pull image "nosuch": rpc error: code = NotFound desc = no image nosuch here`,
			"Warning Failed: Error: ErrImagePull",
			`Normal BackOff: Back-off pulling image "nosuch"`,
			"Warning Failed: Error: ImagePullBackOff",
		}
		if diff := cmp.Diff(wantEvents, w.api.told()); diff != "" {
			t.Errorf("Events (-want +got):\n%s", diff)
		}
		w.runtime.mu.Lock()
		delete(w.runtime.pullError, "nosuch:latest")
		w.runtime.mu.Unlock()
		w.after(time.Until(began.Add(9 * time.Second)))
		w.expect("web", "Pending/ImagePullBackOff")
		w.after(2 * time.Second)
		w.expect("web", "Running/ready")
	})
}

func TestDeletionGivesGrace(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.runtime.ignoreTerm["main"] = true
		w.api.put(newPod("web"))
		synctest.Wait()
		w.delete("web", 30)
		w.after(29 * time.Second)
		if got := w.runtime.running(); len(got) != 1 {
			t.Errorf("running before the grace period is over: %v", got)
		}
		if w.api.pod("default", "web") == nil {
			t.Error("the object went before its container")
		}
		w.after(2 * time.Second)
		if got := w.runtime.running(); len(got) != 0 {
			t.Errorf("still running: %v", got)
		}
		if w.api.pod("default", "web") != nil {
			t.Error("the object is still there")
		}
		if diff := cmp.Diff([]string{"stop main 30s", "stop sandbox", "remove sandbox"}, w.runtime.called()[3:]); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		entries, err := os.ReadDir(filepath.Join(w.root, "kubelet", "pods"))
		if err != nil || len(entries) != 0 {
			t.Errorf("left behind: %v %v", entries, err)
		}
	})
}

func TestShorterGraceCutsIn(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.runtime.ignoreTerm["main"] = true
		w.api.put(newPod("web"))
		synctest.Wait()
		w.delete("web", 300)
		w.after(10 * time.Second)
		w.delete("web", 1)
		w.after(4 * time.Second)
		if w.api.pod("default", "web") != nil {
			t.Error("the shorter grace period was not heard")
		}
	})
}

// delete is what the API server does with a graceful DELETE.
func (w *world) delete(name string, grace int64) {
	w.api.change("default", name, func(pod *corev1.Pod) {
		now := metav1.Now()
		pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = &now, &grace
	})
}

func TestForcedDeleteStopsContainers(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web"))
		synctest.Wait()
		w.api.vanish("default", "web")
		synctest.Wait()
		if got := w.runtime.running(); len(got) != 0 {
			t.Errorf("still running: %v", got)
		}
		if n := len(w.runtime.sandboxes); n != 0 {
			t.Errorf("%d sandboxes left", n)
		}
	})
}

func TestNewKubeletAdoptsContainers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.api.put(newPod("web"))
		synctest.Wait()
		before := w.runtime.newest("main").status.Id
		w.stop()
		if got := w.runtime.running(); len(got) != 1 {
			t.Fatalf("the kubelet's end stopped the containers: %v", got)
		}
		w.start()
		defer func() { w.stop() }()
		w.expect("web", "Running/ready")
		if after := w.runtime.newest("main").status.Id; after != before {
			t.Errorf("container %s was replaced by %s", before, after)
		}
	})
}

func TestOrphansAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.api.put(newPod("web"))
		synctest.Wait()
		w.stop()
		w.api.vanish("default", "web")
		w.start()
		defer func() { w.stop() }()
		if n := len(w.runtime.sandboxes); n != 0 {
			t.Errorf("%d sandboxes of nobody left", n)
		}
	})
}

func TestMachineRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		w.api.put(newPod("web"))
		synctest.Wait()
		w.stop()
		logs := filepath.Join(w.root, "log", "default_web_"+string(newPod("web").UID), "main")
		if err := os.WriteFile(filepath.Join(logs, "0.log"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		w.runtime.sandboxes, w.runtime.containers = nil, nil // its memory is gone with its machine
		w.start()
		defer func() { w.stop() }()
		w.expect("web", "Running/ready")
		if n := w.status("web").ContainerStatuses[0].RestartCount; n != 1 {
			t.Errorf("restart count %d, want 1", n)
		}
	})
}

func TestContainersRestartWhileAPIIsDown(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web"))
		synctest.Wait()
		w.api.mu.Lock()
		w.api.down = true
		w.api.mu.Unlock()
		w.runtime.end("main", 1)
		synctest.Wait()
		if got := w.runtime.running(); len(got) != 1 {
			t.Errorf("running without an API server: %v", got)
		}
		w.api.mu.Lock()
		w.api.down = false
		w.api.mu.Unlock()
		w.after(15 * time.Second)
		if n := w.status("web").ContainerStatuses[0].RestartCount; n != 1 {
			t.Errorf("restart count %d, want 1", n)
		}
	})
}

func TestAdmissionByResources(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("big", func(pod *corev1.Pod) {
			pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("3")}
		}))
		synctest.Wait()
		s := w.status("big")
		want := "Pod was rejected: Node didn't have enough resource: cpu, requested: 3000, used: 0, capacity: 2000"
		if s.Phase != corev1.PodFailed || s.Reason != "OutOfcpu" || s.Message != want {
			t.Errorf("phase %s reason %s message %q", s.Phase, s.Reason, s.Message)
		}
		if calls := w.runtime.called(); len(calls) != 0 {
			t.Errorf("the runtime was asked: %v", calls)
		}
	})
}

// A label that was put on the node after it registered counts: the pod is not turned away for what the kubelet did not know.
func TestNodeSelectorSeesNewLabels(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		if _, err := w.api.PatchNode(t.Context(), "node-1", []byte(`{"metadata":{"labels":{"disk":"ssd"}}}`)); err != nil {
			t.Fatal(err)
		}
		for name, disk := range map[string]string{"fast": "ssd", "slow": "hdd"} {
			w.api.put(newPod(name, func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{"disk": disk} }))
		}
		synctest.Wait()
		if s := w.status("fast"); s.Phase != corev1.PodRunning {
			t.Errorf("a pod for the node's new label is %s: %s %s", s.Phase, s.Reason, s.Message)
		}
		if s := w.status("slow"); s.Phase != corev1.PodFailed || s.Reason != "NodeAffinity" {
			t.Errorf("a pod for another label is %s, reason %q", s.Phase, s.Reason)
		}
	})
}

func TestInitContainersRunInOrder(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		always := corev1.ContainerRestartPolicyAlways
		w.runtime.exitsAfter["first"], w.runtime.exitsAfter["last"] = time.Second, time.Second
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			image := pod.Spec.Containers[0].Image
			pod.Spec.InitContainers = []corev1.Container{
				{Name: "first", Image: image}, {Name: "side", Image: image, RestartPolicy: &always}, {Name: "last", Image: image},
			}
		}))
		synctest.Wait()
		w.expect("web", "Pending/PodInitializing")
		w.after(1500 * time.Millisecond)
		if diff := cmp.Diff([]string{"last", "side"}, w.runtime.running()); diff != "" {
			t.Errorf("running (-want +got):\n%s", diff)
		}
		w.after(time.Second)
		w.expect("web", "Running/ready")
		if diff := cmp.Diff([]string{"main", "side"}, w.runtime.running()); diff != "" {
			t.Errorf("running (-want +got):\n%s", diff)
		}
		w.runtime.end("side", 1)
		synctest.Wait()
		if diff := cmp.Diff([]string{"main", "side"}, w.runtime.running()); diff != "" {
			t.Errorf("after the sidecar's end (-want +got):\n%s", diff)
		}
	})
}

func TestFailedInitContainerFailsPod(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.runtime.exitsAfter["first"], w.runtime.exitCode["first"] = time.Second, 7
		w.api.put(newPod("web", withPolicy(corev1.RestartPolicyNever), func(pod *corev1.Pod) {
			pod.Spec.InitContainers = []corev1.Container{{Name: "first", Image: pod.Spec.Containers[0].Image}}
		}))
		w.after(2 * time.Second)
		w.expect("web", "Failed/PodInitializing")
	})
}
