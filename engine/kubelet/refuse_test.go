package kubelet_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestSysctlsThatArePermitted(t *testing.T) {
	const refused = "Pod was rejected: forbidden sysctl: "
	for name, c := range map[string]struct {
		sysctl string
		edit   func(*corev1.Pod)
		want   string // the pod's message, empty when it runs
	}{
		"safe":                  {sysctl: "net.ipv4.tcp_syncookies"},
		"safe, with slashes":    {sysctl: "net/ipv4/tcp_syncookies"},
		"safe, ipc":             {sysctl: "kernel.shm_rmid_forced"},
		"unsafe":                {sysctl: "kernel.msgmax", want: refused + `"kernel.msgmax" not allowlisted`},
		"unsafe, with slashes":  {sysctl: "net/ipv4/conf/eno2.100/forwarding", want: refused + `"net.ipv4.conf.eno2/100.forwarding" not allowlisted`},
		"of the node's network": {sysctl: "net.ipv4.tcp_syncookies", edit: func(p *corev1.Pod) { p.Spec.HostNetwork = true }, want: refused + `"net.ipv4.tcp_syncookies" not allowed with host net enabled`},
		"of the node's ipc":     {sysctl: "kernel.shm_rmid_forced", edit: func(p *corev1.Pod) { p.Spec.HostIPC = true }, want: refused + `"kernel.shm_rmid_forced" not allowed with host ipc enabled`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.api.put(newPod("web", func(pod *corev1.Pod) {
					pod.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: c.sysctl, Value: "1"}}}
					if c.edit != nil {
						c.edit(pod)
					}
				}))
				synctest.Wait()
				s := w.status("web")
				if diff := cmp.Diff(c.want, s.Message); diff != "" || (c.want != "") != (s.Reason == "SysctlForbidden") {
					t.Errorf("%s, reason %q, message (-want +got):\n%s", s.Phase, s.Reason, diff)
				}
			})
		})
	}
}

func TestRefusedPodStaysAsItIs(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{Sysctls: []corev1.Sysctl{{Name: "kernel.msgmax", Value: "1"}}}
		}))
		synctest.Wait()
		want := w.status("web").DeepCopy()
		w.stop()
		w.start() // the next kubelet
		w.after(time.Minute)
		if diff := cmp.Diff(want, w.status("web")); diff != "" {
			t.Errorf("status after a restart of the kubelet (-want +got):\n%s", diff)
		}
	})
}

func TestHostPortsOfOneNode(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		want := map[string]string{"first": "", "same": "NodePorts", "udp": "", "other address": "NodePorts", "other port": "", "sidecar": "NodePorts"}
		put := func(name string, port corev1.ContainerPort) {
			w.api.put(newPod(name, func(pod *corev1.Pod) {
				pod.Spec.Containers[0].Ports = []corev1.ContainerPort{port}
				if always := corev1.ContainerRestartPolicyAlways; name == "sidecar" {
					pod.Spec.InitContainers = []corev1.Container{{Name: "side", Image: "drydock/web:1", RestartPolicy: &always, Ports: []corev1.ContainerPort{port}}}
					pod.Spec.Containers[0].Ports = nil
				}
			}))
			synctest.Wait()
		}
		put("first", corev1.ContainerPort{HostPort: 80, ContainerPort: 8080})
		put("same", corev1.ContainerPort{HostPort: 80, ContainerPort: 80, Protocol: corev1.ProtocolTCP})
		put("udp", corev1.ContainerPort{HostPort: 80, ContainerPort: 80, Protocol: corev1.ProtocolUDP})
		put("other address", corev1.ContainerPort{HostPort: 80, ContainerPort: 80, HostIP: "127.0.0.1"})
		put("other port", corev1.ContainerPort{HostPort: 81, ContainerPort: 80})
		put("sidecar", corev1.ContainerPort{HostPort: 81, ContainerPort: 80})
		for name, reason := range want {
			if got := w.status(name).Reason; got != reason {
				t.Errorf("%s: reason %q, want %q", name, got, reason)
			}
		}
		const message = "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"
		if diff := cmp.Diff(message, w.status("same").Message); diff != "" {
			t.Errorf("message (-want +got):\n%s", diff)
		}
	})
}
