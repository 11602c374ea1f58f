package replicaset_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/replicaset"
)

var ctx = context.Background()

func newSet(replicas int32) *appsv1.ReplicaSet {
	labels := map[string]string{"app": "web"}
	return &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web-uid"},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "drydock/web:1"}}},
			},
		},
	}
}

func start(t *testing.T, objects ...runtime.Object) (*controllertest.Cluster, *controllertest.Kubelet) {
	t.Helper()
	c := controllertest.New(t, objects...)
	rsc, err := replicaset.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	k := c.NewKubelet()
	c.Start(rsc, k)
	c.Settle()
	return c, k
}

func pods(t *testing.T, c *controllertest.Cluster) []corev1.Pod {
	t.Helper()
	list, err := c.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

func scale(t *testing.T, c *controllertest.Cluster, replicas int32) {
	t.Helper()
	rs := get(t, c)
	rs.Spec.Replicas = &replicas
	if _, err := c.Client.AppsV1().ReplicaSets("default").Update(ctx, rs, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.Settle()
}

func get(t *testing.T, c *controllertest.Cluster) *appsv1.ReplicaSet {
	t.Helper()
	rs, err := c.Client.AppsV1().ReplicaSets("default").Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

// events are the Events so far, without their counts, sorted, each once.
func events(t *testing.T, c *controllertest.Cluster) []string {
	t.Helper()
	list, err := c.Client.CoreV1().Events("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, e := range list.Items {
		texts = append(texts, fmt.Sprintf("%s %s %s: %s", e.Type, e.InvolvedObject.Kind, e.Reason, e.Message))
	}
	slices.Sort(texts)
	return texts
}

func TestCreatesHealsAndScales(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := start(t, newSet(3))
		got := pods(t, c)
		if len(got) != 3 {
			t.Fatalf("%d pods, want 3", len(got))
		}
		ref := metav1.GetControllerOf(&got[0])
		if ref == nil || ref.UID != "web-uid" || ref.Kind != "ReplicaSet" || got[0].GenerateName != "web-" || got[0].Labels["app"] != "web" {
			t.Errorf("pod is %+v", got[0].ObjectMeta)
		}
		ending := int32(0)
		want := appsv1.ReplicaSetStatus{
			Replicas: 3, FullyLabeledReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3, TerminatingReplicas: &ending, ObservedGeneration: 1,
		}
		if diff := cmp.Diff(want, get(t, c).Status); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		if err := c.Client.CoreV1().Pods("default").Delete(ctx, got[0].Name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		healed := pods(t, c)
		if len(healed) != 3 || slices.ContainsFunc(healed, func(p corev1.Pod) bool { return p.UID == got[0].UID }) {
			t.Errorf("after a pod was deleted there are %d pods, or the old one is still there", len(healed))
		}
		scale(t, c, 1)
		left := pods(t, c)
		if len(left) != 1 {
			t.Fatalf("%d pods, want 1", len(left))
		}
		for _, want := range []string{
			"Normal ReplicaSet SuccessfulCreate: Created pod: " + left[0].Name,
			"Normal ReplicaSet SuccessfulDelete: Deleted pod: ",
		} {
			if !slices.ContainsFunc(events(t, c), func(e string) bool { return len(e) >= len(want) && e[:len(want)] == want }) {
				t.Errorf("no event %q in\n%q", want, events(t, c))
			}
		}
		records, _ := c.Decisions.Since(0)
		if r := records[0]; r.Actor != "replicaset-controller" || r.Action != "Create" || r.Object.Resource != "pods" || r.Cause.String() != "replicasets/default/web" {
			t.Errorf("first decision is %+v", r)
		}
	})
}

func TestAdoptsAndReleases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		orphan := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "orphan", Labels: map[string]string{"app": "web"}}}
		stranger := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "stranger", Labels: map[string]string{"app": "db"}}}
		c, _ := start(t, newSet(2), orphan, stranger)
		if got := pods(t, c); len(got) != 3 {
			t.Fatalf("%d pods, want the orphan, the stranger and a new one", len(got))
		}
		adopted, err := c.Client.CoreV1().Pods("default").Get(ctx, "orphan", metav1.GetOptions{})
		if err != nil || !metav1.IsControlledBy(adopted, get(t, c)) {
			t.Fatalf("orphan: %v, %v", adopted, err)
		}
		patch := []byte(`{"metadata":{"labels":{"app":"debug"}}}`)
		if _, err := c.Client.CoreV1().Pods("default").Patch(ctx, "orphan", "application/strategic-merge-patch+json", patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		released, err := c.Client.CoreV1().Pods("default").Get(ctx, "orphan", metav1.GetOptions{})
		if err != nil || len(released.OwnerReferences) != 0 {
			t.Errorf("a pod that no longer matches has the owners %v, %v", released.OwnerReferences, err)
		}
		if got := pods(t, c); len(got) != 4 {
			t.Errorf("%d pods, want one more in place of the released one", len(got))
		}
	})
}

// TestQuota: when creation is refused, the slow start asks once, the status says why, and all is well once it is allowed.
func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := controllertest.New(t, newSet(50))
		var allowed atomic.Bool
		var asked atomic.Int32
		c.Client.PrependReactor("create", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
			asked.Add(1)
			return !allowed.Load(), nil, errors.New("exceeded quota")
		})
		rsc, err := replicaset.New(c.Config())
		if err != nil {
			t.Fatal(err)
		}
		c.Start(rsc)
		c.Settle()
		if asked := asked.Load(); asked > 2 { // once, and once more because the change of the status wakes the controller
			t.Errorf("asked %d times at first, want at most twice", asked)
		}
		conditions := get(t, c).Status.Conditions
		if len(conditions) != 1 || conditions[0].Type != appsv1.ReplicaSetReplicaFailure || conditions[0].Reason != "FailedCreate" || conditions[0].Message != "exceeded quota" {
			t.Errorf("conditions %+v", conditions)
		}
		allowed.Store(true)
		c.Advance(5 * time.Second)
		if got := get(t, c); len(pods(t, c)) != 50 || len(got.Status.Conditions) != 0 {
			t.Errorf("%d pods, conditions %+v; want 50, none", len(pods(t, c)), got.Status.Conditions)
		}
		if got := events(t, c); !slices.Contains(got, "Warning ReplicaSet FailedCreate: Error creating: exceeded quota") {
			t.Errorf("events %q", got)
		}
	})
}

func TestMinReadySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rs := newSet(1)
		rs.Spec.MinReadySeconds = 10
		c, _ := start(t, rs)
		if got := get(t, c).Status; got.ReadyReplicas != 1 || got.AvailableReplicas != 0 {
			t.Errorf("at first: %+v", got)
		}
		c.Advance(11 * time.Second)
		if got := get(t, c).Status; got.AvailableReplicas != 1 {
			t.Errorf("after 11 s: %+v", got)
		}
	})
}

// TestConverges scales at random while watches lose and repeat events.
func TestConverges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		c, _ := start(t, newSet(0))
		c.Lossy(seed)
		for i := range 30 {
			scale(t, c, int32(i*7%13))
			if victims := pods(t, c); len(victims) > 0 && i%3 == 0 {
				_ = c.Client.CoreV1().Pods("default").Delete(ctx, victims[0].Name, metav1.DeleteOptions{})
			}
			c.Advance(time.Second)
		}
		c.Reliable()
		scale(t, c, 5)
		c.Advance(10 * time.Minute) // longer than any expectation
		c.Settle()
		if got := pods(t, c); len(got) != 5 || get(t, c).Status.AvailableReplicas != 5 {
			t.Errorf("%d pods, status %+v; want 5", len(got), get(t, c).Status)
		}
	})
}
