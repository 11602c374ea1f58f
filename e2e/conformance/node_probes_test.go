package conformance_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// often is a probe every second; that a container has just been started does not fail it.
func often(handler corev1.ProbeHandler) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: handler, PeriodSeconds: 1, FailureThreshold: 2}
}

func httpGet(path string) corev1.ProbeHandler {
	return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: port(8080)}}
}

func command(words ...string) corev1.ProbeHandler {
	return corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: words}}
}

func alive(spec corev1.PodSpec, probe *corev1.Probe) corev1.PodSpec {
	spec.Containers[0].LivenessProbe = probe
	return spec
}

func restarted(times int32) func(*corev1.Pod) bool {
	return func(p *corev1.Pod) bool {
		return len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].RestartCount >= times
	}
}

func TestLivenessRestarts(t *testing.T) {
	r := enter(t)
	// Well for as long as the file is there, which the script removes.
	dying := "touch /tmp/health; sleep 2; rm /tmp/health; exec sleep 1000"
	r.pod("exec", alive(sh(dying), often(command("cat", "/tmp/health"))))
	r.pod("http", alive(server(web), often(httpGet("/healthz"))))
	r.awaitPod("http", ready)
	must(r.CoreV1().RESTClient().Post().AbsPath("/api/v1/namespaces", r.ns, "pods/http:8080/proxy/healthz/off").DoRaw(r.ctx))(r)
	r.awaitPod("http", restarted(1))
	last := int32(0)
	r.awaitPod("exec", func(p *corev1.Pod) bool {
		if !restarted(last)(p) && last > 0 {
			r.Errorf("%d restarts after %d", p.Status.ContainerStatuses[0].RestartCount, last)
		}
		if restarted(last + 1)(p) {
			last = p.Status.ContainerStatuses[0].RestartCount
		}
		return last >= 2
	})
}

// What is well is left alone; what is not ready is not restarted.
func TestProbesThatRestartNothing(t *testing.T) {
	r := enter(t)
	r.pod("exec", alive(sh("touch /tmp/health; exec sleep 1000"), &corev1.Probe{ProbeHandler: command("cat", "/tmp/health"), PeriodSeconds: 1, InitialDelaySeconds: 1}))
	r.pod("http", alive(server(web), &corev1.Probe{ProbeHandler: httpGet("/healthz"), PeriodSeconds: 1}))
	r.pod("tcp", alive(server(web), &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: port(8080)}}, PeriodSeconds: 1}))
	late, never := server(web), sh("exec sleep 1000")
	late.Containers[0].ReadinessProbe = &corev1.Probe{ProbeHandler: httpGet("/readyz"), InitialDelaySeconds: 4, PeriodSeconds: 1}
	never.Containers[0].ReadinessProbe = often(command("false"))
	r.pod("late", late)
	r.pod("never", never)
	pod := r.awaitPod("late", ready)
	began := pod.Status.ContainerStatuses[0].State.Running.StartedAt
	if waited := condition(pod, corev1.PodReady).LastTransitionTime.Sub(began.Time); waited.Seconds() < 3 {
		r.Errorf("ready after %s, with a delay of 4 s", waited)
	}
	for _, name := range []string{"exec", "http", "tcp", "late", "never"} {
		pod := must(r.pods().Get(r.ctx, name, metav1.GetOptions{}))(r)
		if pod.Status.ContainerStatuses[0].RestartCount != 0 || ready(pod) == (name == "never") {
			r.Errorf("%s: %s", name, dump(pod.Status))
		}
	}
}

// The hooks of these pods speak to a web server, whose log shows it.
func TestHooks(t *testing.T) {
	r := enter(t)
	r.pod("hears", server(web))
	ip := r.awaitPod("hears", ready).Status.PodIP
	by := func(how, path string) *corev1.LifecycleHandler {
		if how == "exec" {
			return &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"wget", "-q", "-O", "-", "http://" + ip + ":8080" + path}}}
		}
		return &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{Host: ip, Path: path, Port: port(8080)}}
	}
	for _, how := range []string{"exec", "http"} {
		spec := sh("exec sleep 1000")
		spec.TerminationGracePeriodSeconds = new(int64(15))
		spec.Containers[0].Lifecycle = &corev1.Lifecycle{PostStart: by(how, "/hostname"), PreStop: by(how, "/version")}
		r.pod(how, spec)
	}
	for _, how := range []string{"exec", "http"} {
		r.awaitPod(how, ready)
		r.ok(r.pods().Delete(r.ctx, how, metav1.DeleteOptions{GracePeriodSeconds: new(int64(1))}))
		gone[*corev1.Pod](r, r.pods(), named(how))
	}
	log := r.logs("hears")
	for _, path := range []string{"GET /hostname 200", "GET /version 200"} {
		if n := strings.Count(log, path); n != 2 {
			r.Errorf("%d times %q in\n%s", n, path, log)
		}
	}
}
