package statefulset_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/statefulset"
)

var ctx = context.Background()

func newSet(replicas int32, mends ...func(*appsv1.StatefulSet)) *appsv1.StatefulSet {
	limit, partition := int32(10), int32(0)
	labels := map[string]string{"app": "db"}
	s := &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "db", UID: "db-uid"},
		Spec: appsv1.StatefulSetSpec{
			Replicas: &replicas, ServiceName: "peers", RevisionHistoryLimit: &limit, PodManagementPolicy: appsv1.OrderedReadyPodManagement,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			UpdateStrategy: appsv1.StatefulSetUpdateStrategy{
				Type:          appsv1.RollingUpdateStatefulSetStrategyType,
				RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: &partition},
			},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "db", Image: "db:1"}}},
			},
		},
	}
	for _, mend := range mends {
		mend(s)
	}
	return s
}

func parallel(s *appsv1.StatefulSet) { s.Spec.PodManagementPolicy = appsv1.ParallelPodManagement }

type lab struct {
	*controllertest.Cluster
	t       *testing.T
	kubelet *controllertest.Kubelet
}

// begin makes a lab in which nothing runs yet.
func begin(t *testing.T, objects ...runtime.Object) *lab {
	t.Helper()
	c := controllertest.New(t, objects...)
	return &lab{c, t, c.NewKubelet()}
}

func (l *lab) run() *lab {
	l.t.Helper()
	sc, err := statefulset.New(l.Config())
	if err != nil {
		l.t.Fatal(err)
	}
	l.Start(sc, l.kubelet)
	l.Settle()
	return l
}

func (l *lab) set() *appsv1.StatefulSet {
	l.t.Helper()
	return controllertest.Get(l.t, l.Client.AppsV1().StatefulSets("default"), "db")
}

func (l *lab) edit(change func(*appsv1.StatefulSet)) {
	l.t.Helper()
	controllertest.Edit(l.t, l.Client.AppsV1().StatefulSets("default"), "db", change)
	l.Settle()
}

func (l *lab) pods() []corev1.Pod {
	l.t.Helper()
	list, err := l.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return list.Items
}

// wantPods are "name image", sorted.
func (l *lab) wantPods(want ...string) {
	l.t.Helper()
	var got []string
	for _, pod := range l.pods() {
		got = append(got, pod.Name+" "+pod.Spec.Containers[0].Image)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("pods (-want +got):\n%s", diff)
	}
}

func image(name string) func(*appsv1.StatefulSet) {
	return func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.Containers[0].Image = name }
}

// order is "Create db-0", "Delete db-2" in the order in which it was decided.
func (l *lab) order() []string {
	var order []string
	records, _ := l.Decisions.Since(0)
	for _, r := range records {
		if r.Object.Resource == "pods" {
			order = append(order, r.Action+" "+r.Object.Name)
		}
	}
	return order
}

func TestInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newSet(3)).run()
		l.wantPods("db-0 db:1", "db-1 db:1", "db-2 db:1")
		pod := l.pods()[1]
		if pod.Labels["statefulset.kubernetes.io/pod-name"] != "db-1" || pod.Labels["apps.kubernetes.io/pod-index"] != "1" ||
			pod.Spec.Hostname != "db-1" || pod.Spec.Subdomain != "peers" || pod.Labels["controller-revision-hash"] != l.set().Status.UpdateRevision {
			t.Errorf("pod %+v %+v", pod.ObjectMeta, pod.Spec)
		}
		zero := int32(0)
		name := l.set().Status.UpdateRevision
		want := appsv1.StatefulSetStatus{
			ObservedGeneration: 1, Replicas: 3, ReadyReplicas: 3, CurrentReplicas: 3, UpdatedReplicas: 3, AvailableReplicas: 3,
			CurrentRevision: name, UpdateRevision: name, CollisionCount: &zero,
		}
		if diff := cmp.Diff(want, l.set().Status); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		l.edit(func(s *appsv1.StatefulSet) { *s.Spec.Replicas = 1 })
		l.wantPods("db-0 db:1")
		wantOrder := []string{"Create db-0", "Create db-1", "Create db-2", "Delete db-2", "Delete db-1"}
		if diff := cmp.Diff(wantOrder, l.order()); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		events, err := l.Client.CoreV1().Events("default").List(ctx, metav1.ListOptions{})
		if err != nil || !slices.ContainsFunc(events.Items, func(e corev1.Event) bool {
			return e.Reason == "SuccessfulCreate" && e.Message == "Create Pod db-0 in StatefulSet db successful"
		}) {
			t.Errorf("events %+v, %v", events.Items, err)
		}
	})
}

// TestWaits: no pod is made before the one below it serves, unless the policy is Parallel.
func TestWaits(t *testing.T) {
	broken := func(pod *corev1.Pod) bool { return pod.Name == "db-1" }
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newSet(3))
		l.kubelet.Unready(broken)
		l.run().Advance(time.Minute)
		l.wantPods("db-0 db:1", "db-1 db:1")
	})
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newSet(3, parallel))
		l.kubelet.Unready(broken)
		l.run().Advance(time.Minute)
		l.wantPods("db-0 db:1", "db-1 db:1", "db-2 db:1")
	})
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newSet(2, func(s *appsv1.StatefulSet) { s.Spec.MinReadySeconds = 20 })).run()
		l.Advance(19 * time.Second)
		l.wantPods("db-0 db:1")
		l.Advance(2 * time.Second)
		l.wantPods("db-0 db:1", "db-1 db:1")
	})
}

func TestKeepsNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newSet(2, func(s *appsv1.StatefulSet) { s.Spec.Ordinals = &appsv1.StatefulSetOrdinals{Start: 5} })).run()
		l.wantPods("db-5 db:1", "db-6 db:1")
		before := l.pods()
		if err := l.Client.CoreV1().Pods("default").Delete(ctx, "db-5", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		l.wantPods("db-5 db:1", "db-6 db:1")
		for _, pod := range l.pods() {
			if pod.UID == before[0].UID {
				t.Errorf("%s is still the old pod", pod.Name)
			}
		}
		// A pod that has ended, however it has, is made again.
		pod := l.pods()[0]
		pod.Status.Phase = corev1.PodSucceeded
		if _, err := l.Client.CoreV1().Pods("default").UpdateStatus(ctx, &pod, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		for _, pod := range l.pods() {
			if pod.Status.Phase != corev1.PodRunning {
				t.Errorf("%s is %s", pod.Name, pod.Status.Phase)
			}
		}
	})
}

func TestPartitionAndUndo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newSet(3)).run()
		original := l.set().Status.CurrentRevision
		l.edit(func(s *appsv1.StatefulSet) {
			image("db:2")(s)
			*s.Spec.UpdateStrategy.RollingUpdate.Partition = 2
		})
		l.Advance(time.Minute)
		l.wantPods("db-0 db:1", "db-1 db:1", "db-2 db:2")
		if s := l.set().Status; s.CurrentRevision != original || s.UpdateRevision == original || s.UpdatedReplicas != 1 || s.CurrentReplicas != 2 {
			t.Errorf("status %+v", s)
		}
		// A pod below the partition comes back as it was.
		if err := l.Client.CoreV1().Pods("default").Delete(ctx, "db-0", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		l.wantPods("db-0 db:1", "db-1 db:1", "db-2 db:2")
		l.edit(func(s *appsv1.StatefulSet) { *s.Spec.UpdateStrategy.RollingUpdate.Partition = 0 })
		l.wantPods("db-0 db:2", "db-1 db:2", "db-2 db:2")
		l.edit(image("db:1"))
		l.wantPods("db-0 db:1", "db-1 db:1", "db-2 db:1")
		if s := l.set().Status; s.CurrentRevision != original || s.UpdateRevision != original {
			t.Errorf("status %+v, want the revision %s again", s, original)
		}
	})
}

func TestMaxUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := intstr.FromInt32(2)
		l := begin(t, newSet(5, parallel, func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable = &two
			s.Spec.MinReadySeconds = 10
		})).run()
		l.Advance(11 * time.Second)
		l.edit(image("db:2"))
		l.Advance(5 * time.Second)
		l.wantPods("db-0 db:1", "db-1 db:1", "db-2 db:1", "db-3 db:2", "db-4 db:2")
		l.Advance(time.Minute)
		l.wantPods("db-0 db:2", "db-1 db:2", "db-2 db:2", "db-3 db:2", "db-4 db:2")
	})
}

func TestOnDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newSet(2, func(s *appsv1.StatefulSet) {
			s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}
		})).run()
		l.edit(image("db:2"))
		l.wantPods("db-0 db:1", "db-1 db:1")
		if err := l.Client.CoreV1().Pods("default").Delete(ctx, "db-0", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		l.Settle()
		l.wantPods("db-0 db:2", "db-1 db:1")
	})
}

// TestClaims are made before their pod, stay with their ordinal, and get the owner that the retention policy asks for.
func TestClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := begin(t, newSet(2, func(s *appsv1.StatefulSet) {
			s.Spec.VolumeClaimTemplates = []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data"}}}
			s.Spec.PersistentVolumeClaimRetentionPolicy = &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
				WhenDeleted: appsv1.DeletePersistentVolumeClaimRetentionPolicyType, WhenScaled: appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
			}
		})).run()
		for i := range 2 {
			claim, err := l.Client.CoreV1().PersistentVolumeClaims("default").Get(ctx, fmt.Sprintf("data-db-%d", i), metav1.GetOptions{})
			if err != nil || claim.Labels["app"] != "db" || !metav1.IsControlledBy(claim, l.set()) {
				t.Errorf("claim %d: %+v, %v", i, claim, err)
			}
		}
		if v := l.pods()[1].Spec.Volumes; len(v) != 1 || v[0].PersistentVolumeClaim.ClaimName != "data-db-1" {
			t.Errorf("volumes %+v", v)
		}
		l.edit(func(s *appsv1.StatefulSet) { *s.Spec.Replicas = 1 })
		if _, err := l.Client.CoreV1().PersistentVolumeClaims("default").Get(ctx, "data-db-1", metav1.GetOptions{}); err != nil {
			t.Errorf("the claim of a pod that was scaled down: %v", err)
		}
	})
}

// TestConverges edits at random while watches lose and repeat events.
func TestConverges(t *testing.T) {
	for name, mend := range map[string]func(*appsv1.StatefulSet){"OrderedReady": func(*appsv1.StatefulSet) {}, "Parallel": parallel} {
		t.Run(name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			synctest.Test(t, func(t *testing.T) {
				l := begin(t, newSet(0, mend)).run()
				l.Lossy(seed)
				for i := range 30 {
					l.edit(func(s *appsv1.StatefulSet) {
						*s.Spec.Replicas = int32(i * 7 % 6)
						image(fmt.Sprintf("db:%d", i/5))(s)
					})
					if pods := l.pods(); i%3 == 0 && len(pods) > 0 {
						_ = l.Client.CoreV1().Pods("default").Delete(ctx, pods[0].Name, metav1.DeleteOptions{})
					}
					l.Advance(time.Second)
				}
				l.Reliable()
				l.edit(func(s *appsv1.StatefulSet) { *s.Spec.Replicas = 3 })
				l.Advance(time.Hour) // longer than any expectation
				l.wantPods("db-0 db:5", "db-1 db:5", "db-2 db:5")
				if s := l.set().Status; s.AvailableReplicas != 3 || s.UpdatedReplicas != 3 || s.CurrentRevision != s.UpdateRevision {
					t.Errorf("status %+v", s)
				}
			})
		})
	}
}
