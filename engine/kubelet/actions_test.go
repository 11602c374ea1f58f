package kubelet

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// verdicts is a fixed set of probe results by "kind/container ID".
type verdicts map[string]bool

func (v verdicts) verdict(kind probeKind, id string) (ok, known bool) {
	ok, known = v[fmt.Sprintf("%s/%s", kind, id)]
	return ok, known
}

func podOf(policy corev1.RestartPolicy, containers ...string) *corev1.Pod {
	pod := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: policy}}
	for _, name := range containers {
		pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: name, Image: "i"})
	}
	return pod
}

func withInit(pod *corev1.Pod, names ...string) *corev1.Pod {
	always := corev1.ContainerRestartPolicyAlways
	for _, name := range names {
		c := corev1.Container{Name: name, Image: "i"}
		if name[0] == 's' { // sidecars begin with s
			c.RestartPolicy = &always
			c.StartupProbe = &corev1.Probe{}
		}
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
	}
	return pod
}

// viewOf is a pod with one ready sandbox and containers written as "name running", "name 0" (exit code), "name created".
func viewOf(containers ...string) *podView {
	view := &podView{sandboxes: []*runtimeapi.PodSandboxStatus{{
		Id: "s", State: runtimeapi.PodSandboxState_SANDBOX_READY, Metadata: &runtimeapi.PodSandboxMetadata{},
		Network: &runtimeapi.PodSandboxNetworkStatus{Ip: "10.0.0.1"},
	}}}
	for i, text := range containers {
		c := &containerView{sandboxID: "s", created: time.Unix(int64(100-i), 0)}
		var state string
		if _, err := fmt.Sscan(text, &c.name, &state); err != nil {
			panic(err)
		}
		c.id, c.hash = c.name, hashContainer(&corev1.Container{Name: c.name, Image: "i"})
		switch state {
		case "running":
			c.state = runtimeapi.ContainerState_CONTAINER_RUNNING
		case "created":
			c.state = runtimeapi.ContainerState_CONTAINER_CREATED
		default:
			c.state = runtimeapi.ContainerState_CONTAINER_EXITED
			if _, err := fmt.Sscan(state, &c.exitCode); err != nil {
				panic(err)
			}
		}
		view.containers = append(view.containers, c)
	}
	return view
}

func dead(view *podView) *podView {
	view.sandboxes[0].State = runtimeapi.PodSandboxState_SANDBOX_NOTREADY
	return view
}

// words writes actions in a form that can be compared.
func (a actions) words() string {
	text := ""
	if a.killPod {
		text += "kill-pod "
	}
	if a.createSandbox {
		text += fmt.Sprintf("sandbox-%d ", a.attempt)
	}
	for _, k := range a.toKill {
		text += "kill(" + k.container.name + ": " + k.message + ") "
	}
	return text + fmt.Sprint(a.initToStart, a.toStart)
}

func TestDecide(t *testing.T) {
	const always, onFailure, never = corev1.RestartPolicyAlways, corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever
	deleted := podOf(always, "a")
	deleted.DeletionTimestamp = &now
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		view *podView
		v    verdicts
		want string
	}{
		{"new", podOf(always, "a", "b"), &podView{}, nil, "kill-pod sandbox-0 [] [0 1]"},
		{"new with init", withInit(podOf(always, "a"), "i", "j"), &podView{}, nil, "kill-pod sandbox-0 [0] []"},
		{"all well", podOf(always, "a", "b"), viewOf("a running", "b running"), nil, "[] []"},
		{"one ended, Always", podOf(always, "a", "b"), viewOf("a 0", "b running"), nil, "[] [0]"},
		{"one ended well, OnFailure", podOf(onFailure, "a", "b"), viewOf("a 0", "b running"), nil, "[] []"},
		{"all ended well, OnFailure", podOf(onFailure, "a"), viewOf("a 0"), nil, "kill-pod [] []"},
		{"failed, Never", podOf(never, "a"), viewOf("a 1"), nil, "kill-pod [] []"},
		{"created only", podOf(never, "a"), viewOf("a created"), nil, "[] [0]"},
		{"deleted", deleted, viewOf("a 1"), nil, "kill-pod [] []"},
		{"sandbox lost, Always", podOf(always, "a"), dead(viewOf("a 137")), nil, "kill-pod sandbox-1 [] [0]"},
		{"sandbox lost, Never", podOf(never, "a"), dead(viewOf("a 137")), nil, "kill-pod [] []"},
		{"sandbox lost after success, OnFailure", podOf(onFailure, "a"), dead(viewOf("a 0")), nil, "kill-pod [] []"},
		{"unlively", podOf(always, "a"), viewOf("a running"), verdicts{"Liveness/a": false}, "kill(a: Container a failed liveness probe, will be restarted) [] [0]"},
		{"unlively, Never", podOf(never, "a"), viewOf("a running"), verdicts{"Liveness/a": false}, "kill-pod kill(a: Container a failed liveness probe) [] []"},
		{"never started", podOf(always, "a"), viewOf("a running"), verdicts{"Startup/a": false}, "kill(a: Container a failed startup probe, will be restarted) [] [0]"},
		{"unready is no reason to kill", podOf(always, "a"), viewOf("a running"), verdicts{"Readiness/a": false}, "[] []"},
		{"first init runs", withInit(podOf(always, "a"), "i", "j"), viewOf("i running"), nil, "[] []"},
		{"first init done", withInit(podOf(always, "a"), "i", "j"), viewOf("i 0"), nil, "[1] []"},
		{"last init done", withInit(podOf(always, "a"), "i", "j"), viewOf("j 0", "i 0"), nil, "[] [0]"},
		{"init failed, Always", withInit(podOf(always, "a"), "i", "j"), viewOf("i 1"), nil, "[0] []"},
		{"init failed, Never", withInit(podOf(never, "a"), "i", "j"), viewOf("i 1"), nil, "kill-pod [] []"},
		{"init gone after start", withInit(podOf(always, "a"), "i"), viewOf("a running"), nil, "[] []"},
		{"sidecar starts the next when started", withInit(podOf(always, "a"), "s", "j"), viewOf("s running"), verdicts{"Startup/s": true}, "[1] []"},
		{"sidecar not started yet", withInit(podOf(always, "a"), "s", "j"), viewOf("s running"), nil, "[] []"},
		{"sidecar is the last", withInit(podOf(always, "a"), "i", "s"), viewOf("s running", "i 0"), verdicts{"Startup/s": true}, "[] [0]"},
		{"sidecar ended", withInit(podOf(always, "a"), "s"), viewOf("a running", "s 1"), nil, "[0] []"},
		{"sidecars do not keep a done pod", withInit(podOf(never, "a"), "s"), viewOf("a 0", "s running"), verdicts{"Startup/s": true}, "kill-pod [] []"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.v == nil {
				test.v = verdicts{}
			}
			got := decide(test.pod, test.view, test.v)
			if diff := cmp.Diff(test.want, got.words()); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChangedImageReplacesContainer(t *testing.T) {
	pod := podOf(corev1.RestartPolicyNever, "a")
	pod.Spec.Containers[0].Image = "newer"
	got := decide(pod, viewOf("a running"), verdicts{})
	if want := "kill(a: Container a definition changed, will be restarted) [] [0]"; got.words() != want {
		t.Errorf("%q, want %q", got.words(), want)
	}
}

func TestExpand(t *testing.T) {
	env := map[string]string{"A": "1", "B": "$(A)", "EMPTY": ""}
	lookup := func(name string) (string, bool) { value, found := env[name]; return value, found }
	for text, want := range map[string]string{
		"$(A)": "1", "x$(A)y$(A)": "x1y1", "$(B)": "$(A)", "$(EMPTY)": "", "$(NO)": "$(NO)", "$$(A)": "$(A)", "$$$(A)": "$1",
		"$A": "$A", "$(A": "$(A", "$": "$", "a$": "a$", "$()": "$()", "": "",
	} {
		if got := expand(text, lookup); got != want {
			t.Errorf("expand(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	f.Add("a$(A)$$(B)$(")
	f.Fuzz(func(t *testing.T, text string) {
		// Without any variables only the doubled dollars change, and never into something longer.
		if got := expand(text, func(string) (string, bool) { return "", false }); len(got) > len(text) {
			t.Errorf("expand(%q) = %q", text, got)
		}
	})
}

func TestPodRequests(t *testing.T) {
	cpu := func(text string) corev1.ResourceRequirements {
		return corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: quantity(text)}}
	}
	pod := withInit(podOf(corev1.RestartPolicyAlways, "a", "b"), "s", "i")
	pod.Spec.Containers[0].Resources, pod.Spec.Containers[1].Resources = cpu("100m"), cpu("200m")
	pod.Spec.InitContainers[0].Resources, pod.Spec.InitContainers[1].Resources = cpu("50m"), cpu("1")
	pod.Spec.Overhead = corev1.ResourceList{corev1.ResourceCPU: quantity("10m")}
	requests := podRequests(pod)
	if got := requests.Cpu().MilliValue(); got != 1060 {
		t.Errorf("%dm, want 1060m: the init container, the sidecar before it, and the overhead", got)
	}
}

var now = metav1.Now()

func quantity(text string) resource.Quantity { return resource.MustParse(text) }
