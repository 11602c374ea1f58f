package resourcequota_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/resourcequota"
)

var ctx = context.Background()

func newQuota() *corev1.ResourceQuota {
	return &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "small"},
		Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{
			"pods": resource.MustParse("4"), "requests.cpu": resource.MustParse("1"), "count/configmaps": resource.MustParse("3"),
			"services.nodeports": resource.MustParse("2"),
		}},
	}
}

func pod(name, cpu string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "c", Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{"cpu": resource.MustParse(cpu)}},
		}}},
	}
}

type lab struct {
	*controllertest.Cluster
	t *testing.T
}

func start(t *testing.T) *lab {
	t.Helper()
	c := controllertest.New(t, newQuota(), pod("a", "100m"), pod("b", "300m"))
	qc, err := resourcequota.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	c.Start(qc)
	c.Settle()
	return &lab{c, t}
}

func (l *lab) wantUsed(pods, cpu, configMaps, nodePorts string) {
	l.t.Helper()
	q, err := l.Client.CoreV1().ResourceQuotas("default").Get(ctx, "small", metav1.GetOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	got := map[string]string{}
	for name, value := range q.Status.Used {
		got[string(name)] = value.String()
	}
	want := map[string]string{"pods": pods, "requests.cpu": cpu, "count/configmaps": configMaps, "services.nodeports": nodePorts}
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("used (-want +got):\n%s", diff)
	}
	if len(q.Status.Hard) != len(q.Spec.Hard) {
		l.t.Errorf("status.hard %v", q.Status.Hard)
	}
}

func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t)
		l.wantUsed("2", "400m", "0", "0")
		_, err := l.Client.CoreV1().ConfigMaps("default").Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "m"}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.Client.CoreV1().Services("default").Create(ctx, &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "s"},
			Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}},
		}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		l.Advance(time.Second) // the second count may meet the first one's write, and is tried again
		l.wantUsed("2", "400m", "1", "1")
		// A pod that has run to its end uses nothing.
		p, err := l.Client.CoreV1().Pods("default").Get(ctx, "b", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p.Status.Phase = corev1.PodSucceeded
		if _, err := l.Client.CoreV1().Pods("default").UpdateStatus(ctx, p, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		l.wantUsed("1", "100m", "1", "1")
	})
}

func TestConverges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		l := start(t)
		l.Lossy(seed)
		now := int64(0)
		for i := range 20 {
			name := fmt.Sprintf("p%d", i%5)
			if i%2 == 0 {
				_, _ = l.Client.CoreV1().Pods("default").Create(ctx, pod(name, "10m"), metav1.CreateOptions{})
			} else {
				_ = l.Client.CoreV1().Pods("default").Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now})
			}
			l.Advance(time.Second)
		}
		l.Reliable()
		l.Advance(time.Hour)
		pods, err := l.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		cpu := 400 + 10*(len(pods.Items)-2)
		l.wantUsed(fmt.Sprint(len(pods.Items)), fmt.Sprintf("%dm", cpu), "0", "0")
	})
}

// TestWhatAdmissionChargedStays: a charge is written before its object exists, and must not be given back meanwhile.
func TestWhatAdmissionChargedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t)
		quotas := l.Client.CoreV1().ResourceQuotas("default")
		q, err := quotas.Get(ctx, "small", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		q.Status.Used["pods"], q.Status.Used["requests.cpu"] = resource.MustParse("4"), resource.MustParse("420m")
		if _, err := quotas.UpdateStatus(ctx, q, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		l.wantUsed("4", "420m", "0", "0")
		// The first of the two that were charged appears: the charge for the second stays.
		if _, err := l.Client.CoreV1().Pods("default").Create(ctx, pod("c", "10m"), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		l.wantUsed("4", "420m", "0", "0")
		// The second never comes.
		l.Advance(2 * time.Minute)
		l.wantUsed("3", "410m", "0", "0")
	})
}
