package conformance_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func (r *room) settings(data map[string]string) *corev1.ConfigMap {
	r.Helper()
	return must(r.CoreV1().ConfigMaps(r.ns).Create(r.ctx, &corev1.ConfigMap{ObjectMeta: r.meta("settings"), Data: data}, metav1.CreateOptions{}))(r)
}

func (r *room) secret(data map[string]string) *corev1.Secret {
	r.Helper()
	return must(r.CoreV1().Secrets(r.ns).Create(r.ctx, &corev1.Secret{ObjectMeta: r.meta("settings"), StringData: data}, metav1.CreateOptions{}))(r)
}

func withEnv(spec corev1.PodSpec, env ...corev1.EnvVar) corev1.PodSpec {
	spec.Containers[0].Env = append(spec.Containers[0].Env, env...)
	return spec
}

var settingsRef = corev1.LocalObjectReference{Name: "settings"}

func TestConfigMapInEnvironment(t *testing.T) {
	r := enter(t)
	r.settings(map[string]string{"greeting": "hello", "place": "world"})
	spec := withEnv(sh("env"), corev1.EnvVar{Name: "ONE", ValueFrom: &corev1.EnvVarSource{
		ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: settingsRef, Key: "greeting"},
	}})
	ref := &corev1.ConfigMapEnvSource{LocalObjectReference: settingsRef}
	spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: ref}, {Prefix: "p-", ConfigMapRef: ref}, {Prefix: "q.", ConfigMapRef: ref}}
	r.said("env", spec, "ONE=hello\n", "\nplace=world\n", "p-place=world\n", "q.greeting=hello\n")
}

func TestSecretInEnvironment(t *testing.T) {
	r := enter(t)
	r.secret(map[string]string{"greeting": "hello", "place": "world"})
	spec := withEnv(sh("env"), corev1.EnvVar{Name: "ONE", ValueFrom: &corev1.EnvVarSource{
		SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: settingsRef, Key: "greeting"},
	}})
	ref := &corev1.SecretEnvSource{LocalObjectReference: settingsRef}
	spec.Containers[0].EnvFrom = []corev1.EnvFromSource{{SecretRef: ref}, {Prefix: "p-", SecretRef: ref}, {Prefix: "q.", SecretRef: ref}}
	r.said("env", spec, "ONE=hello\n", "\nplace=world\n", "p-place=world\n", "q.greeting=hello\n")
}

func TestConfigMapLifecycle(t *testing.T) {
	r := enter(t)
	c := r.CoreV1().ConfigMaps(r.ns)
	make := func(name string) *corev1.ConfigMap {
		return &corev1.ConfigMap{ObjectMeta: r.meta(name), Data: map[string]string{"key": "value"}}
	}
	lifecycle(r, c, make("one"))
	collection(r, c, make)
	if _, err := c.Create(r.ctx, &corev1.ConfigMap{ObjectMeta: r.meta("bad"), Data: map[string]string{"": "value"}}, metav1.CreateOptions{}); err == nil {
		r.Error("an empty key is taken")
	}
	r.settings(map[string]string{"key": "old"})
	change(r, c, "settings", func(m *corev1.ConfigMap) { m.Data["key"] = "new" })
	if got := must(c.Get(r.ctx, "settings", metav1.GetOptions{}))(r).Data["key"]; got != "new" {
		r.Errorf("after the update: %q", got)
	}
}

func TestSecretLifecycle(t *testing.T) {
	r := enter(t)
	c := r.CoreV1().Secrets(r.ns)
	lifecycle(r, c, &corev1.Secret{ObjectMeta: r.meta("one"), StringData: map[string]string{"key": "value"}})
	if _, err := c.Create(r.ctx, &corev1.Secret{ObjectMeta: r.meta("bad"), Data: map[string][]byte{"": []byte("value")}}, metav1.CreateOptions{}); err == nil {
		r.Error("an empty key is taken")
	}
	r.secret(map[string]string{"key": "old"})
	new := base64.StdEncoding.EncodeToString([]byte("new"))
	got := must(c.Patch(r.ctx, "settings", types.StrategicMergePatchType, []byte(`{"data":{"key":"`+new+`"}}`), metav1.PatchOptions{}))(r)
	if string(got.Data["key"]) != "new" {
		r.Errorf("after the patch: %q", got.Data)
	}
}

func field(name, path string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}}
}

func size(name, what string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Resource: what}}}
}

func TestDownwardFields(t *testing.T) {
	r := enter(t)
	spec := withEnv(sh("env"), field("NAME", "metadata.name"), field("NS", "metadata.namespace"), field("UID", "metadata.uid"),
		field("IP", "status.podIP"), field("HOST", "status.hostIP"), field("HOSTS", "status.hostIPs"))
	pod, out := r.run("env", spec)
	for _, want := range []string{
		"NAME=env", "NS=" + r.ns, "UID=" + string(pod.UID), "IP=" + pod.Status.PodIP, "HOST=" + pod.Status.HostIP, "HOSTS=" + pod.Status.HostIPs[0].IP,
	} {
		if !strings.Contains(out, want+"\n") {
			r.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestDownwardSizes(t *testing.T) {
	r := enter(t)
	sizes := []corev1.EnvVar{size("LC", "limits.cpu"), size("LM", "limits.memory"), size("RC", "requests.cpu"), size("RM", "requests.memory")}
	spec := withEnv(sh("env"), sizes...)
	spec.Containers[0].Resources = corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("32Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1250m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
	}
	r.said("given", spec, "LC=2\n", "LM=67108864\n", "RC=1\n", "RM=33554432\n")
	pod, out := r.run("without", withEnv(sh("env"), sizes[:2]...))
	has := must(r.CoreV1().Nodes().Get(r.ctx, pod.Spec.NodeName, metav1.GetOptions{}))(r).Status.Allocatable
	for _, want := range []string{fmt.Sprintf("LC=%d\n", has.Cpu().Value()), fmt.Sprintf("LM=%d\n", has.Memory().Value())} {
		if !strings.Contains(out, want) {
			r.Errorf("without limits there is no %q in\n%s", want, out)
		}
	}
}

func TestExpansion(t *testing.T) {
	r := enter(t)
	spec := withEnv(once(sh("env; echo command $(ONE)")), corev1.EnvVar{Name: "ONE", Value: "1"}, corev1.EnvVar{Name: "TWO", Value: "$(ONE)2;$(NONE);$$(ONE)"})
	spec.Containers[0].Args = []string{"args"}
	spec.Containers[0].Command = []string{"sh", "-c", "env; echo command $(ONE); echo $0", "args $(TWO)"}
	r.said("env", spec, "TWO=12;$(NONE);$(ONE)\n", "command 1\n", "args 12;$(NONE);$(ONE)\n")
}

// subPath is a container with one volume, seen through a path that is made of an annotation of the pod.
func subPath(script, expression string) corev1.PodSpec {
	spec := withEnv(sh(script), field("WHERE", "metadata.annotations['where']"))
	spec.Volumes = []corev1.Volume{{Name: "work", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	spec.Containers[0].VolumeMounts = []corev1.VolumeMount{
		{Name: "work", MountPath: "/part", SubPathExpr: expression}, {Name: "work", MountPath: "/whole"},
	}
	return spec
}

func (r *room) annotated(name, where string, spec corev1.PodSpec) {
	r.Helper()
	meta := r.meta(name)
	meta.Annotations = map[string]string{"where": where}
	must(r.pods().Create(r.ctx, &corev1.Pod{ObjectMeta: meta, Spec: spec}, metav1.CreateOptions{}))(r)
}

func TestSubPathExpression(t *testing.T) {
	r := enter(t)
	r.annotated("good", "here", once(subPath("echo written > /part/note; cat /whole/deep/here/note", "deep/$(WHERE)")))
	if pod := r.awaitPod("good", ended); pod.Status.Phase != corev1.PodSucceeded || r.logs("good") != "written\n" {
		r.Errorf("%s: %q", pod.Status.Phase, r.logs("good"))
	}
	for name, where := range map[string]string{"absolute": "/tmp", "backticks": "..`ls`", "upwards": "../out"} {
		r.annotated(name, where, subPath("exec sleep 1000", "$(WHERE)"))
	}
	for _, name := range []string{"absolute", "upwards"} {
		r.waiting(name, "CreateContainerConfigError")
	}
}

// waiting waits until a pod's container is held up for a reason.
func (r *room) waiting(name, reason string) {
	r.Helper()
	r.awaitPod(name, func(p *corev1.Pod) bool {
		return len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].State.Waiting != nil &&
			p.Status.ContainerStatuses[0].State.Waiting.Reason == reason
	})
}

func TestSubPathExpressionIsMended(t *testing.T) {
	r := enter(t)
	r.annotated("web", "/absolute", subPath("exec sleep 1000", "$(WHERE)"))
	r.waiting("web", "CreateContainerConfigError")
	patch(r, r.pods(), "web", map[string]any{"metadata": map[string]any{"annotations": map[string]any{"where": "here"}}})
	r.awaitPod("web", ready)
}

func TestServiceVariables(t *testing.T) {
	r := enter(t)
	must(r.CoreV1().Services(r.ns).Create(r.ctx, &corev1.Service{ObjectMeta: r.meta("big-web"), Spec: corev1.ServiceSpec{
		Ports: []corev1.ServicePort{{Port: 8765, TargetPort: port(8080)}}, Selector: map[string]string{"app": "web"},
	}}, metav1.CreateOptions{}))(r)
	r.said("env", sh("env"), "BIG_WEB_SERVICE_HOST=10.96.", "BIG_WEB_SERVICE_PORT=8765\n", "BIG_WEB_PORT_8765_TCP_PORT=8765\n", "BIG_WEB_PORT=tcp://10.96.")
}

func TestImageVolume(t *testing.T) {
	r := enter(t)
	withImage := func(script, image, sub string) corev1.PodSpec {
		spec := sh(script)
		spec.Volumes = []corev1.Volume{{Name: "image", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: image, PullPolicy: corev1.PullAlways}}}}
		spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "image", MountPath: "/image", SubPath: sub}}
		return spec
	}
	r.said("whole", once(withImage("ls /image; cat /image/etc/passwd; touch /image/new || echo refused; /image/bin/sh -c true || echo not run", "drydock/web:1", "")),
		"bin\n", "root:x:0:0", "refused\n", "not run\n")
	r.said("part", once(withImage("cat /image/passwd", "drydock/web:1", "etc")), "root:x:0:0")
	r.pod("absent", withImage("exec sleep 1000", "drydock/nothing:1", ""))
	r.waiting("absent", "ImagePullBackOff")
	r.pod("no-part", withImage("exec sleep 1000", "drydock/web:1", "nowhere"))
	r.waiting("no-part", "CreateContainerError")
}

func TestVariablesFromAFile(t *testing.T) {
	r := enter(t)
	spec := once(sh("env"))
	spec.Volumes = []corev1.Volume{{Name: "work", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
	spec.InitContainers = sh(`echo "COLOUR='dark blue'" > /work/vars`).Containers
	spec.InitContainers[0].Name = "first"
	spec.InitContainers[0].VolumeMounts = []corev1.VolumeMount{{Name: "work", MountPath: "/work"}}
	ref := func(key string, optional bool) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{FileKeyRef: &corev1.FileKeySelector{VolumeName: "work", Path: "vars", Key: key, Optional: &optional}}
	}
	spec.Containers[0].Env = []corev1.EnvVar{{Name: "MINE", ValueFrom: ref("COLOUR", false)}, {Name: "NONE", ValueFrom: ref("SIZE", true)}}
	r.said("env", spec, "MINE=dark blue\n")
	if got := r.logs("env"); strings.Contains(got, "NONE=") {
		t.Errorf("an optional variable that is not there:\n%s", got)
	}
}
