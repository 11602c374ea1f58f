package quota_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"drydock/engine/quota"
)

var (
	pods     = schema.GroupResource{Resource: "pods"}
	services = schema.GroupResource{Resource: "services"}
	claims   = schema.GroupResource{Resource: "persistentvolumeclaims"}
	noon     = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
)

func list(pairs ...string) corev1.ResourceList {
	l := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		l[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return l
}

func pod(requests, limits corev1.ResourceList) *corev1.Pod {
	return &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{
		{Name: "web", Resources: corev1.ResourceRequirements{Requests: requests, Limits: limits}},
	}}}
}

func texts(l corev1.ResourceList) map[string]string {
	out := map[string]string{}
	for name, value := range l {
		out[string(name)] = value.String()
	}
	return out
}

func TestUsage(t *testing.T) {
	ended := pod(list("cpu", "1"), nil)
	ended.Status.Phase = corev1.PodSucceeded
	overdue := pod(list("cpu", "1"), nil)
	overdue.DeletionTimestamp, overdue.DeletionGracePeriodSeconds = &metav1.Time{Time: noon.Add(-time.Minute)}, ptr.To[int64](30)
	balanced := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: make([]corev1.ServicePort, 2)}}
	claim := &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: ptr.To("gold"), Resources: corev1.VolumeResourceRequirements{Requests: list("storage", "1Gi")},
	}}
	for _, test := range []struct {
		name string
		kind schema.GroupResource
		obj  runtime.Object
		want map[string]string
	}{
		{"pod", pods, pod(list("cpu", "100m", "memory", "1Mi", "example.com/gpu", "2"), list("cpu", "1")), map[string]string{
			"count/pods": "1", "pods": "1", "cpu": "100m", "requests.cpu": "100m", "limits.cpu": "1", "memory": "1Mi", "requests.memory": "1Mi",
			"requests.example.com/gpu": "2",
		}},
		{"ended pod", pods, ended, map[string]string{"count/pods": "1"}},
		{"overdue pod", pods, overdue, map[string]string{"count/pods": "1"}},
		{"service", services, balanced, map[string]string{
			"count/services": "1", "services": "1", "services.loadbalancers": "1", "services.nodeports": "2",
		}},
		{"claim", claims, claim, map[string]string{
			"count/persistentvolumeclaims": "1", "persistentvolumeclaims": "1", "requests.storage": "1Gi",
			"gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1", "gold.storageclass.storage.k8s.io/requests.storage": "1Gi",
		}},
		{"configmap", schema.GroupResource{Resource: "configmaps"}, &corev1.ConfigMap{}, map[string]string{"count/configmaps": "1", "configmaps": "1"}},
		{"any", schema.GroupResource{Group: "apps", Resource: "deployments"}, nil, map[string]string{"count/deployments.apps": "1"}},
	} {
		if diff := cmp.Diff(test.want, texts(quota.Usage(test.kind, test.obj, noon))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestMatches(t *testing.T) {
	scoped := func(scope corev1.ResourceQuotaScope) *corev1.ResourceQuota {
		return &corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Scopes: []corev1.ResourceQuotaScope{scope}}}
	}
	high := &corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{ScopeSelector: &corev1.ScopeSelector{
		MatchExpressions: []corev1.ScopedResourceSelectorRequirement{
			{ScopeName: corev1.ResourceQuotaScopePriorityClass, Operator: corev1.ScopeSelectorOpIn, Values: []string{"high"}},
		},
	}}}
	idle, busy, urgent, timed := pod(nil, nil), pod(list("cpu", "1"), nil), pod(nil, nil), pod(nil, nil)
	urgent.Spec.PriorityClassName = "high"
	timed.Spec.ActiveDeadlineSeconds = ptr.To[int64](5)
	for _, test := range []struct {
		name string
		q    *corev1.ResourceQuota
		hard corev1.ResourceList
		pod  *corev1.Pod
		want bool
	}{
		{"no scope", &corev1.ResourceQuota{}, list("pods", "1"), idle, true},
		{"other names", &corev1.ResourceQuota{}, list("services", "1"), idle, false},
		{"best effort", scoped(corev1.ResourceQuotaScopeBestEffort), list("pods", "1"), idle, true},
		{"not best effort", scoped(corev1.ResourceQuotaScopeBestEffort), list("pods", "1"), busy, false},
		{"deadline", scoped(corev1.ResourceQuotaScopeTerminating), list("pods", "1"), timed, true},
		{"no deadline", scoped(corev1.ResourceQuotaScopeTerminating), list("pods", "1"), idle, false},
		{"priority", high, list("pods", "1"), urgent, true},
		{"no priority", high, list("pods", "1"), idle, false},
	} {
		if got := quota.Matches(test.q, test.hard, pods, test.pod); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestUnsaid(t *testing.T) {
	limited := []corev1.ResourceName{"requests.memory", "limits.cpu", "pods"}
	err := quota.Unsaid(pod(list("memory", "1Mi"), nil), limited)
	if err == nil || err.Error() != "must specify limits.cpu for: web" {
		t.Errorf("got %v", err)
	}
	if err := quota.Unsaid(pod(list("memory", "1Mi"), list("cpu", "1")), limited); err != nil {
		t.Error(err)
	}
}

func TestKindOf(t *testing.T) {
	for name, want := range map[corev1.ResourceName]schema.GroupResource{
		"count/deployments.apps": {Group: "apps", Resource: "deployments"}, "count/pods": pods, "requests.cpu": pods, "pods": pods,
		"services.nodeports": services, "services": services, "requests.storage": claims, "secrets": {Resource: "secrets"},
		"gold.storageclass.storage.k8s.io/requests.storage": claims, "requests.example.com/gpu": pods,
	} {
		if got, ok := quota.KindOf(name); !ok || got != want {
			t.Errorf("%s: %v %v", name, got, ok)
		}
	}
	if got, ok := quota.KindOf("unicorns"); ok {
		t.Errorf("unicorns: %v", got)
	}
}
