package kubelet_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func TestHostnames(t *testing.T) {
	yes, other := true, "other.example"
	long := strings.Repeat("a", 62)
	for name, c := range map[string]struct {
		edit func(*corev1.PodSpec)
		want string
	}{
		"pod's name":        {func(*corev1.PodSpec) {}, "web"},
		"hostname":          {func(s *corev1.PodSpec) { s.Hostname = "named" }, "named"},
		"subdomain":         {func(s *corev1.PodSpec) { s.Subdomain = "sub" }, "web"},
		"as FQDN":           {func(s *corev1.PodSpec) { s.Subdomain, s.SetHostnameAsFQDN = "sub", &yes }, "web.sub.default.svc.cluster.local"},
		"no domain as FQDN": {func(s *corev1.PodSpec) { s.SetHostnameAsFQDN = &yes }, "web"},
		"override":          {func(s *corev1.PodSpec) { s.HostnameOverride, s.Subdomain = &other, "sub" }, "other.example"},
		"too long is cut":   {func(s *corev1.PodSpec) { s.Hostname = long + "-b" }, long},
		"of the node's own": {func(s *corev1.PodSpec) { s.HostNetwork = true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.api.put(newPod("web", func(pod *corev1.Pod) { c.edit(&pod.Spec) }))
				synctest.Wait()
				if got := w.runtime.config().Hostname; got != c.want {
					t.Errorf("host name %q, want %q", got, c.want)
				}
			})
		})
	}
}

// config is what the newest sandbox was asked for with.
func (f *fakeRuntime) config() *runtimeapi.PodSandboxConfig {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.configs[len(f.configs)-1]
}

func TestFQDNThatIsTooLong(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		yes, long := true, strings.Repeat("a", 60)
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			pod.Spec.Hostname, pod.Spec.Subdomain, pod.Spec.SetHostnameAsFQDN = long, "sub", &yes
		}))
		w.after(time.Second)
		fqdn := long + ".sub.default.svc.cluster.local"
		want := fmt.Sprintf("Warning FailedCreatePodSandBox: Failed to create pod sandbox: failed to construct FQDN from pod hostname and cluster domain, "+
			"FQDN %s is too long (64 characters is the max, %d characters requested)", fqdn, len(fqdn))
		if !w.hasEvent(want) {
			t.Errorf("no Event %q in %q", want, w.api.told())
		}
		w.expect("web", "Pending/ContainerCreating")
	})
}

func TestDNSOfPods(t *testing.T) {
	two := "2"
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("d%d.example", i))
	}
	cluster := []string{"default.svc.cluster.local", "svc.cluster.local", "cluster.local"}
	for name, c := range map[string]struct {
		policy  corev1.DNSPolicy
		more    *corev1.PodDNSConfig
		servers []string
		search  []string // its beginning
		options []string
		event   string
	}{
		"ClusterFirst": {corev1.DNSClusterFirst, nil, []string{"10.96.0.10"}, cluster, []string{"ndots:5"}, ""},
		"more of it": {
			corev1.DNSClusterFirst, &corev1.PodDNSConfig{Nameservers: []string{"1.1.1.1"}, Searches: []string{"my.example"}, Options: []corev1.PodDNSConfigOption{{Name: "ndots", Value: &two}, {Name: "edns0"}}},
			[]string{"10.96.0.10", "1.1.1.1"},
			cluster,
			[]string{"ndots:2", "edns0"},
			"",
		},
		"None": {
			corev1.DNSNone, &corev1.PodDNSConfig{Nameservers: []string{"1.1.1.1"}, Searches: []string{"my.example"}},
			[]string{"1.1.1.1"},
			[]string{"my.example"},
			nil, "",
		},
		"too many servers": {
			corev1.DNSNone, &corev1.PodDNSConfig{Nameservers: []string{"1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"}},
			[]string{"1.1.1.1", "1.1.1.2", "1.1.1.3"},
			nil, nil,
			"Warning DNSConfigForming: Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1.1.1.1 1.1.1.2 1.1.1.3",
		},
		"too many domains": {
			corev1.DNSNone, &corev1.PodDNSConfig{Nameservers: []string{"1.1.1.1"}, Searches: many},
			[]string{"1.1.1.1"},
			many[:32], nil,
			"Warning DNSConfigForming: Search Line limits were exceeded, some search paths have been omitted, the applied search line is: " + strings.Join(many[:32], " "),
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world) {
				w.api.put(newPod("web", func(pod *corev1.Pod) { pod.Spec.DNSPolicy, pod.Spec.DNSConfig = c.policy, c.more }))
				synctest.Wait()
				dns := w.runtime.config().DnsConfig
				search := dns.Searches[:min(len(dns.Searches), len(c.search))]
				for what, diff := range map[string]string{
					"servers": cmp.Diff(c.servers, dns.Servers), "search": strings.TrimSpace(cmp.Diff(strings.Join(c.search, " "), strings.Join(search, " "))),
					"options": cmp.Diff(c.options, dns.Options),
				} {
					if diff != "" {
						t.Errorf("%s (-want +got):\n%s", what, diff)
					}
				}
				if c.event != "" && !w.hasEvent(c.event) {
					t.Errorf("no Event %q in %q", c.event, w.api.told())
				}
			})
		})
	}
}

func TestAddressOfPodInTheNodesNetwork(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			pod.Spec.HostNetwork = true
			pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "IP", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}}}
		}))
		synctest.Wait()
		if got := w.environment("main")["IP"]; got != "172.30.0.11" {
			t.Errorf("status.podIP is %q in the container", got)
		}
	})
}
