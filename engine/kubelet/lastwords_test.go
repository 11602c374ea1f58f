package kubelet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
)

func TestLastWordsOfContainers(t *testing.T) {
	const toLogs = corev1.TerminationMessageFallbackToLogsOnError
	var log, said strings.Builder
	for i := range 200 {
		fmt.Fprintf(&log, "2026-01-01T00:00:00.000000000Z stdout F line %d\n", i)
		if i >= 200-80 {
			fmt.Fprintf(&said, "line %d\n", i)
		}
	}
	long := "2026-01-01T00:00:00.000000000Z stdout F " + strings.Repeat("x", 5000) + "\n"
	for name, c := range map[string]struct {
		policy    corev1.TerminationMessagePolicy
		code      int32
		file, log string
		others    int // containers beside it
		want      string
	}{
		"file":                       {corev1.TerminationMessageReadFile, 1, "bye", "", 0, "bye"},
		"no fallback":                {corev1.TerminationMessageReadFile, 1, "", log.String(), 0, ""},
		"fallback: 80 lines":         {toLogs, 1, "", log.String(), 0, said.String()},
		"fallback: 2048 bytes":       {toLogs, 1, "", long, 0, strings.Repeat("x", 2047) + "\n"},
		"fallback, but it succeeded": {toLogs, 0, "", log.String(), 0, ""},
		"the file comes first":       {toLogs, 1, "bye", log.String(), 0, "bye"},
		"4096 bytes of a file":       {corev1.TerminationMessageReadFile, 1, "no" + strings.Repeat("y", 4096), "", 0, strings.Repeat("y", 4096)},
		"a share of the pod's 12288": {corev1.TerminationMessageReadFile, 1, strings.Repeat("y", 4096), "", 5, strings.Repeat("y", 2048)},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.api.put(newPod("web", withPolicy(corev1.RestartPolicyNever), func(pod *corev1.Pod) {
					pod.Spec.Containers[0].TerminationMessagePolicy = c.policy
					for i := range c.others {
						pod.Spec.Containers = append(pod.Spec.Containers, corev1.Container{Name: fmt.Sprintf("other-%d", i), Image: "drydock/web:1"})
					}
				}))
				synctest.Wait()
				main := w.runtime.newest("main")
				for _, m := range main.config.Mounts {
					if m.ContainerPath == "/dev/termination-log" {
						write(t, m.HostPath, c.file)
					}
				}
				main.status.LogPath = filepath.Join(w.root, "0.log")
				write(t, main.status.LogPath, c.log)
				w.runtime.end("main", c.code)
				synctest.Wait()
				if got := w.status("web").ContainerStatuses[0].State.Terminated.Message; got != c.want {
					t.Errorf("message of %d bytes %.60q…, want %d bytes %.60q…", len(got), got, len(c.want), c.want)
				}
			})
		})
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestImagePullPolicies(t *testing.T) {
	const present = `Normal Pulled: Container image "drydock/web:1" already present on machine and can be accessed by the pod`
	for name, c := range map[string]struct {
		image  string
		policy corev1.PullPolicy
		pulls  int
		event  string
		want   string
	}{
		"IfNotPresent, present": {"drydock/web:1", corev1.PullIfNotPresent, 0, present, "Running/ready"},
		"IfNotPresent, absent":  {"other:1", corev1.PullIfNotPresent, 1, `Normal Pulling: Pulling image "other:1"`, "Running/ready"},
		"Always, present":       {"drydock/web:1", corev1.PullAlways, 1, `Normal Pulled: Successfully pulled image "drydock/web:1" in 0s (0s including waiting). Image size: 4096 bytes.`, "Running/ready"},
		"Never, present":        {"drydock/web:1", corev1.PullNever, 0, present, "Running/ready"},
		"Never, absent":         {"other:1", corev1.PullNever, 0, `Warning ErrImageNeverPull: Container image "other:1" is not present with pull policy of Never`, "Pending/ErrImageNeverPull"},
		"no name of an image": {
			"Other:1", corev1.PullIfNotPresent, 0,
			`Warning InspectFailed: Failed to apply default image tag "Other:1": couldn't parse image name "Other:1": invalid reference format: repository name (library/Other) must be lowercase`,
			"Pending/InvalidImageName",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.api.put(newPod("web", func(pod *corev1.Pod) {
					pod.Spec.Containers[0].Image, pod.Spec.Containers[0].ImagePullPolicy = c.image, c.policy
				}))
				synctest.Wait()
				w.expect("web", c.want)
				pulls := 0
				for _, call := range w.runtime.called() {
					if strings.HasPrefix(call, "pull ") {
						pulls++
					}
				}
				if pulls != c.pulls || !w.hasEvent(c.event) {
					t.Errorf("%d pulls, want %d; Event %q in %q", pulls, c.pulls, c.event, w.api.told())
				}
			})
		})
	}
}

func TestServiceLinks(t *testing.T) {
	for links, want := range map[bool]string{true: "10.96.0.20 8080 8080 tcp://10.96.0.20:8080", false: "   "} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			shop := corev1.Service{Spec: corev1.ServiceSpec{ClusterIP: "10.96.0.20", Ports: []corev1.ServicePort{{Name: "web-ui", Port: 8080}}}}
			shop.Name, shop.Namespace = "my-shop", "default"
			w.api.services = append(w.api.services, shop)
			w.start()
			defer func() { w.stop() }()
			w.api.put(newPod("web", func(pod *corev1.Pod) { pod.Spec.EnableServiceLinks = &links }))
			synctest.Wait()
			env := w.environment("main")
			got := strings.Join([]string{env["MY_SHOP_SERVICE_HOST"], env["MY_SHOP_SERVICE_PORT"], env["MY_SHOP_SERVICE_PORT_WEB_UI"], env["MY_SHOP_PORT_8080_TCP"]}, " ")
			if got != want || env["KUBERNETES_SERVICE_HOST"] != "10.96.0.1" {
				t.Errorf("links %v: %q, want %q; and always %s", links, got, want, env["KUBERNETES_SERVICE_HOST"])
			}
		})
	}
}
