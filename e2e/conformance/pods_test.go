package conformance_test

import (
	"bytes"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/remotecommand"
)

const (
	web  = "drydock/web:1"
	web2 = "drydock/web:2"
	base = "drydock/base:1"
)

func (r *room) pods() corev1client.PodInterface { return r.CoreV1().Pods(r.ns) }

func (r *room) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: r.ns, Labels: map[string]string{"app": name}}
}

// sh is a container that runs a script; pods of it are gone at once when they are deleted.
func sh(script string) corev1.PodSpec {
	return corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64),
		Containers:                    []corev1.Container{{Name: "main", Image: base, Command: []string{"sh", "-c", script}}},
	}
}

// server is a pod that answers on port 8080.
func server(image string) corev1.PodSpec {
	return corev1.PodSpec{
		TerminationGracePeriodSeconds: new(int64),
		Containers:                    []corev1.Container{{Name: "main", Image: image}},
	}
}

func once(spec corev1.PodSpec) corev1.PodSpec {
	spec.RestartPolicy = corev1.RestartPolicyNever
	return spec
}

func (r *room) pod(name string, spec corev1.PodSpec) *corev1.Pod {
	r.Helper()
	return must(r.pods().Create(r.ctx, &corev1.Pod{ObjectMeta: r.meta(name), Spec: spec}, metav1.CreateOptions{}))(r)
}

func condition(pod *corev1.Pod, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range pod.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{}
}

func ready(pod *corev1.Pod) bool {
	return pod.DeletionTimestamp == nil && condition(pod, corev1.PodReady).Status == corev1.ConditionTrue
}

func running(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning }

func ended(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}

func (r *room) awaitPod(name string, done func(*corev1.Pod) bool) *corev1.Pod {
	r.Helper()
	return await(r, r.pods(), name, done)
}

// awaitReady waits until exactly n pods match and all are ready.
func (r *room) awaitReady(selector string, n int) []*corev1.Pod {
	r.Helper()
	return awaitAll(r, r.pods(), labelled(selector), func(pods []*corev1.Pod) bool {
		for _, pod := range pods {
			if !ready(pod) {
				return false
			}
		}
		return len(pods) == n
	})
}

// run runs a pod to its end and returns what it said.
func (r *room) run(name string, spec corev1.PodSpec) (*corev1.Pod, string) {
	r.Helper()
	r.pod(name, once(spec))
	pod := r.awaitPod(name, ended)
	return pod, r.logs(name)
}

// said runs a pod whose output must contain all the words.
func (r *room) said(name string, spec corev1.PodSpec, words ...string) {
	r.Helper()
	pod, out := r.run(name, spec)
	for _, word := range words {
		if !strings.Contains(out, word) {
			r.Errorf("pod %s (%s) said:\n%s\nbut not %q", name, pod.Status.Phase, out, word)
		}
	}
}

func (r *room) logs(pod string) string {
	r.Helper()
	return string(must(r.pods().GetLogs(pod, &corev1.PodLogOptions{}).DoRaw(r.ctx))(r))
}

// exec runs a command in a pod's container over a WebSocket.
func (r *room) exec(pod, container string, command ...string) string {
	r.Helper()
	var out, errOut bytes.Buffer
	url := r.CoreV1().RESTClient().Get().Namespace(r.ns).Resource("pods").Name(pod).SubResource("exec").VersionedParams(
		&corev1.PodExecOptions{Container: container, Command: command, Stdout: true, Stderr: true}, scheme.ParameterCodec).URL()
	executor := must(remotecommand.NewWebSocketExecutor(theLab.config, "GET", url.String()))(r)
	if err := executor.StreamWithContext(r.ctx, remotecommand.StreamOptions{Stdout: &out, Stderr: &errOut}); err != nil {
		r.Fatalf("exec %q in %s: %v\n%s", command, pod, err, &errOut)
	}
	return out.String()
}

func port(n int32) intstr.IntOrString { return intstr.FromInt32(n) }
