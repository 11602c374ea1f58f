package apiserver_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	nodev1 "k8s.io/api/node/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
)

var (
	ctx    = context.Background()
	create = metav1.CreateOptions{}
)

func amounts(pairs ...string) corev1.ResourceList {
	list := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		list[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return list
}

// refused holds that err is upstream's words.
func refused(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !apierrors.IsForbidden(err) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func tryPod(c *cluster, pod *corev1.Pod) (*corev1.Pod, error) {
	return c.client.CoreV1().Pods("default").Create(ctx, pod, create)
}

func TestPriority(t *testing.T) {
	c := newCluster(t)
	classes := c.client.SchedulingV1().PriorityClasses()
	system, err := classes.Get(ctx, "system-node-critical", metav1.GetOptions{})
	if err != nil || system.Value != 2000001000 {
		t.Fatalf("system-node-critical: %v %v", system, err)
	}
	if pod := mustCreatePod(t, c, webPod("plain")); *pod.Spec.Priority != 0 || *pod.Spec.PreemptionPolicy != corev1.PreemptLowerPriority {
		t.Errorf("no class: %+v", pod.Spec)
	}
	class := func(name string, value int32, isDefault bool) *schedulingv1.PriorityClass {
		return &schedulingv1.PriorityClass{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value, GlobalDefault: isDefault, PreemptionPolicy: ptr.To(corev1.PreemptNever),
		}
	}
	if _, err := classes.Create(ctx, class("usual", 7, true), create); err != nil {
		t.Fatal(err)
	}
	_, err = classes.Create(ctx, class("other", 8, true), create)
	refused(t, err, `priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist`)
	pod := mustCreatePod(t, c, webPod("by-default"))
	if pod.Spec.PriorityClassName != "usual" || *pod.Spec.Priority != 7 || *pod.Spec.PreemptionPolicy != corev1.PreemptNever {
		t.Errorf("default class: %+v", pod.Spec)
	}
	lost := webPod("lost")
	lost.Spec.PriorityClassName = "nowhere"
	_, err = tryPod(c, lost)
	refused(t, err, `pods "lost" is forbidden: no PriorityClass with name nowhere was found`)
	proud := webPod("proud")
	proud.Spec.Priority = ptr.To[int32](9)
	_, err = tryPod(c, proud)
	refused(t, err, `pods "proud" is forbidden: the integer value of priority (9) must not be provided in pod spec; priority admission controller computed 7 from the given PriorityClass name`)
}

func TestLimitRange(t *testing.T) {
	c := newCluster(t)
	limits := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "l"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{
		{
			Type: corev1.LimitTypeContainer, Default: amounts("cpu", "200m", "memory", "64Mi"), DefaultRequest: amounts("cpu", "100m"),
			Max: amounts("memory", "128Mi"), Min: amounts("cpu", "50m"), MaxLimitRequestRatio: amounts("cpu", "4"),
		},
		{Type: corev1.LimitTypePod, Max: amounts("cpu", "500m")},
	}}}
	if _, err := c.client.CoreV1().LimitRanges("default").Create(ctx, limits, create); err != nil {
		t.Fatal(err)
	}
	pod := mustCreatePod(t, c, webPod("plain"))
	got := pod.Spec.Containers[0].Resources
	if got.Requests.Cpu().String() != "100m" || got.Limits.Cpu().String() != "200m" || got.Limits.Memory().String() != "64Mi" {
		t.Errorf("defaults: %+v", got)
	}
	want := "LimitRanger plugin set: cpu, memory request for container web; cpu, memory limit for container web"
	if diff := cmp.Diff(want, pod.Annotations["kubernetes.io/limit-ranger"]); diff != "" {
		t.Errorf("note (-want +got):\n%s", diff)
	}
	sized := func(name string, requests, limits corev1.ResourceList) *corev1.Pod {
		pod := webPod(name)
		pod.Spec.Containers[0].Resources = corev1.ResourceRequirements{Requests: requests, Limits: limits}
		return pod
	}
	for _, test := range []struct {
		pod  *corev1.Pod
		want string
	}{
		{sized("big", nil, amounts("memory", "1Gi")), "maximum memory usage per Container is 128Mi, but limit is 1Gi"},
		{sized("small", amounts("cpu", "10m"), nil), "[minimum cpu usage per Container is 50m, but request is 10m, cpu max limit to request ratio per Container is 4, but provided ratio is 20.000000]"},
		{sized("podful", amounts("cpu", "300m"), amounts("cpu", "600m")), "maximum cpu usage per Pod is 500m, but limit is 600m"},
	} {
		_, err := tryPod(c, test.pod)
		refused(t, err, `pods "`+test.pod.Name+`" is forbidden: `+test.want)
	}
}

// hardQuota makes a quota whose status is as the controller would have written it in an empty namespace.
func hardQuota(t *testing.T, c *cluster, name string, hard corev1.ResourceList, scopes ...corev1.ResourceQuotaScope) {
	t.Helper()
	quotas := c.client.CoreV1().ResourceQuotas("default")
	q, err := quotas.Create(ctx, &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.ResourceQuotaSpec{Hard: hard, Scopes: scopes},
	}, create)
	if err != nil {
		t.Fatal(err)
	}
	q.Status = corev1.ResourceQuotaStatus{Hard: hard, Used: corev1.ResourceList{}}
	for name := range hard {
		q.Status.Used[name] = resource.MustParse("0")
	}
	if _, err := quotas.UpdateStatus(ctx, q, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func used(t *testing.T, c *cluster, name string) map[string]string {
	t.Helper()
	q, err := c.client.CoreV1().ResourceQuotas("default").Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for name, value := range q.Status.Used {
		texts[string(name)] = value.String()
	}
	return texts
}

func TestQuota(t *testing.T) {
	c := newCluster(t)
	hardQuota(t, c, "q", amounts("pods", "2", "requests.cpu", "300m", "count/configmaps", "1"))
	sized := func(name, cpu string) *corev1.Pod {
		pod := webPod(name)
		pod.Spec.Containers[0].Resources.Requests = amounts("cpu", cpu)
		return pod
	}
	_, err := tryPod(c, webPod("silent"))
	refused(t, err, `pods "silent" is forbidden: failed quota: q: must specify requests.cpu for: web`)
	if _, err := c.client.CoreV1().Pods("default").Create(ctx, sized("dry", "100m"), metav1.CreateOptions{DryRun: []string{"All"}}); err != nil {
		t.Errorf("dry run: %v", err)
	}
	mustCreatePod(t, c, sized("one", "200m"))
	_, err = tryPod(c, sized("two", "200m"))
	refused(t, err, `pods "two" is forbidden: exceeded quota: q, requested: requests.cpu=200m, used: requests.cpu=200m, limited: requests.cpu=300m`)
	mustCreatePod(t, c, sized("two", "50m"))
	_, err = tryPod(c, sized("three", "10m"))
	refused(t, err, `pods "three" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2`)
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{GenerateName: "c-"}}
	if _, err := c.client.CoreV1().ConfigMaps("default").Create(ctx, config, create); err != nil {
		t.Error(err)
	}
	_, err = c.client.CoreV1().ConfigMaps("default").Create(ctx, config, create)
	if err == nil || !strings.Contains(err.Error(), "is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1") {
		t.Errorf("configmap: %v", err)
	}
	if diff := cmp.Diff(map[string]string{"pods": "2", "requests.cpu": "250m", "count/configmaps": "1"}, used(t, c, "q")); diff != "" {
		t.Errorf("used (-want +got):\n%s", diff)
	}
}

func TestQuotaOfServicesFollowsUpdates(t *testing.T) {
	c := newCluster(t)
	hardQuota(t, c, "q", amounts("services", "2", "services.nodeports", "1"))
	services := c.client.CoreV1().Services("default")
	svc, err := services.Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "a", Port: 80}, {Name: "b", Port: 81}}},
	}, create)
	if err != nil {
		t.Fatal(err)
	}
	svc.Spec.Type = corev1.ServiceTypeNodePort
	_, err = services.Update(ctx, svc, metav1.UpdateOptions{})
	refused(t, err, `services "web" is forbidden: exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1`)
}

// TestQuotaIsNotOverrun: of many writes at once no more get in than the quota has room for.
func TestQuotaIsNotOverrun(t *testing.T) {
	c := newCluster(t)
	hardQuota(t, c, "q", amounts("pods", "5"))
	results := make(chan error)
	for i := range 20 {
		go func() {
			_, err := tryPod(c, webPod("p-"+string(rune('a'+i))))
			results <- err
		}()
	}
	in := 0
	for range 20 {
		if err := <-results; err == nil {
			in++
		} else if !strings.Contains(err.Error(), "exceeded quota") {
			t.Error(err)
		}
	}
	if in != 5 || used(t, c, "q")["pods"] != "5" {
		t.Errorf("%d pods got in, used: %v", in, used(t, c, "q"))
	}
}

func TestRuntimeClass(t *testing.T) {
	c := newCluster(t)
	heavy := &nodev1.RuntimeClass{
		ObjectMeta: metav1.ObjectMeta{Name: "heavy"}, Handler: "heavy", Overhead: &nodev1.Overhead{PodFixed: amounts("cpu", "10m")},
		Scheduling: &nodev1.Scheduling{NodeSelector: map[string]string{"kind": "strong"}, Tolerations: []corev1.Toleration{{Key: "strong", Operator: corev1.TolerationOpExists}}},
	}
	if _, err := c.client.NodeV1().RuntimeClasses().Create(ctx, heavy, create); err != nil {
		t.Fatal(err)
	}
	pod := webPod("web")
	pod.Spec.RuntimeClassName = ptr.To("heavy")
	got := mustCreatePod(t, c, pod)
	if got.Spec.Overhead.Cpu().String() != "10m" || got.Spec.NodeSelector["kind"] != "strong" || len(got.Spec.Tolerations) != 3 {
		t.Errorf("got %+v", got.Spec)
	}
	pod.Name, pod.Spec.RuntimeClassName = "lost", ptr.To("nowhere")
	_, err := tryPod(c, pod)
	refused(t, err, `pods "lost" is forbidden: pod rejected: RuntimeClass "nowhere" not found`)
	pod = webPod("sly")
	pod.Spec.Overhead = amounts("cpu", "1")
	_, err = tryPod(c, pod)
	refused(t, err, `pods "sly" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead`)
}

func runningPod(t *testing.T, c *cluster, name string, ready corev1.ConditionStatus) {
	t.Helper()
	pod := mustCreatePod(t, c, webPod(name))
	pod.Labels = map[string]string{"app": "web"}
	pod, err := c.client.CoreV1().Pods("default").Update(ctx, pod, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: ready}}
	if _, err := c.client.CoreV1().Pods("default").UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestEvictionAsksTheBudget(t *testing.T) {
	c := newCluster(t)
	for _, name := range []string{"a", "b"} {
		runningPod(t, c, name, corev1.ConditionTrue)
	}
	runningPod(t, c, "sick", corev1.ConditionFalse)
	budgets := c.client.PolicyV1().PodDisruptionBudgets("default")
	pdb, err := budgets.Create(ctx, &policyv1.PodDisruptionBudget{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: policyv1.PodDisruptionBudgetSpec{
			MinAvailable: ptr.To(intstr.FromInt32(1)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
		},
	}, create)
	if err != nil {
		t.Fatal(err)
	}
	evict := func(name string) error {
		// A client tries again for a while when it is told to come back later.
		body := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: name}}
		return c.client.CoreV1().RESTClient().Post().Namespace("default").Resource("pods").Name(name).SubResource("eviction").
			Body(body).MaxRetries(0).Do(ctx).Error()
	}
	cause := func(err error) string {
		if status, ok := err.(apierrors.APIStatus); ok && apierrors.IsTooManyRequests(err) && len(status.Status().Details.Causes) == 1 {
			return err.Error() + " " + status.Status().Details.Causes[0].Message
		}
		return "not refused by the budget: " + http.StatusText(int(apierrors.ReasonForError(err)[0]))
	}
	const violates = "Cannot evict pod as it would violate the pod's disruption budget. "
	if diff := cmp.Diff(violates+"The disruption budget web is still being processed by the server.", cause(evict("a"))); diff != "" {
		t.Errorf("new budget (-want +got):\n%s", diff)
	}
	pdb.Status = policyv1.PodDisruptionBudgetStatus{ObservedGeneration: 1, DisruptionsAllowed: 1, CurrentHealthy: 2, DesiredHealthy: 1, ExpectedPods: 3}
	if _, err := budgets.UpdateStatus(ctx, pdb, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := evict("a"); err != nil {
		t.Errorf("allowed: %v", err)
	}
	pdb, err = budgets.Get(ctx, "web", metav1.GetOptions{})
	if err != nil || pdb.Status.DisruptionsAllowed != 0 || len(pdb.Status.DisruptedPods) != 1 || pdb.Status.Conditions[0].Reason != policyv1.InsufficientPodsReason {
		t.Errorf("spent: %+v %v", pdb.Status, err)
	}
	pdb.Status.CurrentHealthy = 1
	if _, err = budgets.UpdateStatus(ctx, pdb, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(violates+"The disruption budget web needs 1 healthy pods and has 1 currently", cause(evict("b"))); diff != "" {
		t.Errorf("exhausted (-want +got):\n%s", diff)
	}
	if err := evict("sick"); err != nil {
		t.Errorf("a pod that serves nobody: %v", err)
	}
}

func TestNodesWriteAboutThemselves(t *testing.T) {
	c := newCluster(t)
	node, err := c.client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}, create)
	if err != nil || len(node.Spec.Taints) != 1 || node.Spec.Taints[0].ToString() != "node.kubernetes.io/not-ready:NoSchedule" {
		t.Fatalf("new node: %v %v", node, err)
	}
	if _, err := c.client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-2"}}, create); err != nil {
		t.Fatal(err)
	}
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:node:node-1", Groups: []string{"system:nodes", "system:authenticated"}}
	as := clientset(t, config)
	patch := []byte(`{"metadata":{"labels":{"a":"b"}}}`)
	nodes := as.CoreV1().Nodes()
	if _, err := nodes.Patch(ctx, "node-1", "application/merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
		t.Errorf("itself: %v", err)
	}
	_, err = nodes.Patch(ctx, "node-2", "application/merge-patch+json", patch, metav1.PatchOptions{}, "status")
	refused(t, err, `nodes "node-2" is forbidden: node "node-1" is not allowed to modify node "node-2"`)
	_, err = nodes.Patch(ctx, "node-1", "application/merge-patch+json", []byte(`{"spec":{"taints":[]}}`), metav1.PatchOptions{})
	refused(t, err, `nodes "node-1" is forbidden: node "node-1" is not allowed to modify taints`)
	pod := webPod("web")
	pod.Spec.NodeName = "node-2"
	pod = mustCreatePod(t, c, pod)
	_, err = as.CoreV1().Pods("default").UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	refused(t, err, `pods "web" is forbidden: node "node-1" can only update pod status for pods with spec.nodeName set to itself`)
	err = as.CoreV1().Pods("default").Delete(ctx, "web", metav1.DeleteOptions{})
	refused(t, err, `pods "web" is forbidden: node "node-1" can only delete pods with spec.nodeName set to itself`)
	err = as.CoreV1().Pods("default").EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "web"}})
	refused(t, err, `pods "web" is forbidden: node node-1 can only evict pods with spec.nodeName set to itself`)
	account := func(node string) error {
		token := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
			BoundObjectRef: &authenticationv1.BoundObjectReference{Kind: "Pod", APIVersion: "v1", Name: "web", UID: pod.UID},
		}}
		config.Impersonate.UserName = "system:node:" + node
		_, err := clientset(t, config).CoreV1().ServiceAccounts("default").CreateToken(ctx, "default", token, create)
		return err
	}
	refused(t, account("node-1"), `serviceaccounts "default" is forbidden: node requested token bound to a pod scheduled on a different node`)
	if err := account("node-2"); err != nil {
		t.Errorf("a token for its own pod: %v", err)
	}
}

func TestStorageAdmission(t *testing.T) {
	c := newCluster(t)
	classes := c.client.StorageV1().StorageClasses()
	for name, grows := range map[string]bool{"fixed": false, "usual": true} {
		class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: "drydock.local/path", AllowVolumeExpansion: &grows}
		if grows {
			class.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
		}
		if _, err := classes.Create(ctx, class, create); err != nil {
			t.Fatal(err)
		}
	}
	claims := c.client.CoreV1().PersistentVolumeClaims("default")
	bound := func(name string, class *string) *corev1.PersistentVolumeClaim {
		claim, err := claims.Create(ctx, &corev1.PersistentVolumeClaim{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: corev1.PersistentVolumeClaimSpec{
				StorageClassName: class, VolumeName: "v-" + name, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources: corev1.VolumeResourceRequirements{Requests: amounts("storage", "1Gi")},
			},
		}, create)
		if err != nil {
			t.Fatal(err)
		}
		claim.Status.Phase = corev1.ClaimBound
		if claim, err = claims.UpdateStatus(ctx, claim, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		claim.Spec.Resources.Requests = amounts("storage", "2Gi")
		return claim
	}
	claim := bound("a", nil)
	if *claim.Spec.StorageClassName != "usual" || !slices.Equal(claim.Finalizers, []string{"kubernetes.io/pvc-protection"}) {
		t.Errorf("class %v, finalizers %v", *claim.Spec.StorageClassName, claim.Finalizers)
	}
	if _, err := claims.Update(ctx, claim, metav1.UpdateOptions{}); err != nil {
		t.Errorf("grow: %v", err)
	}
	_, err := claims.Update(ctx, bound("b", ptr.To("fixed")), metav1.UpdateOptions{})
	refused(t, err, `persistentvolumeclaims "b" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize`)
	if claim := bound("c", ptr.To("")); *claim.Spec.StorageClassName != "" {
		t.Errorf("a wish for no class became %q", *claim.Spec.StorageClassName)
	}
}

func TestDefaultIngressClass(t *testing.T) {
	c := newCluster(t)
	class := &networkingv1.IngressClass{
		ObjectMeta: metav1.ObjectMeta{Name: "edge", Annotations: map[string]string{"ingressclass.kubernetes.io/is-default-class": "true"}},
		Spec:       networkingv1.IngressClassSpec{Controller: "drydock.local/ingress"},
	}
	if _, err := c.client.NetworkingV1().IngressClasses().Create(ctx, class, create); err != nil {
		t.Fatal(err)
	}
	got, err := c.client.NetworkingV1().Ingresses("default").Create(ctx, &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{
			Service: &networkingv1.IngressServiceBackend{Name: "web", Port: networkingv1.ServiceBackendPort{Number: 80}},
		}},
	}, create)
	if err != nil || ptr.Deref(got.Spec.IngressClassName, "") != "edge" {
		t.Errorf("got %+v (%v)", got, err)
	}
}
