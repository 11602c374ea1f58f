package conformance_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
)

var (
	deleteNow metav1.DeleteOptions
	createNow metav1.CreateOptions
)

func TestInitContainers(t *testing.T) {
	r := enter(t)
	with := func(spec corev1.PodSpec, scripts ...string) corev1.PodSpec {
		for i, script := range scripts {
			c := *sh(script).Containers[0].DeepCopy()
			c.Name = "init-" + string(rune('a'+i))
			spec.InitContainers = append(spec.InitContainers, c)
		}
		return spec
	}
	r.pod("good-never", once(with(sh("true"), "true", "true")))
	r.pod("good-always", with(sh("exec sleep 1000"), "true", "true"))
	r.pod("bad-never", once(with(sh("true"), "true", "exit 1")))
	r.pod("bad-always", with(sh("true"), "exit 1", "true"))
	initialized := func(p *corev1.Pod) bool {
		return condition(p, corev1.PodInitialized).Status == corev1.ConditionTrue
	}
	if pod := r.awaitPod("good-never", ended); pod.Status.Phase != corev1.PodSucceeded || !initialized(pod) {
		r.Errorf("good-never: %+v", pod.Status)
	}
	for _, s := range r.awaitPod("good-always", ready).Status.InitContainerStatuses {
		if s.State.Terminated == nil || s.State.Terminated.ExitCode != 0 {
			r.Errorf("good-always: %+v", s)
		}
	}
	if pod := r.awaitPod("bad-never", ended); pod.Status.Phase != corev1.PodFailed || initialized(pod) || pod.Status.ContainerStatuses[0].State.Waiting == nil {
		r.Errorf("bad-never: %+v", pod.Status)
	}
	pod := r.awaitPod("bad-always", func(p *corev1.Pod) bool {
		return len(p.Status.InitContainerStatuses) == 2 && p.Status.InitContainerStatuses[0].RestartCount >= 2
	})
	if pod.Status.Phase != corev1.PodPending || initialized(pod) || pod.Status.InitContainerStatuses[1].State.Waiting == nil {
		r.Errorf("bad-always: %+v", pod.Status)
	}
}

func TestEphemeralContainers(t *testing.T) {
	r := enter(t)
	r.pod("web", server(web))
	r.awaitPod("web", ready)
	for _, name := range []string{"first", "second"} {
		r.rewrite("web", func(pod *corev1.Pod) {
			pod.Spec.EphemeralContainers = append(pod.Spec.EphemeralContainers, corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
				Name: name, Image: base, Command: []string{"sh", "-c", "echo polo; exec sleep 1000"},
			}})
		}, func(pod *corev1.Pod) error {
			_, err := r.pods().UpdateEphemeralContainers(r.ctx, "web", pod, metav1.UpdateOptions{})
			return err
		})
		r.awaitPod("web", func(p *corev1.Pod) bool {
			for _, s := range p.Status.EphemeralContainerStatuses {
				if s.Name == name && s.State.Running != nil {
					return true
				}
			}
			return false
		})
	}
	if out := r.exec("web", "second", "echo", "marco"); out != "marco\n" {
		r.Errorf("exec says %q", out)
	}
}

func TestPodComesAndGoes(t *testing.T) {
	r := enter(t)
	w := must(r.pods().Watch(r.ctx, labelled("app=web")))(r)
	defer w.Stop()
	spec := sh("trap 'exit 0' TERM; while :; do sleep 0.1; done")
	spec.TerminationGracePeriodSeconds = new(int64(30))
	r.pod("web", spec)
	pod := r.awaitPod("web", ready)
	if pod.Status.HostIP == "" || len(pod.Status.HostIPs) == 0 {
		r.Errorf("no address of the host: %+v", pod.Status)
	}
	change(r, r.pods(), "web", func(p *corev1.Pod) { p.Labels["time"] = "now" })
	awaitAll(r, r.pods(), labelled("time=now"), func(pods []*corev1.Pod) bool { return len(pods) == 1 })
	r.ok(r.pods().Delete(r.ctx, "web", metav1.DeleteOptions{}))
	sawInOrder(r, w, watch.Added, watch.Modified, watch.Deleted)
	gone[*corev1.Pod](r, r.pods(), named("web"))
}

func TestPodCollection(t *testing.T) {
	r := enter(t)
	collection(r, r.pods(), func(name string) *corev1.Pod { return &corev1.Pod{ObjectMeta: r.meta(name), Spec: server(web)} })
}

func TestPodDeadline(t *testing.T) {
	r := enter(t)
	spec := server(web)
	spec.ActiveDeadlineSeconds = new(int64(1000))
	r.pod("web", spec)
	r.awaitPod("web", ready)
	change(r, r.pods(), "web", func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = new(int64(1)) })
	if pod := r.awaitPod("web", ended); pod.Status.Reason != "DeadlineExceeded" {
		r.Errorf("reason %q", pod.Status.Reason)
	}
}

func TestPodStatus(t *testing.T) {
	r := enter(t)
	gate := server(web)
	gate.ReadinessGates = []corev1.PodReadinessGate{{ConditionType: "example.com/gate"}}
	r.pod("web", gate)
	r.awaitPod("web", running)
	data := []byte(`{"status":{"conditions":[{"type":"example.com/gate","status":"True"}]}}`)
	must(r.pods().Patch(r.ctx, "web", types.StrategicMergePatchType, data, metav1.PatchOptions{}, "status"))(r)
	pod := r.awaitPod("web", ready)
	if condition(pod, "example.com/gate").Status != corev1.ConditionTrue {
		r.Errorf("conditions %v", pod.Status.Conditions)
	}
	r.rewrite("web", func(pod *corev1.Pod) { pod.Status.Message = "written by us" }, func(pod *corev1.Pod) error {
		_, err := r.pods().UpdateStatus(r.ctx, pod, metav1.UpdateOptions{})
		return err
	})
}

func TestPodQuality(t *testing.T) {
	r := enter(t)
	sizes := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("100Mi")}
	spec := sh("exec sleep 1000")
	if pod := r.pod("best-effort", *spec.DeepCopy()); pod.Status.QOSClass != corev1.PodQOSBestEffort {
		r.Errorf("%s: %s", pod.Name, pod.Status.QOSClass)
	}
	spec.Containers[0].Resources.Requests = sizes
	if pod := r.pod("burstable", *spec.DeepCopy()); pod.Status.QOSClass != corev1.PodQOSBurstable {
		r.Errorf("%s: %s", pod.Name, pod.Status.QOSClass)
	}
	spec.Containers[0].Resources.Limits = sizes
	if pod := r.pod("guaranteed", spec); pod.Status.QOSClass != corev1.PodQOSGuaranteed {
		r.Errorf("%s: %s", pod.Name, pod.Status.QOSClass)
	}
}

func TestPodGeneration(t *testing.T) {
	r := enter(t)
	r.CoreV1()
	spec := server(web)
	spec.TerminationGracePeriodSeconds = new(int64(20))
	made := &corev1.Pod{ObjectMeta: r.meta("web"), Spec: spec}
	made.Generation = 100 // is the server's to say
	if pod := must(r.pods().Create(r.ctx, made, createNow))(r); pod.Generation != 1 {
		r.Errorf("generation of a new pod: %d", pod.Generation)
	}
	r.awaitPod("web", ready)
	change(r, r.pods(), "web", func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = new(int64(5000)) })
	change(r, r.pods(), "web", func(p *corev1.Pod) { p.Annotations = map[string]string{"no": "spec"} })
	for i := range 500 {
		change(r, r.pods(), "web", func(p *corev1.Pod) { p.Spec.ActiveDeadlineSeconds = new(int64(4999 - i)) })
	}
	pod := r.awaitPod("web", func(p *corev1.Pod) bool { return p.Status.ObservedGeneration == p.Generation })
	if pod.Generation != 502 {
		r.Errorf("generation after 501 changes of the spec: %d", pod.Generation)
	}
	for _, c := range pod.Status.Conditions {
		if c.ObservedGeneration == 0 {
			r.Errorf("condition %s has no observed generation", c.Type)
		}
	}
	w := must(r.pods().Watch(r.ctx, named("web")))(r)
	defer w.Stop()
	r.ok(r.pods().Delete(r.ctx, "web", metav1.DeleteOptions{}))
	for e := range w.ResultChan() {
		if p := e.Object.(*corev1.Pod); p.DeletionTimestamp != nil {
			if p.Generation != 503 {
				r.Errorf("generation of a pod that is being deleted: %d", p.Generation)
			}
			break
		}
	}
}

func TestLogsOverAWebSocket(t *testing.T) {
	r := enter(t)
	r.pod("web", sh("echo container is alive; exec sleep 1000"))
	r.awaitPod("web", ready)
	config := rest.CopyConfig(theLab.config)
	config.NextProtos = []string{"http/1.1"} // HTTP/2 has no Upgrade
	transport := must(rest.TransportFor(config))(r)
	url := r.CoreV1().RESTClient().Get().Namespace(r.ns).Resource("pods").Name("web").SubResource("log").URL()
	ask := must(http.NewRequestWithContext(r.ctx, http.MethodGet, url.String(), nil))(r)
	for key, value := range map[string]string{
		"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": "binary.k8s.io",
	} {
		ask.Header.Set(key, value)
	}
	answer, err := transport.RoundTrip(ask)
	r.ok(err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusSwitchingProtocols {
		r.Fatalf("the answer is %s", answer.Status)
	}
	heard := ""
	for buf := make([]byte, 512); !strings.Contains(heard, "container is alive"); {
		n, err := answer.Body.Read(buf)
		if heard += string(buf[:n]); err != nil && (err != io.EOF || !strings.Contains(heard, "container is alive")) {
			r.Fatalf("heard %q, then %v", heard, err)
		}
	}
}

func (r *room) resize(name string, edit func(*corev1.Pod)) {
	r.Helper()
	r.rewrite(name, edit, func(pod *corev1.Pod) error {
		_, err := r.pods().UpdateResize(r.ctx, name, pod, metav1.UpdateOptions{})
		return err
	})
}

// rewrite changes a pod by one of its doors, again where the kubelet wrote its status meanwhile.
func (r *room) rewrite(name string, edit func(*corev1.Pod), write func(*corev1.Pod) error) {
	r.Helper()
	for {
		pod := must(r.pods().Get(r.ctx, name, metav1.GetOptions{}))(r)
		edit(pod)
		err := write(pod)
		if apierrors.IsConflict(err) {
			continue
		}
		r.ok(err)
		return
	}
}

func TestResizeInPlace(t *testing.T) {
	r := enter(t)
	cpu := func(request, limit string) corev1.ResourceRequirements {
		list := func(q string) corev1.ResourceList {
			if q == "" {
				return nil
			}
			return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(q)}
		}
		return corev1.ResourceRequirements{Requests: list(request), Limits: list(limit)}
	}
	spec := sh("exec sleep 1000")
	main := spec.Containers[0]
	spec.Containers = nil
	for name, size := range map[string]corev1.ResourceRequirements{
		"grows": cpu("10m", "20m"), "shrinks": cpu("20m", "40m"), "gets-limit": cpu("10m", ""), "gets-request": cpu("", ""), "raises-request": cpu("10m", "50m"), "stays": cpu("10m", "10m"),
	} {
		c := *main.DeepCopy()
		c.Name, c.Resources = name, size
		spec.Containers = append(spec.Containers, c)
	}
	r.pod("web", spec)
	r.awaitPod("web", ready)
	want := map[string]corev1.ResourceRequirements{
		"grows": cpu("15m", "30m"), "shrinks": cpu("10m", "20m"), "gets-limit": cpu("10m", "30m"), "gets-request": cpu("10m", "20m"), "raises-request": cpu("25m", "50m"), "stays": cpu("10m", "10m"),
	}
	r.resize("web", func(p *corev1.Pod) {
		for i := range p.Spec.Containers {
			p.Spec.Containers[i].Resources = want[p.Spec.Containers[i].Name]
		}
	})
	pod := r.awaitPod("web", func(p *corev1.Pod) bool {
		for _, s := range p.Status.ContainerStatuses {
			w := want[s.Name]
			if s.Resources == nil || s.Resources.Requests.Cpu().Cmp(*w.Requests.Cpu()) != 0 || s.Resources.Limits.Cpu().Cmp(*w.Limits.Cpu()) != 0 {
				return false
			}
		}
		return p.Status.ObservedGeneration == p.Generation
	})
	for _, s := range pod.Status.ContainerStatuses {
		if s.RestartCount != 0 {
			r.Errorf("%s was restarted", s.Name)
		}
	}
	// The same sizes in other words are no change.
	before := pod.Generation
	r.resize("web", func(p *corev1.Pod) {
		for i := range p.Spec.Containers {
			if c := &p.Spec.Containers[i]; c.Name == "grows" {
				c.Resources.Requests[corev1.ResourceCPU] = resource.MustParse("0.015")
			}
		}
	})
	if now := must(r.pods().Get(r.ctx, "web", metav1.GetOptions{}))(r).Generation; now != before {
		r.Errorf("generation %d, was %d", now, before)
	}
}

func TestPodTemplateLifecycle(t *testing.T) {
	r := enter(t)
	c := r.CoreV1().PodTemplates(r.ns)
	make := func(name string) *corev1.PodTemplate {
		return &corev1.PodTemplate{ObjectMeta: r.meta(name), Template: r.template(name, server(web))}
	}
	lifecycle(r, c, make("one"))
	collection(r, c, make)
	must(c.Create(r.ctx, make("replaced"), createNow))(r)
	got := change(r, c, "replaced", func(p *corev1.PodTemplate) { p.Template.Spec.Containers[0].Image = web2 })
	if got.Template.Spec.Containers[0].Image != web2 {
		r.Errorf("after the update: %v", got.Template.Spec)
	}
}

func TestLeaseLifecycle(t *testing.T) {
	r := enter(t)
	c := r.CoordinationV1().Leases(r.ns)
	make := func(name string) *coordinationv1.Lease {
		return &coordinationv1.Lease{ObjectMeta: r.meta(name), Spec: coordinationv1.LeaseSpec{HolderIdentity: new("us"), LeaseDurationSeconds: new(int32(30)), RenewTime: new(metav1.NowMicro())}}
	}
	lifecycle(r, c, make("one"))
	collection(r, c, make)
}

// A node that somebody registers by hand, and that no pod may go to.
func TestNodeLifecycle(t *testing.T) {
	r := enter(t)
	node := &corev1.Node{ObjectMeta: r.meta(r.ns), Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: "example.com/by-hand", Effect: corev1.TaintEffectNoSchedule}}}}
	node.Namespace = ""
	must(r.CoreV1().Nodes().Create(r.ctx, node, createNow))(r)
	got := patch(r, r.CoreV1().Nodes(), r.ns, map[string]any{"status": map[string]any{"conditions": []any{map[string]any{"type": "Told", "status": "True"}}}}, "status")
	if len(got.Status.Conditions) == 0 {
		r.Errorf("status after the patch: %+v", got.Status)
	}
	patch(r, r.CoreV1().Nodes(), r.ns, label("step", "patched"))
	change(r, r.CoreV1().Nodes(), r.ns, func(n *corev1.Node) { n.Labels["step"] = "updated" })
	awaitAll(r, r.CoreV1().Nodes(), labelled("step=updated"), func(nodes []*corev1.Node) bool { return len(nodes) == 1 })
	r.ok(r.CoreV1().Nodes().DeleteCollection(r.ctx, metav1.DeleteOptions{}, labelled("step=updated")))
	gone[*corev1.Node](r, r.CoreV1().Nodes(), named(r.ns))
}

func TestRuntimeClasses(t *testing.T) {
	r := enter(t)
	c := r.NodeV1().RuntimeClasses()
	class := func(name string) *nodev1.RuntimeClass {
		return &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: r.ns + "-" + name}, Handler: "runc"}
	}
	lifecycle(r, c, class("life"))
	collection(r, c, class)
	of := func(name string) corev1.PodSpec {
		spec := server(web)
		spec.RuntimeClassName = new(r.ns + "-" + name)
		return spec
	}
	if _, err := r.pods().Create(r.ctx, &corev1.Pod{ObjectMeta: r.meta("none"), Spec: of("none")}, createNow); err == nil || !strings.Contains(err.Error(), "not found") {
		r.Errorf("a class that is not there: %v", err)
	}
	// The ordinary handler of a node has no name.
	heavy := class("heavy")
	heavy.Handler, heavy.Overhead = "drydock", &nodev1.Overhead{PodFixed: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("10m")}}
	must(c.Create(r.ctx, heavy, createNow))(r)
	if pod := r.pod("heavy", of("heavy")); pod.Spec.Overhead.Cpu().String() != "10m" {
		r.Errorf("overhead %v", pod.Spec.Overhead)
	}
	light := class("light")
	light.Handler = "drydock"
	must(c.Create(r.ctx, light, createNow))(r)
	if pod := r.pod("light", of("light")); pod.Spec.Overhead != nil {
		r.Errorf("overhead %v", pod.Spec.Overhead)
	}
	for _, name := range []string{"heavy", "light"} {
		r.awaitPod(name, func(p *corev1.Pod) bool { return condition(p, corev1.PodScheduled).Status == corev1.ConditionTrue })
		r.ok(c.Delete(r.ctx, r.ns+"-"+name, metav1.DeleteOptions{}))
	}
	if _, err := r.pods().Create(r.ctx, &corev1.Pod{ObjectMeta: r.meta("late"), Spec: of("light")}, createNow); err == nil {
		r.Error("a class that was deleted is taken")
	}
}

// dump is for the failure messages of tests that look at more than one thing.
func dump(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
