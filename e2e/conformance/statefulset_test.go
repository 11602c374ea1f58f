package conformance_test

import (
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	appsv1client "k8s.io/client-go/kubernetes/typed/apps/v1"
)

func (r *room) stateful() appsv1client.StatefulSetInterface { return r.AppsV1().StatefulSets(r.ns) }

// statefulSet is one whose pods are ready while their file /ready is there.
func (r *room) statefulSet(name string, replicas int32, edits ...func(*appsv1.StatefulSet)) *appsv1.StatefulSet {
	spec := server(web)
	spec.Containers[0].ReadinessProbe = &corev1.Probe{
		ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/readyz", Port: port(8080)}},
		PeriodSeconds: 1, FailureThreshold: 1,
	}
	s := &appsv1.StatefulSet{ObjectMeta: r.meta(name), Spec: appsv1.StatefulSetSpec{
		Replicas: &replicas, ServiceName: name, Selector: selector(name), Template: r.template(name, spec),
	}}
	for _, edit := range edits {
		edit(s)
	}
	return s
}

// turn makes a pod ready ("on") or not ("off").
func (r *room) turn(pod, state string) {
	r.Helper()
	r.tell(pod, state)
	r.awaitPod(pod, func(p *corev1.Pod) bool { return ready(p) == (state == "on") })
}

func (r *room) tell(pod, state string) {
	r.Helper()
	must(r.CoreV1().RESTClient().Post().AbsPath("/api/v1/namespaces", r.ns, "pods", pod+":8080", "proxy/readyz", state).DoRaw(r.ctx))(r)
}

func (r *room) scaleStateful(name string, n int32) {
	r.Helper()
	change(r, r.stateful(), name, func(s *appsv1.StatefulSet) { s.Spec.Replicas = &n })
}

// order reads a watch of pods until there were n events of a type, and returns whose.
func (r *room) order(w watch.Interface, kind watch.EventType, n int) (names []string) {
	r.Helper()
	for e := range w.ResultChan() {
		if pod, ok := e.Object.(*corev1.Pod); ok && e.Type == kind {
			if names = append(names, pod.Name); len(names) == n {
				return names
			}
		}
	}
	r.Fatalf("the watch ended after %v", names)
	return nil
}

func TestStatefulSetScalesInOrderAndHalts(t *testing.T) {
	r := enter(t)
	must(r.stateful().Create(r.ctx, r.statefulSet("db", 1), metav1.CreateOptions{}))(r)
	r.awaitReady("app=db", 1)
	w := must(r.pods().Watch(r.ctx, metav1.ListOptions{LabelSelector: "app=db"}))(r)
	defer w.Stop()
	r.turn("db-0", "off")
	r.scaleStateful("db", 3)
	await(r, r.stateful(), "db", func(s *appsv1.StatefulSet) bool { return s.Status.ObservedGeneration == s.Generation })
	if pods := must(r.pods().List(r.ctx, labelled("app=db")))(r).Items; len(pods) != 1 {
		r.Errorf("%d pods while db-0 is not ready", len(pods))
	}
	r.turn("db-0", "on")
	if got := r.order(w, "ADDED", 3); !slices.Equal(got, []string{"db-0", "db-1", "db-2"}) {
		r.Errorf("came as %v", got)
	}
	r.awaitReady("app=db", 3)
	all := []string{"db-2", "db-1", "db-0"}
	for _, pod := range all {
		r.turn(pod, "off")
	}
	await(r, r.stateful(), "db", func(s *appsv1.StatefulSet) bool { return s.Status.ReadyReplicas == 0 })
	r.scaleStateful("db", 0)
	await(r, r.stateful(), "db", func(s *appsv1.StatefulSet) bool { return s.Status.ObservedGeneration == s.Generation })
	if pods := must(r.pods().List(r.ctx, labelled("app=db")))(r).Items; len(pods) != 3 {
		r.Errorf("%d pods while none is ready", len(pods))
	}
	for _, pod := range all[:2] {
		r.tell(pod, "on") // and it is gone as soon as it is ready
		gone[*corev1.Pod](r, r.pods(), named(pod))
	}
	// Only the lowest may go although it is not ready: nothing waits for it.
	if got := r.order(w, "DELETED", 3); !slices.Equal(got, all) {
		r.Errorf("went as %v", got)
	}
}

func TestStatefulSetBurst(t *testing.T) {
	r := enter(t)
	must(r.stateful().Create(r.ctx, r.statefulSet("db", 1, func(s *appsv1.StatefulSet) {
		s.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
	}), metav1.CreateOptions{}))(r)
	r.awaitReady("app=db", 1)
	r.turn("db-0", "off")
	r.scaleStateful("db", 3)
	awaitAll(r, r.pods(), labelled("app=db"), func(pods []*corev1.Pod) bool { return len(pods) == 3 })
	r.scaleStateful("db", 0)
	gone[*corev1.Pod](r, r.pods(), labelled("app=db"))
}

// A pod of the same host port stands in the way on node-1: the stateful pod there fails, and comes back under its name.
func TestStatefulSetRecreatesFailedPods(t *testing.T) {
	r := enter(t)
	taken := server(web)
	taken.NodeName, taken.Containers[0].Ports = "node-1", []corev1.ContainerPort{{ContainerPort: 8080, HostPort: 21017}}
	r.pod("taken", taken)
	r.awaitPod("taken", ready)
	w := must(r.pods().Watch(r.ctx, labelled("app=db")))(r)
	defer w.Stop()
	must(r.stateful().Create(r.ctx, r.statefulSet("db", 1, func(s *appsv1.StatefulSet) {
		s.Spec.Template.Spec.NodeName = "node-1"
		s.Spec.Template.Spec.Containers[0].Ports = taken.Containers[0].Ports
	}), metav1.CreateOptions{}))(r)
	r.order(w, "DELETED", 1)
	r.ok(r.pods().Delete(r.ctx, "taken", metav1.DeleteOptions{}))
	r.awaitReady("app=db", 1)
}

func (r *room) statefulImage(name, image string, edits ...func(*appsv1.StatefulSet)) {
	r.Helper()
	change(r, r.stateful(), name, func(s *appsv1.StatefulSet) {
		s.Spec.Template.Spec.Containers[0].Image = image
		for _, edit := range edits {
			edit(s)
		}
	})
}

// images waits until the three ready pods of db have these images, by ordinal.
func (r *room) images(want ...string) {
	r.Helper()
	awaitAll(r, r.pods(), labelled("app=db"), func(pods []*corev1.Pod) bool {
		got := make([]string, len(want))
		for _, pod := range pods {
			if i := int(pod.Name[len(pod.Name)-1] - '0'); i < len(got) && ready(pod) {
				got[i] = pod.Spec.Containers[0].Image
			}
		}
		return slices.Equal(got, want)
	})
}

func TestStatefulSetRollsAndRollsBack(t *testing.T) {
	r := enter(t)
	must(r.stateful().Create(r.ctx, r.statefulSet("db", 3), metav1.CreateOptions{}))(r)
	r.images(web, web, web)
	first := must(r.stateful().Get(r.ctx, "db", metav1.GetOptions{}))(r).Status.CurrentRevision
	w := must(r.pods().Watch(r.ctx, labelled("app=db")))(r)
	defer w.Stop()
	r.statefulImage("db", web2)
	if got := r.order(w, "DELETED", 3); !slices.Equal(got, []string{"db-2", "db-1", "db-0"}) {
		r.Errorf("replaced as %v", got)
	}
	r.images(web2, web2, web2)
	r.statefulImage("db", web)
	r.images(web, web, web)
	await(r, r.stateful(), "db", func(s *appsv1.StatefulSet) bool {
		return s.Status.CurrentRevision == first && s.Status.UpdateRevision == first
	})
}

func partition(n int32) func(*appsv1.StatefulSet) {
	return func(s *appsv1.StatefulSet) {
		s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: &n}
	}
}

func TestStatefulSetCanaryAndPhases(t *testing.T) {
	r := enter(t)
	must(r.stateful().Create(r.ctx, r.statefulSet("db", 3, partition(3)), metav1.CreateOptions{}))(r)
	r.images(web, web, web)
	r.statefulImage("db", web2)
	await(r, r.stateful(), "db", func(s *appsv1.StatefulSet) bool {
		return s.Status.ObservedGeneration == s.Generation && s.Status.UpdateRevision != s.Status.CurrentRevision
	})
	r.images(web, web, web)
	r.statefulImage("db", web2, partition(2))
	r.images(web, web, web2)
	// Those that are deleted come back with the template of their side of the partition.
	for _, name := range []string{"db-0", "db-2"} {
		r.ok(r.pods().Delete(r.ctx, name, metav1.DeleteOptions{}))
		gone := func(pods []*corev1.Pod) bool {
			return len(pods) == 0 || ready(pods[0]) && pods[0].DeletionTimestamp == nil
		}
		awaitAll(r, r.pods(), named(name), gone)
	}
	r.images(web, web, web2)
	r.statefulImage("db", web2, partition(0))
	r.images(web2, web2, web2)
}

func TestStatefulSetScale(t *testing.T) {
	r := enter(t)
	must(r.stateful().Create(r.ctx, r.statefulSet("db", 1), metav1.CreateOptions{}))(r)
	r.scales("db", r.stateful(), func() int32 { return *must(r.stateful().Get(r.ctx, "db", metav1.GetOptions{}))(r).Spec.Replicas },
		func() { patch(r, r.stateful(), "db", fourReplicas, "scale") })
}

func TestStatefulSetCollection(t *testing.T) {
	r := enter(t)
	collection(r, r.stateful(), func(name string) *appsv1.StatefulSet { return r.statefulSet(name, 1) })
}

func TestStatefulSetStatus(t *testing.T) {
	r := enter(t)
	must(r.stateful().Create(r.ctx, r.statefulSet("db", 1), metav1.CreateOptions{}))(r)
	r.awaitReady("app=db", 1)
	keepsConditions(r, r.stateful(), "db", func(s *appsv1.StatefulSet) (kinds []string) {
		for _, c := range s.Status.Conditions {
			kinds = append(kinds, string(c.Type))
		}
		return kinds
	}, func(s *appsv1.StatefulSet, kind string) {
		s.Status.Conditions = append(s.Status.Conditions, appsv1.StatefulSetCondition{Type: appsv1.StatefulSetConditionType(kind), Status: corev1.ConditionTrue})
	})
}
