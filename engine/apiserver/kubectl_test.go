package apiserver_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// kubectl runs the real kubectl against c and returns what it printed, both streams together.
func (c *cluster) kubectl(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	program, err := filepath.Abs("../../bin/kubectl")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("bin/kubectl is not built: run make")
	}
	command := exec.CommandContext(t.Context(), program, append([]string{"--server", c.config.Host}, args...)...)
	home := t.TempDir()
	command.Env = []string{"HOME=" + home, "PATH=/usr/bin:/bin", "EDITOR=true", "KUBECONFIG=" + filepath.Join(home, "none")}
	command.Stdin = strings.NewReader(stdin)
	began := time.Now()
	out, err := command.CombinedOutput()
	t.Logf("kubectl %s (%v)\n%s", strings.Join(args, " "), time.Since(began).Round(time.Millisecond), out)
	return string(out), err
}

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: kd}
spec:
  replicas: 1
  selector: {matchLabels: {a: kd}}
  template:
    metadata: {labels: {a: kd}}
    spec: {containers: [{name: c, image: "drydock/base:1"}]}
`

const node = `
apiVersion: v1
kind: Node
metadata: {name: node-9}
spec: {unschedulable: true}
`

const boundManifest = `
apiVersion: v1
kind: Pod
metadata: {name: bound}
spec: {nodeName: node-9, containers: [{name: c, image: "drydock/base:1"}]}
`

// The commands of a real session, in its order; each must print what it printed against a real cluster.
func TestKubectlSession(t *testing.T) {
	c := newCluster(t)
	for _, step := range []struct{ args, stdin, want string }{
		{"version", "", "Server Version: v1.37.1"},
		{"create ns kt", "", "namespace/kt created"},
		{"create sa default -n kt", "", "serviceaccount/default created"},
		{"-n kt apply -f -", deployment, "deployment.apps/kd created"},
		{"-n kt get deploy", "", "kd     0/1     0            0"},
		{"-n kt apply --server-side -f - --force-conflicts", deployment, "deployment.apps/kd serverside-applied"},
		{"-n kt apply -f -", strings.Replace(deployment, "replicas: 1", "replicas: 2", 1), "deployment.apps/kd configured"},
		{"-n kt scale deploy kd --replicas=3", "", "deployment.apps/kd scaled"},
		{"-n kt set image deploy/kd c=drydock/web:2", "", "deployment.apps/kd image updated"},
		{"-n kt expose deploy kd --port=80", "", "service/kd exposed"},
		{"-n kt describe deploy kd", "", "Replicas:               3 desired"},
		{"-n kt get events", "", "No resources found in kt namespace."},
		{"-n kt get svc -o wide", "", "a=kd"},
		{"explain pod.spec.containers", "", "FIELD: containers"},
		{"auth can-i list pods", "", "yes"},
		{"auth can-i list pods --as=system:serviceaccount:default:default", "", "no"},
		{"auth whoami", "", "admin"},
		{"top nodes", "", "metrics not available yet"},
		{"api-resources", "", "configmaps"},
		{"-n kt label deploy kd z=1", "", "deployment.apps/kd labeled"},
		{"-n kt annotate deploy kd z=1", "", "deployment.apps/kd annotated"},
		{"-n kt rollout restart deploy/kd", "", "deployment.apps/kd restarted"},
		{"-n kt create configmap c1 --from-literal=a=b", "", "configmap/c1 created"},
		{"-n kt create secret generic s1 --from-literal=a=b", "", "secret/s1 created"},
		{"-n kt create deployment x1 --image=drydock/web:1 -- sleep 1", "", "deployment.apps/x1 created"},
		{"-n kt run r1 --image=drydock/base:1 --restart=Never -- sleep 2", "", "pod/r1 created"},
		{"-n kt get pods -o wide", "", "r1     0/1     Pending"},
		{"-n kt logs r1", "", ""},
		{"-n kt create token default", "", "."},
		{"-n kt diff -f -", strings.Replace(deployment, "replicas: 1", "replicas: 7", 1), "+  replicas: 7"},
		{"-n kt delete deploy,cm,secret,pod kd x1 c1 s1 r1 --ignore-not-found --now", "", `pod "r1" deleted`},
		{"-n kt get all", "", "service/kd"},
		{"get ns kt -o yaml", "", "phase: Active"},
		{"get --raw /", "", "/apis/apps/v1"},
		{"cluster-info", "", "is running at"},
		{"create -f -", node, "node/node-9 created"},
		{"get nodes", "", "node-9   Unknown,SchedulingDisabled"},
		{"uncordon node-9", "", "node/node-9 uncordoned"},
		{"cordon node-9 --dry-run=server", "", "node/node-9 cordoned (server dry run)"},
		{"taint node node-9 a=b:NoSchedule", "", "node/node-9 tainted"},
		{"create -f -", boundManifest, "pod/bound created"},
		{"drain node-9 --dry-run=server --force", "", "evicting pod default/bound (server dry run)"},
		{"describe node node-9", "", "bound"},
		{"wait --for=condition=Ready pod/bound --timeout=1s", "", "timed out waiting for the condition on pods/bound"},
		{"patch pod bound --subresource=status --type=merge -p {\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}", "", "pod/bound patched"},
		{"wait --for=condition=Ready pod/bound --timeout=5s", "", "pod/bound condition met"},
		{"delete pod bound --force", "", `pod "bound" force deleted`},
		{"delete -f -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: none}", `configmaps "none" not found`},
		{"create -f -", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {contaners: []}", `unknown field "spec.contaners"`},
		{"create -f -", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}", `The Pod "p" is invalid: spec.containers[0].image: Required value`},
		{"edit ns kt -o yaml", "", "Edit cancelled, no changes made."},
		{"delete ns kt --wait=false", "", `namespace "kt" deleted`},
		{"get ns kt", "", "Terminating"},
		{"-n kt create configmap late", "", "because it is being terminated"},
	} {
		out, err := c.kubectl(t, step.stdin, strings.Fields(step.args)...)
		if !strings.Contains(out, step.want) {
			t.Errorf("kubectl %s: %v, want %q in\n%s", step.args, err, step.want, out)
		}
	}
}

// Before kubectl gives up on a kind, it asks the OpenAPI document of old and the list of custom resources.
func TestKubectlUnknownKinds(t *testing.T) {
	c := newCluster(t)
	for manifest, want := range map[string]string{
		"{apiVersion: v1, kind: Pood, metadata: {name: x}}": `no matches for kind "Pood" in version "v1"`,
		"{apiVersion: v2, kind: Pod, metadata: {name: x}}":  `no matches for kind "Pod" in version "v2"`,
	} {
		if got, err := c.kubectl(t, manifest, "apply", "-f", "-"); err == nil || !strings.Contains(got, want) {
			t.Errorf("apply %s: %v, want %q", manifest, err, want)
		}
	}
}

func TestKubectlStreams(t *testing.T) {
	c := newNode(t)
	for _, step := range []struct{ args, stdin, want string }{
		{"exec web -- echo hello", "", "web hello\n"},
		{"exec -i web -- cat", "from stdin", "from stdin"},
		{"exec web -- nothing", "", "command terminated with exit code 3"},
		{"attach web", "", "attached\n"},
		{"logs web --tail=3", "", "default/web/web tailLines=3\n"},
		{"logs -f web -c web", "", "default/web/web follow=true\n"},
		{"logs web -p", "", `previous terminated container "web" in pod "web" not found`},
		{"logs web -c nope", "", "container nope is not valid for pod web"},
		{"cp web:/etc/x " + t.TempDir() + "/x", "", "exit code 3"},
	} {
		out, err := c.kubectl(t, step.stdin, strings.Fields(step.args)...)
		if !strings.Contains(out, step.want) {
			t.Errorf("kubectl %s: %v, want %q in\n%s", step.args, err, step.want, out)
		}
	}
}

// kubectl delete and kubectl rollout status wait with a watch-list until what they wait for has come.
func TestKubectlWaits(t *testing.T) {
	c := newCluster(t)
	webDeployment(t, c)
	boundPod(t, c, "web")
	pods, deployments := c.client.CoreV1().Pods("default"), c.client.AppsV1().Deployments("default")
	w, err := pods.Watch(background, metav1.ListOptions{FieldSelector: "metadata.name=web"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	done := make(chan error, 2)
	go func() { // the kubelet's part
		for event := range w.ResultChan() {
			if event.Object.(*corev1.Pod).DeletionTimestamp != nil {
				done <- pods.Delete(background, "web", *metav1.NewDeleteOptions(0))
				return
			}
		}
	}()
	if out, err := c.kubectl(t, "", "delete", "pod", "web", "--timeout=10s"); err != nil || !strings.Contains(out, `pod "web" deleted`) {
		t.Errorf("%v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	go func() { // the controller's part
		d, err := deployments.Get(background, "web", metav1.GetOptions{})
		if err == nil {
			d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
			_, err = deployments.UpdateStatus(background, d, metav1.UpdateOptions{})
		}
		done <- err
	}()
	if out, err := c.kubectl(t, "", "rollout", "status", "deploy/web", "--timeout=10s"); err != nil || !strings.Contains(out, `deployment "web" successfully rolled out`) {
		t.Errorf("%v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
