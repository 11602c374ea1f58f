package apiserver_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

var background = context.Background()

func TestCreateFillsInWhatTheServerOwns(t *testing.T) {
	c := newCluster(t)
	pod := mustCreatePod(t, c, webPod("web"))
	if pod.UID == "" || pod.ResourceVersion == "" || pod.CreationTimestamp.IsZero() || pod.Generation != 1 || pod.Namespace != "default" {
		t.Errorf("metadata %+v", pod.ObjectMeta)
	}
	if pod.Status.Phase != corev1.PodPending || pod.Status.QOSClass != corev1.PodQOSBestEffort {
		t.Errorf("status %+v", pod.Status)
	}
	if pod.Spec.ServiceAccountName != "default" || *pod.Spec.Priority != 0 || len(pod.Spec.Tolerations) != 2 {
		t.Errorf("spec %+v", pod.Spec)
	}
	mount := pod.Spec.Containers[0].VolumeMounts
	if len(mount) != 1 || !strings.HasPrefix(mount[0].Name, "kube-api-access-") || mount[0].Name != pod.Spec.Volumes[0].Name {
		t.Errorf("token volume: %+v in %+v", mount, pod.Spec.Volumes)
	}
	if len(pod.ManagedFields) != 1 || pod.ManagedFields[0].Manager != "apiserver.test" {
		t.Errorf("managed fields %+v", pod.ManagedFields)
	}
	// What the store holds is what was answered: the write was there before the answer.
	kv, err := c.store.Get(background, "/registry/pods/default/web")
	if err != nil {
		t.Fatal(err)
	}
	stored := &corev1.Pod{}
	if err := stored.Unmarshal(unwrap(t, kv.Value)); err != nil {
		t.Fatal(err)
	}
	stored.ResourceVersion = pod.ResourceVersion
	if diff := cmp.Diff(pod, stored); diff != "" {
		t.Errorf("stored (-answered +stored):\n%s", diff)
	}
}

func TestGenerateName(t *testing.T) {
	c := newCluster(t)
	pod := webPod("")
	pod.GenerateName = "web-"
	created := mustCreatePod(t, c, pod)
	if !strings.HasPrefix(created.Name, "web-") || len(created.Name) != len("web-")+5 {
		t.Errorf("name %q", created.Name)
	}
}

func TestRefusals(t *testing.T) {
	c := newCluster(t)
	mustCreatePod(t, c, webPod("web"))
	const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"%"},"spec":{"containers":[{"name":"c","image":"i"}]}}`
	web, other := strings.Replace(pod, "%", "web", 1), strings.Replace(pod, "%", "other", 1)
	const pods = "/api/v1/namespaces/default/pods"
	for _, test := range []struct {
		name, method, path, body string
		code                     int
		want                     string
	}{
		{"taken name", "POST", pods, web, 409, `pods \"web\" already exists`},
		{"no such namespace", "POST", "/api/v1/namespaces/nope/pods", web, 404, `namespaces \"nope\" not found`},
		{"another namespace", "POST", pods, strings.Replace(web, `"name":"web"`, `"name":"x","namespace":"kube-system"`, 1), 400, "the namespace of the provided object does not match the namespace sent on the request"},
		{"bad name", "POST", pods, strings.Replace(pod, "%", "A_b", 1), 422, `Pod \"A_b\" is invalid: metadata.name: Invalid value: \"A_b\": a lowercase RFC 1123 subdomain`},
		{"no such account", "POST", pods, strings.Replace(other, `"spec":{`, `"spec":{"serviceAccountName":"who",`, 1), 403, `error looking up service account default/who: serviceaccounts \"who\" not found`},
		{"unknown priority class", "POST", pods, strings.Replace(other, `"spec":{`, `"spec":{"priorityClassName":"high",`, 1), 403, "no PriorityClass with name high was found"},
		{"not JSON", "POST", pods, "{", 400, "unexpected end of JSON input"},
		{"strict", "POST", pods + "?fieldValidation=Strict", strings.Replace(other, `"spec"`, `"spce":1,"spec"`, 1), 400, `strict decoding error: unknown field \"spce\"`},
		{"wrong kind", "POST", "/api/v1/namespaces/default/configmaps", web, 400, "Pod in version \\\"v1\\\" cannot be handled as a ConfigMap"},
		{"name differs", "PUT", pods + "/web", other, 400, "the name of the object (other) does not match the name on the URL (web)"},
		{"absent", "GET", pods + "/nope", "", 404, `"message":"pods \"nope\" not found","reason":"NotFound","details":{"name":"nope","kind":"pods"},"code":404`},
		{"unknown kind", "GET", "/api/v1/unicorns", "", 404, "the server could not find the requested resource"},
		{"nodes in a namespace", "GET", "/api/v1/namespaces/default/nodes", "", 404, "the server could not find the requested resource"},
		{"unknown group", "GET", "/apis/unicorns/v1/horns", "", 404, "404 page not found"},
		{"no such method", "POST", pods + "/web", web, 405, "the server does not allow this method on the requested resource"},
		{"no such option", "POST", pods + "?dryRun=Some", other, 422, `dryRun: Unsupported value: [\"Some\"]: supported values: \"All\"`},
		{"old version", "PUT", pods + "/web", strings.Replace(web, `"name":"web"`, `"name":"web","resourceVersion":"1"`, 1), 409, `Operation cannot be fulfilled on pods \"web\": the object has been modified; please apply your changes to the latest version and try again`},
		{"other uid", "PUT", pods + "/web", strings.Replace(web, `"name":"web"`, `"name":"web","uid":"u"`, 1), 409, "Precondition failed: UID in precondition: u, UID in object meta: "},
		{"immortal namespace", "DELETE", "/api/v1/namespaces/default", "", 403, `namespaces \"default\" is forbidden: this namespace may not be deleted`},
		{"bad selector", "GET", pods + "?fieldSelector=spec.foo%3D1", "", 400, "field label not supported: spec.foo"},
		{"bad continue", "GET", pods + "?continue=x", "", 400, "continue key is not valid"},
		{"time to come", "GET", pods + "?resourceVersion=99999", "", 504, "Too large resource version: 99999, current: "},
	} {
		code, body, _ := c.request(t, test.method, test.path, test.body, "Content-Type", "application/json")
		if code != test.code || !strings.Contains(body, test.want) {
			t.Errorf("%s: %d %s\nwant %d %s", test.name, code, body, test.code, test.want)
		}
	}
	if code, body, _ := c.request(t, "POST", pods, "x", "Content-Type", "text/plain"); code != 415 || !strings.Contains(body, "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf") {
		t.Errorf("text/plain: %d %s", code, body)
	}
	if code, body, _ := c.request(t, "GET", pods, "", "Accept", "text/html"); code != 406 || !strings.Contains(body, "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf") {
		t.Errorf("text/html: %d %s", code, body)
	}
	if _, _, header := c.request(t, "POST", pods+"?dryRun=All&fieldValidation=Warn", strings.Replace(other, `"spec"`, `"spce":1,"spec"`, 1), "Content-Type", "application/json"); header.Get("Warning") != `299 - "unknown field \"spce\""` {
		t.Errorf("warning %q", header.Get("Warning"))
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	c := newCluster(t)
	before := c.store.Revision()
	pods := c.client.CoreV1().Pods("default")
	dry := []string{metav1.DryRunAll}
	pod, err := pods.Create(background, webPod("web"), metav1.CreateOptions{DryRun: dry})
	if err != nil || pod.UID == "" {
		t.Fatalf("%v, %v", pod, err)
	}
	if after := c.store.Revision(); after != before {
		t.Errorf("revision went from %d to %d", before, after)
	}
	mustCreatePod(t, c, webPod("web"))
	before = c.store.Revision()
	if err := pods.Delete(background, "web", metav1.DeleteOptions{DryRun: dry}); err != nil {
		t.Error(err)
	}
	if _, err := pods.Patch(background, "web", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{DryRun: dry}); err != nil {
		t.Error(err)
	}
	if after := c.store.Revision(); after != before {
		t.Errorf("revision went from %d to %d", before, after)
	}
}

func TestConcurrentPatchesAllCount(t *testing.T) {
	c := newCluster(t)
	cms := c.client.CoreV1().ConfigMaps("default")
	if _, err := cms.Create(background, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			body := `{"data":{"k` + string(rune('a'+i)) + `":"v"}}`
			if _, err := cms.Patch(background, "c", types.MergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if cm, err := cms.Get(background, "c", metav1.GetOptions{}); err != nil || len(cm.Data) != 20 {
		t.Errorf("%v, %v", cm.Data, err)
	}
}

func TestSameAgainIsNoWrite(t *testing.T) {
	c := newCluster(t)
	pod := mustCreatePod(t, c, webPod("web"))
	again, err := c.client.CoreV1().Pods("default").Update(background, pod, metav1.UpdateOptions{})
	if err != nil || again.ResourceVersion != pod.ResourceVersion {
		t.Errorf("resourceVersion %s → %s, %v", pod.ResourceVersion, again.ResourceVersion, err)
	}
}

func TestStatusAndSpecAreApart(t *testing.T) {
	c := newCluster(t)
	pods := c.client.CoreV1().Pods("default")
	pod := mustCreatePod(t, c, webPod("web"))
	pod.Status.Phase = corev1.PodRunning
	pod.Labels["app"] = "other"
	updated, err := pods.UpdateStatus(background, pod, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Status.Phase != corev1.PodRunning {
		t.Errorf("phase %s", updated.Status.Phase)
	}
	updated.Status.Phase = corev1.PodFailed
	if updated, err = pods.Update(background, updated, metav1.UpdateOptions{}); err != nil || updated.Status.Phase != corev1.PodRunning {
		t.Errorf("phase after an update of the pod: %s, %v", updated.Status.Phase, err)
	}
}

func TestBindOnce(t *testing.T) {
	c := newCluster(t)
	pods := c.client.CoreV1().Pods("default")
	mustCreatePod(t, c, webPod("web"))
	binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Target: corev1.ObjectReference{Kind: "Node", Name: "node-1"}}
	if err := pods.Bind(background, binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	pod, err := pods.Get(background, "web", metav1.GetOptions{})
	if err != nil || pod.Spec.NodeName != "node-1" || pod.Status.Conditions[0].Type != corev1.PodScheduled {
		t.Errorf("%+v, %v", pod, err)
	}
	err = pods.Bind(background, binding, metav1.CreateOptions{})
	if want := `Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "node-1"`; !apierrors.IsConflict(err) || err.Error() != want {
		t.Errorf("second bind: %v, want %s", err, want)
	}
}

func TestTokenOfAPod(t *testing.T) {
	c := newCluster(t)
	pod := mustCreatePod(t, c, webPod("web"))
	if pod.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken.ExpirationSeconds == nil ||
		*pod.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken.ExpirationSeconds != 3607 {
		t.Errorf("%+v", pod.Spec.Volumes)
	}
	opted := webPod("opted-out")
	opted.Spec.AutomountServiceAccountToken = ptr.To(false)
	if pod = mustCreatePod(t, c, opted); len(pod.Spec.Volumes) != 0 {
		t.Errorf("volumes %+v", pod.Spec.Volumes)
	}
}

func TestDefaultAccountMayBeLate(t *testing.T) {
	c := newCluster(t)
	accounts := c.client.CoreV1().ServiceAccounts("kube-public")
	done := make(chan error)
	go func() {
		_, err := c.client.CoreV1().Pods("kube-public").Create(background, webPod("web"), metav1.CreateOptions{})
		done <- err
	}()
	if _, err := accounts.Create(background, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	_, err := c.client.CoreV1().Pods("kube-system").Create(background, webPod("web"), metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `serviceaccounts "default" not found`) {
		t.Errorf("never made: %v", err)
	}
}

func TestServicesGetAddressesAndPorts(t *testing.T) {
	c := newCluster(t)
	services := c.client.CoreV1().Services("default")
	create := func(name string, spec corev1.ServiceSpec) (*corev1.Service, error) {
		if len(spec.Ports) == 0 {
			spec.Ports = []corev1.ServicePort{{Port: 80}}
		}
		return services.Create(background, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{})
	}
	kubernetes, err := services.Get(background, "kubernetes", metav1.GetOptions{})
	if err != nil || kubernetes.Spec.ClusterIP != "10.96.0.1" {
		t.Fatalf("%+v, %v", kubernetes, err)
	}
	a, err := create("a", corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort})
	if err != nil {
		t.Fatal(err)
	}
	if a.Spec.ClusterIP == "" || a.Spec.Ports[0].NodePort < 30000 || a.Spec.IPFamilies[0] != corev1.IPv4Protocol {
		t.Errorf("%+v", a.Spec)
	}
	if _, err := create("b", corev1.ServiceSpec{ClusterIP: a.Spec.ClusterIP}); err == nil || !strings.Contains(err.Error(), "provided IP is already allocated") {
		t.Errorf("taken address: %v", err)
	}
	if _, err := create("c", corev1.ServiceSpec{ClusterIP: "192.168.1.1"}); err == nil || !strings.Contains(err.Error(), "does not match the current range 10.96.0.0/16") {
		t.Errorf("foreign address: %v", err)
	}
	// A status carries a spec, too, but has no say in it.
	stale := a.DeepCopy()
	stale.Spec.Type, stale.Spec.Ports[0].NodePort = corev1.ServiceTypeClusterIP, 0
	if _, err := services.UpdateStatus(background, stale, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := create("f", corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80, NodePort: a.Spec.Ports[0].NodePort}}}); err == nil || !strings.Contains(err.Error(), "provided port is already allocated") {
		t.Errorf("taken node port: %v", err)
	}
	headless, err := create("d", corev1.ServiceSpec{ClusterIP: "None"})
	if err != nil || headless.Spec.ClusterIP != "None" {
		t.Errorf("%+v, %v", headless, err)
	}
	// A type that needs no node port gives it back, and somebody else may have it.
	port := a.Spec.Ports[0].NodePort
	a.Spec.Type = corev1.ServiceTypeClusterIP
	if a, err = services.Update(background, a, metav1.UpdateOptions{}); err != nil || a.Spec.Ports[0].NodePort != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	if _, err := create("e", corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80, NodePort: port}}}); err != nil {
		t.Errorf("released node port: %v", err)
	}
	if err := services.Delete(background, "a", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := create("b", corev1.ServiceSpec{ClusterIP: a.Spec.ClusterIP}); err != nil {
		t.Errorf("released address: %v", err)
	}
}

// unwrap takes a stored value out of its envelope.
func unwrap(t *testing.T, value []byte) []byte {
	t.Helper()
	rest, ok := strings.CutPrefix(string(value), "k8s\x00")
	if !ok {
		t.Fatalf("value %q has no protobuf magic", value)
	}
	unknown := &runtime.Unknown{}
	if err := unknown.Unmarshal([]byte(rest)); err != nil {
		t.Fatal(err)
	}
	return unknown.Raw
}

func newService(t *testing.T, c *cluster, name string, spec corev1.ServiceSpec) *corev1.Service {
	t.Helper()
	if spec.Type != corev1.ServiceTypeExternalName {
		spec.Ports = []corev1.ServicePort{{Port: 80}}
	}
	svc, err := c.client.CoreV1().Services("default").Create(context.Background(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return svc
}

// TestBalancerGetsAHealthPort: and gives it back when nobody has to ask the nodes any more.
func TestBalancerGetsAHealthPort(t *testing.T) {
	c := newCluster(t)
	local := corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, ExternalTrafficPolicy: corev1.ServiceExternalTrafficPolicyLocal, HealthCheckNodePort: 31000}
	svc := newService(t, c, "lb", local)
	if svc.Spec.HealthCheckNodePort != 31000 || svc.Spec.Ports[0].NodePort == 0 {
		t.Errorf("asked for 31000: %+v", svc.Spec)
	}
	local.HealthCheckNodePort = 0
	if other := newService(t, c, "other", local); other.Spec.HealthCheckNodePort == 0 {
		t.Errorf("none was made up: %+v", other.Spec)
	}
	svc.Spec.ExternalTrafficPolicy = corev1.ServiceExternalTrafficPolicyCluster
	svc, err := c.client.CoreV1().Services("default").Update(context.Background(), svc, metav1.UpdateOptions{})
	if err != nil || svc.Spec.HealthCheckNodePort != 0 {
		t.Fatalf("to Cluster: %v %+v", err, svc.Spec)
	}
	local.HealthCheckNodePort = 31000
	newService(t, c, "third", local) // 31000 is free again
}

func TestBalancerWithoutNodePorts(t *testing.T) {
	c := newCluster(t)
	svc := newService(t, c, "lb", corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, AllocateLoadBalancerNodePorts: ptr.To(false)})
	if svc.Spec.Ports[0].NodePort != 0 || svc.Spec.ClusterIP == "" {
		t.Errorf("got %+v", svc.Spec)
	}
	svc.Spec.Ports[0].NodePort = 31001
	if _, err := c.client.CoreV1().Services("default").Update(context.Background(), svc, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	_, err := c.client.CoreV1().Services("default").Create(context.Background(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "thief"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80, NodePort: 31001}}},
	}, metav1.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), "provided port is already allocated") {
		t.Errorf("the same port again: %v", err)
	}
}

// TestFamilies: one family but where there is no address to give.
func TestFamilies(t *testing.T) {
	c := newCluster(t)
	two := newService(t, c, "bare", corev1.ServiceSpec{ClusterIP: "None"})
	if len(two.Spec.IPFamilies) != 2 || *two.Spec.IPFamilyPolicy != corev1.IPFamilyPolicyRequireDualStack {
		t.Errorf("headless, no selector: %+v", two.Spec)
	}
	one := newService(t, c, "headless", corev1.ServiceSpec{ClusterIP: "None", Selector: map[string]string{"app": "web"}})
	if len(one.Spec.IPFamilies) != 1 || *one.Spec.IPFamilyPolicy != corev1.IPFamilyPolicySingleStack {
		t.Errorf("headless: %+v", one.Spec)
	}
	name := newService(t, c, "name", corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "example.com"})
	if name.Spec.ClusterIP != "" || name.Spec.IPFamilies != nil {
		t.Errorf("external name: %+v", name.Spec)
	}
	_, err := c.client.CoreV1().Services("default").Create(context.Background(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "dual"},
		Spec:       corev1.ServiceSpec{IPFamilyPolicy: ptr.To(corev1.IPFamilyPolicyRequireDualStack), Ports: []corev1.ServicePort{{Port: 80}}},
	}, metav1.CreateOptions{})
	want := `Service "dual" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
