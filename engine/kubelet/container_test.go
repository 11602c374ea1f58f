package kubelet_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func (w *world) configMap(name string, data map[string]string) {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	w.api.configs[key("default", name)] = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"}, Data: data}
}

func (w *world) environment(name string) map[string]string {
	w.t.Helper()
	c := w.runtime.newest(name)
	if c == nil {
		w.t.Fatalf("no container %s; Events: %q", name, w.api.told())
	}
	env := map[string]string{}
	for _, kv := range c.config.Envs {
		env[kv.Key] = string(kv.Value)
	}
	return env
}

func TestEnvironment(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.configMap("app", map[string]string{"COLOR": "blue", "SIZE": "9"})
		w.api.secrets["default/pass"] = &corev1.Secret{Data: map[string][]byte{"word": []byte("sesame")}}
		from := func(edit func(*corev1.EnvVarSource)) *corev1.EnvVarSource {
			s := &corev1.EnvVarSource{}
			edit(s)
			return s
		}
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			pod.Labels = map[string]string{"app": "web"}
			c := &pod.Spec.Containers[0]
			c.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi"), corev1.ResourceCPU: resource.MustParse("250m")}
			c.EnvFrom = []corev1.EnvFromSource{{Prefix: "APP_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "app"}}}}
			c.Env = []corev1.EnvVar{
				{Name: "PLAIN", Value: "x"},
				{Name: "JOINED", Value: "$(PLAIN)-$(APP_COLOR)-$$(PLAIN)-$(UNKNOWN)-$(KUBERNETES_SERVICE_HOST)"},
				{Name: "IP", ValueFrom: from(func(s *corev1.EnvVarSource) { s.FieldRef = &corev1.ObjectFieldSelector{FieldPath: "status.podIP"} })},
				{Name: "NODE", ValueFrom: from(func(s *corev1.EnvVarSource) { s.FieldRef = &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"} })},
				{Name: "LABEL", ValueFrom: from(func(s *corev1.EnvVarSource) {
					s.FieldRef = &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['app']"}
				})},
				{Name: "MEM", ValueFrom: from(func(s *corev1.EnvVarSource) {
					s.ResourceFieldRef = &corev1.ResourceFieldSelector{Resource: "limits.memory", Divisor: resource.MustParse("1Mi")}
				})},
				{Name: "CPU", ValueFrom: from(func(s *corev1.EnvVarSource) {
					s.ResourceFieldRef = &corev1.ResourceFieldSelector{Resource: "limits.cpu"}
				})},
				{Name: "PASS", ValueFrom: from(func(s *corev1.EnvVarSource) {
					s.SecretKeyRef = &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "pass"}, Key: "word"}
				})},
			}
			c.Args = []string{"--pass=$(PASS)", "$(date)"}
		}))
		synctest.Wait()
		want := map[string]string{
			"APP_COLOR": "blue", "APP_SIZE": "9", "PLAIN": "x", "JOINED": "x-blue-$(PLAIN)-$(UNKNOWN)-10.96.0.1",
			"IP": "10.244.1.1", "NODE": "node-1", "LABEL": "web", "MEM": "64", "CPU": "1", "PASS": "sesame",
		}
		got := w.environment("main")
		for name := range got {
			if strings.HasPrefix(name, "KUBERNETES_") {
				delete(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("environment (-want +got):\n%s", diff)
		}
		config := w.runtime.newest("main").config
		if diff := cmp.Diff([]string{"--pass=sesame", "$(date)"}, config.Args); diff != "" {
			t.Errorf("args (-want +got):\n%s", diff)
		}
		r := config.Linux.Resources
		if r.CpuQuota != 25000 || r.CpuPeriod != 100000 || r.CpuShares != 256 || r.MemoryLimitInBytes != 64<<20 {
			t.Errorf("resources: %+v", r)
		}
	})
}

func TestMissingConfigMapWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			pod.Spec.Containers[0].Env = []corev1.EnvVar{{Name: "X", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
				LocalObjectReference: corev1.LocalObjectReference{Name: "late"}, Key: "k",
			}}}}
		}))
		w.after(time.Second)
		w.expect("web", "Pending/CreateContainerConfigError")
		if message := w.status("web").ContainerStatuses[0].State.Waiting.Message; message != `configmap "late" not found` {
			t.Errorf("message %q", message)
		}
		w.configMap("late", map[string]string{"k": "v"})
		w.after(5 * time.Second)
		w.expect("web", "Running/ready")
	})
}

// mounted reads a file through the mount that the runtime was given.
func (w *world) mounted(container, path string) (string, *runtimeapi.Mount) {
	w.t.Helper()
	c := w.runtime.newest(container)
	if c == nil {
		w.t.Fatalf("no container %s; Events: %q", container, w.api.told())
	}
	for _, m := range c.config.Mounts {
		if rest, found := strings.CutPrefix(path, m.ContainerPath); found {
			content, err := os.ReadFile(filepath.Join(m.HostPath, rest))
			if err != nil {
				w.t.Errorf("read %s: %v", path, err)
			}
			return string(content), m
		}
	}
	w.t.Errorf("nothing is mounted at %s", path)
	return "", nil
}

func kubeAPIAccess(pod *corev1.Pod) {
	seconds, mode := int64(3607), int32(0o644)
	pod.Spec.Volumes = []corev1.Volume{{Name: "kube-api-access-x", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		DefaultMode: &mode,
		Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: &seconds}},
			{ConfigMap: &corev1.ConfigMapProjection{
				LocalObjectReference: corev1.LocalObjectReference{Name: "kube-root-ca.crt"}, Items: []corev1.KeyToPath{{Key: "ca.crt", Path: "ca.crt"}},
			}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{
				{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}},
			}}},
		},
	}}}}
	pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "kube-api-access-x", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true}}
}

func TestServiceAccountVolume(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.configMap("kube-root-ca.crt", map[string]string{"ca.crt": "CA"})
		w.api.put(newPod("web", kubeAPIAccess))
		synctest.Wait()
		dir := "/var/run/secrets/kubernetes.io/serviceaccount/"
		for file, want := range map[string]string{"token": "token-1-of-default", "ca.crt": "CA", "namespace": "default"} {
			if got, m := w.mounted("main", dir+file); got != want || !m.Readonly {
				t.Errorf("%s is %q, read-only %v; want %q", file, got, m.Readonly, want)
			}
		}
		w.after(50 * time.Minute) // four fifths of its hour are over
		if got, _ := w.mounted("main", dir+"token"); got == "token-1-of-default" {
			t.Error("the token was never renewed")
		}
		if w.api.tokens > 3 {
			t.Errorf("%d tokens asked for", w.api.tokens)
		}
	})
}

func TestConfigMapVolumeFollowsItsObject(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			pod.Spec.Volumes = []corev1.Volume{{Name: "conf", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "app"},
			}}}}
			pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "conf", MountPath: "/etc/app"}}
		}))
		w.after(time.Second)
		w.expect("web", "Pending/ContainerCreating")
		if want := `Warning FailedMount: MountVolume.SetUp failed for volume "conf" : configmap "app" not found`; !w.hasEvent(want) {
			t.Errorf("no Event %q in %q", want, w.api.told())
		}
		w.configMap("app", map[string]string{"a.conf": "one", "b.conf": "gone soon"})
		w.after(5 * time.Second)
		w.expect("web", "Running/ready")
		_, m := w.mounted("main", "/etc/app/a.conf")
		if link, err := os.Readlink(filepath.Join(m.HostPath, "a.conf")); err != nil || link != "..data/a.conf" {
			t.Errorf("a.conf -> %q, %v", link, err)
		}
		w.configMap("app", map[string]string{"a.conf": "two"})
		w.after(2 * time.Minute)
		if got, _ := w.mounted("main", "/etc/app/a.conf"); got != "two" {
			t.Errorf("a.conf is %q", got)
		}
		entries, err := os.ReadDir(m.HostPath)
		if err != nil || len(entries) != 3 { // the link, the data, a.conf
			t.Errorf("left in the volume: %v %v", entries, err)
		}
	})
}

func TestTerminationMessage(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web", withPolicy(corev1.RestartPolicyNever)))
		synctest.Wait()
		for _, m := range w.runtime.newest("main").config.Mounts {
			if m.ContainerPath == "/dev/termination-log" {
				if err := os.WriteFile(m.HostPath, []byte("out of coffee"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.runtime.end("main", 2)
		synctest.Wait()
		if got := w.status("web").ContainerStatuses[0].State.Terminated.Message; got != "out of coffee" {
			t.Errorf("message %q", got)
		}
	})
}

func TestHostsFile(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world) {
		w.api.put(newPod("web", func(pod *corev1.Pod) {
			pod.Spec.Subdomain = "sub"
			pod.Spec.HostAliases = []corev1.HostAlias{{IP: "1.2.3.4", Hostnames: []string{"a", "b"}}}
		}))
		synctest.Wait()
		got, _ := w.mounted("main", "/etc/hosts")
		for _, want := range []string{"# Kubernetes-managed hosts file.\n", "10.244.1.1\tweb.sub.default.svc.cluster.local\tweb\n", "\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("/etc/hosts lacks %q:\n%s", want, got)
			}
		}
	})
}
