package kubelet_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func withHook(lifecycle corev1.Lifecycle) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.Containers[0].Lifecycle = &lifecycle }
}

func TestFailedPostStartHookKillsItsContainer(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.runtime.exec = func(string, []string) (int32, string) { return 3, "no coffee" }
		w.api.put(newPod("web", withHook(corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{"sh", "-c", "brew"}}}})))
		synctest.Wait()
		// It is started again at once, for the first time, and then held back: the status with the hook's words came before.
		w.expect("web", "Running/CrashLoopBackOff")
		const want = `Exec lifecycle hook ([sh -c brew]) for Container "main" in Pod "web_default(uid-of-web)" failed - error: command 'sh -c brew' exited with 3: , message: "no coffee"`
		records, _ := w.ring.Since(0)
		if !slices.ContainsFunc(records, func(r decision.Record) bool {
			return r.Action == "UpdateStatus" && strings.Contains(r.After, "main=PostStartHookError") && r.Message == want
		}) {
			t.Errorf("nobody was told %q: %+v", want, records)
		}
		for _, event := range []string{"Warning FailedPostStartHook: PostStartHook failed", "Normal Killing: FailedPostStartHook"} {
			if !w.hasEvent(event) {
				t.Errorf("no Event %q in %q", event, w.api.told())
			}
		}
		if running := w.runtime.running(); len(running) > 0 {
			t.Errorf("%v still runs", running)
		}
	})
}

func TestPreStopHookThatSleepsTooLongIsCutOff(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web", withHook(corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: 100}}})))
		synctest.Wait()
		w.delete("web", 5)
		w.after(6 * time.Second)
		if w.api.pod("default", "web") != nil {
			t.Error("the pod outlives its grace period")
		}
		if calls := w.runtime.called(); calls[3] != "stop main 2s" {
			t.Errorf("calls %q: want the smallest grace after the hook", calls)
		}
		if w.hasEvent("FailedPreStopHook") {
			t.Errorf("a hook that was cut off is no failure: %q", w.api.told())
		}
	})
}

func TestHTTPHooks(t *testing.T) {
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path + " " + r.UserAgent() + " " + r.Header.Get("Authorization")
		w.WriteHeader(http.StatusTeapot) // that it answers is enough
	}))
	defer server.Close()
	host, port, _ := net.SplitHostPort(strings.TrimPrefix(server.URL, "http://"))
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	call := func(scheme corev1.URIScheme, path string) *corev1.LifecycleHandler {
		return &corev1.LifecycleHandler{HTTPGet: &corev1.HTTPGetAction{
			Scheme: scheme, Host: host, Port: intstr.FromInt(number), Path: path, HTTPHeaders: []corev1.HTTPHeader{{Name: "Authorization", Value: "secret"}},
		}}
	}
	n := newNode(t)
	n.api.put(newPod("web", withHook(corev1.Lifecycle{PostStart: call(corev1.URISchemeHTTP, "/hello"), PreStop: call(corev1.URISchemeHTTPS, "/bye")})))
	n.runs("web", "Running/ready")
	n.delete("web", 30)
	for _, want := range []string{"/hello kube-lifecycle/1.37 secret", "/bye kube-lifecycle/1.37 "} {
		select {
		case got := <-asked:
			if got != want {
				t.Errorf("the hook asked %q, want %q", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("nobody asked %q; Events %q", want, n.api.told())
		}
	}
	n.tells("LifecycleHTTPFallback: request to HTTPS lifecycle hook " + host + ":" + port + " got HTTP response, retry with HTTP succeeded")
}

// tells waits for an Event.
func (n *node) tells(text string) {
	n.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !n.hasEvent(text); {
		if time.Now().After(deadline) {
			n.t.Fatalf("no Event %q in %q", text, n.api.told())
		}
		<-time.After(20 * time.Millisecond)
	}
}
