package endpointslice_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/endpointslice"
)

var ctx = context.Background()

func service(mends ...func(*corev1.Service)) *corev1.Service {
	svc := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web-uid", Labels: map[string]string{"team": "a"}},
		Spec: corev1.ServiceSpec{
			ClusterIP: "10.96.0.7", IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol}, Selector: map[string]string{"app": "web"},
			Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("serve")}},
		},
	}
	for _, mend := range mends {
		mend(svc)
	}
	return svc
}

// pod serves on a port and is ready, unless mended.
func pod(n int, port int32, mends ...func(*corev1.Pod)) *corev1.Pod {
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("web-%d", n), Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{
			NodeName:   "node-1",
			Containers: []corev1.Container{{Name: "web", Ports: []corev1.ContainerPort{{Name: "serve", ContainerPort: port}}}},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.244.%d.%d", n/200, n%200+2),
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
		},
	}
	for _, mend := range mends {
		mend(p)
	}
	return p
}

func unready(p *corev1.Pod) { p.Status.Conditions[0].Status = corev1.ConditionFalse }

func start(t *testing.T, objects ...runtime.Object) *controllertest.Cluster {
	t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{corev1.LabelTopologyZone: "z"}}}
	c := controllertest.New(t, append(objects, node)...)
	esc, err := endpointslice.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	c.Start(esc)
	c.Settle()
	return c
}

func list(t *testing.T, c *controllertest.Cluster) []discoveryv1.EndpointSlice {
	t.Helper()
	got, err := c.Client.DiscoveryV1().EndpointSlices("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return got.Items
}

// endpoints are "port pod address conditions" of all slices, sorted; conditions are letters: ready, serving, terminating.
func endpoints(t *testing.T, c *controllertest.Cluster) []string {
	t.Helper()
	var texts []string
	for _, slice := range list(t, c) {
		for _, e := range slice.Endpoints {
			letters := ""
			for _, l := range []struct {
				letter string
				set    *bool
			}{{"r", e.Conditions.Ready}, {"s", e.Conditions.Serving}, {"t", e.Conditions.Terminating}} {
				if *l.set {
					letters += l.letter
				}
			}
			texts = append(texts, fmt.Sprintf("%d %s %s %s", *slice.Ports[0].Port, e.TargetRef.Name, e.Addresses[0], letters))
		}
	}
	slices.Sort(texts)
	return texts
}

func want(t *testing.T, c *controllertest.Cluster, texts ...string) {
	t.Helper()
	c.Settle()
	if diff := cmp.Diff(texts, endpoints(t, c)); diff != "" {
		t.Errorf("endpoints (-want +got):\n%s", diff)
	}
}

func TestFollowsPods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		other := pod(9, 8080, func(p *corev1.Pod) { p.Labels["app"] = "db" })
		ended := pod(8, 8080, func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded })
		addressless := pod(7, 8080, func(p *corev1.Pod) { p.Status.PodIP = "" })
		c := start(t, service(), pod(1, 8080), pod(2, 8080, unready), other, ended, addressless)
		want(t, c, "8080 web-1 10.244.0.3 rs", "8080 web-2 10.244.0.4 ")
		slice := list(t, c)[0]
		wantLabels := map[string]string{
			"team": "a", "kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
		}
		if diff := cmp.Diff(wantLabels, slice.Labels); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
		if !strings.HasPrefix(slice.Name, "web-") || !metav1.IsControlledBy(&slice, service()) {
			t.Errorf("slice is %+v", slice.ObjectMeta)
		}
		if e := slice.Endpoints[0]; *e.NodeName != "node-1" || *e.Zone != "z" {
			t.Errorf("endpoint is %+v", e)
		}

		two, err := c.Client.CoreV1().Pods("default").Get(ctx, "web-2", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		two.Status.Conditions[0].Status = corev1.ConditionTrue
		if _, err := c.Client.CoreV1().Pods("default").UpdateStatus(ctx, two, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, c, "8080 web-1 10.244.0.3 rs", "8080 web-2 10.244.0.4 rs")

		if err := c.Client.CoreV1().Pods("default").Delete(ctx, "web-1", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		want(t, c, "8080 web-1 10.244.0.3 st", "8080 web-2 10.244.0.4 rs")
		now := int64(0)
		for _, name := range []string{"web-1", "web-2"} {
			if err := c.Client.CoreV1().Pods("default").Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
				t.Fatal(err)
			}
		}
		want(t, c)
		if got := list(t, c); len(got) != 1 {
			t.Errorf("%d slices for a Service without pods, want one that is empty", len(got))
		}
	})
}

// TestNamedPorts: the name means another number in some pods, so those have a slice of their own.
func TestNamedPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, service(), pod(1, 8080), pod(2, 9090))
		want(t, c, "8080 web-1 10.244.0.3 rs", "9090 web-2 10.244.0.4 rs")
		if got := list(t, c); len(got) != 2 {
			t.Errorf("%d slices, want 2", len(got))
		}
	})
}

func TestKindsOfServices(t *testing.T) {
	for _, test := range []struct {
		name    string
		service *corev1.Service
		slices  int
	}{
		{"headless", service(func(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone }), 1},
		{"without selector", service(func(s *corev1.Service) { s.Spec.Selector = nil }), 0},
		{"external name", service(func(s *corev1.Service) { s.Spec.Type = corev1.ServiceTypeExternalName }), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, test.service, pod(1, 8080))
				got := list(t, c)
				if len(got) != test.slices {
					t.Fatalf("%d slices, want %d", len(got), test.slices)
				}
				if _, headless := test.service.Spec.Selector["app"]; test.slices > 0 && headless {
					if _, ok := got[0].Labels[corev1.IsHeadlessService]; !ok {
						t.Errorf("labels %v lack the one for headless Services", got[0].Labels)
					}
				}
			})
		})
	}
}

// TestManyPodsInLossyWatches: 250 pods fill three slices, each pod once, also when watches lose and repeat events.
func TestManyPodsInLossyWatches(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		c := start(t, service())
		c.Lossy(seed)
		var texts []string
		for n := range 250 {
			if _, err := c.Client.CoreV1().Pods("default").Create(ctx, pod(n, 8080), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, fmt.Sprintf("8080 web-%d 10.244.%d.%d rs", n, n/200, n%200+2))
			if n%20 == 0 {
				c.Advance(time.Second)
			}
		}
		c.Reliable()
		c.Advance(10 * time.Minute)
		slices.Sort(texts)
		want(t, c, texts...)
		for _, slice := range list(t, c) {
			if len(slice.Endpoints) > 100 || len(slice.Endpoints) == 0 {
				t.Errorf("%d endpoints in slice %s, want 1 to 100", len(slice.Endpoints), slice.Name)
			}
		}
	})
}
