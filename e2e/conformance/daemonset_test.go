package conformance_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1client "k8s.io/client-go/kubernetes/typed/apps/v1"
)

func (r *room) daemons() appsv1client.DaemonSetInterface { return r.AppsV1().DaemonSets(r.ns) }

func (r *room) daemonSet(name string) *appsv1.DaemonSet {
	return &appsv1.DaemonSet{ObjectMeta: r.meta(name), Spec: appsv1.DaemonSetSpec{Selector: selector(name), Template: r.template(name, server(web))}}
}

// labelNode labels a node for the time of the test, with a key that is the test's own.
func (r *room) labelNode(node, value string) {
	r.Helper()
	patch(r, r.CoreV1().Nodes(), node, label(r.ns, value))
	r.Cleanup(func() {
		_, _ = theLab.client.CoreV1().Nodes().Patch(r.background(), node, "application/merge-patch+json",
			[]byte(`{"metadata":{"labels":{"`+r.ns+`":null}}}`), metav1.PatchOptions{}) // the lab ends soon
	})
}

func TestDaemonSetRunsOnEachNode(t *testing.T) {
	r := enter(t)
	must(r.daemons().Create(r.ctx, r.daemonSet("log"), metav1.CreateOptions{}))(r)
	nodes := map[string]bool{}
	pods := r.awaitReady("app=log", 3)
	for _, pod := range pods {
		nodes[pod.Spec.NodeName] = true
	}
	if len(nodes) != 3 {
		r.Errorf("pods are on %v", nodes)
	}
	// One that is deleted comes back.
	r.ok(r.pods().Delete(r.ctx, pods[0].Name, metav1.DeleteOptions{}))
	gone[*corev1.Pod](r, r.pods(), named(pods[0].Name))
	r.awaitReady("app=log", 3)
	r.ok(r.daemons().Delete(r.ctx, "log", metav1.DeleteOptions{}))
	gone[*corev1.Pod](r, r.pods(), labelled("app=log"))
}

func TestDaemonSetFollowsNodeLabels(t *testing.T) {
	r := enter(t)
	ds := r.daemonSet("log")
	ds.Spec.Template.Spec.NodeSelector = map[string]string{r.ns: "blue"}
	must(r.daemons().Create(r.ctx, ds, metav1.CreateOptions{}))(r)
	await(r, r.daemons(), "log", func(ds *appsv1.DaemonSet) bool {
		return ds.Status.ObservedGeneration == 1 && ds.Status.DesiredNumberScheduled == 0
	})
	r.labelNode("node-2", "blue")
	if pods := r.awaitReady("app=log", 1); pods[0].Spec.NodeName != "node-2" {
		r.Errorf("the pod is on %s", pods[0].Spec.NodeName)
	}
	patch(r, r.CoreV1().Nodes(), "node-2", label(r.ns, "green"))
	gone[*corev1.Pod](r, r.pods(), labelled("app=log"))
	change(r, r.daemons(), "log", func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.NodeSelector[r.ns] = "green" })
	r.awaitReady("app=log", 1)
}

func TestDaemonSetReplacesFailedPods(t *testing.T) {
	r := enter(t)
	must(r.daemons().Create(r.ctx, r.daemonSet("log"), metav1.CreateOptions{}))(r)
	pod := r.awaitReady("app=log", 3)[0]
	patch(r, r.pods(), pod.Name, map[string]any{"status": map[string]any{"phase": "Failed"}}, "status")
	gone[*corev1.Pod](r, r.pods(), named(pod.Name))
	r.awaitReady("app=log", 3)
}

// rolled waits until the newest template of a daemon set runs everywhere.
func (r *room) rolled(name string) []*corev1.Pod {
	r.Helper()
	ds := await(r, r.daemons(), name, func(ds *appsv1.DaemonSet) bool {
		s := ds.Status
		return s.ObservedGeneration == ds.Generation && s.UpdatedNumberScheduled == 3 && s.NumberAvailable == 3
	})
	pods := r.awaitReady("app="+name, 3)
	for _, pod := range pods {
		if want := ds.Spec.Template.Spec.Containers[0].Image; pod.Spec.Containers[0].Image != want {
			r.Errorf("%s has %s, want %s", pod.Name, pod.Spec.Containers[0].Image, want)
		}
	}
	return pods
}

func (r *room) daemonImage(name, image string) {
	r.Helper()
	change(r, r.daemons(), name, func(ds *appsv1.DaemonSet) { ds.Spec.Template.Spec.Containers[0].Image = image })
}

func TestDaemonSetRollingUpdate(t *testing.T) {
	r := enter(t)
	must(r.daemons().Create(r.ctx, r.daemonSet("log"), metav1.CreateOptions{}))(r)
	first := r.rolled("log")[0].Labels[appsv1.ControllerRevisionHashLabelKey]
	r.daemonImage("log", web2)
	for _, pod := range r.rolled("log") {
		if hash := pod.Labels[appsv1.ControllerRevisionHashLabelKey]; hash == first || hash == "" {
			r.Errorf("%s has the hash %q, as before", pod.Name, hash)
		}
	}
	awaitAll(r, r.AppsV1().ControllerRevisions(r.ns), labelled("app=log"), func(all []*appsv1.ControllerRevision) bool { return len(all) == 2 })
}

func TestDaemonSetRollbackRestartsNothingThatIsGood(t *testing.T) {
	r := enter(t)
	must(r.daemons().Create(r.ctx, r.daemonSet("log"), metav1.CreateOptions{}))(r)
	good := map[string]bool{}
	for _, pod := range r.rolled("log") {
		good[string(pod.UID)] = true
	}
	r.daemonImage("log", "drydock/no-such:1")
	awaitAll(r, r.pods(), labelled("app=log"), func(pods []*corev1.Pod) bool {
		for _, pod := range pods {
			if pod.Spec.Containers[0].Image == "drydock/no-such:1" {
				return true
			}
		}
		return false
	})
	r.daemonImage("log", web)
	kept := 0
	for _, pod := range r.rolled("log") {
		if good[string(pod.UID)] {
			kept++
		}
		if pod.Status.ContainerStatuses[0].RestartCount > 0 {
			r.Errorf("%s was restarted", pod.Name)
		}
	}
	if kept != 2 {
		r.Errorf("%d of the good pods are left, want 2", kept)
	}
}

func TestDaemonSetCollection(t *testing.T) {
	r := enter(t)
	collection(r, r.daemons(), func(name string) *appsv1.DaemonSet {
		ds := r.daemonSet(name)
		ds.Spec.Template.Spec.NodeSelector = map[string]string{"no": "node"}
		return ds
	})
}

func TestDaemonSetStatus(t *testing.T) {
	r := enter(t)
	must(r.daemons().Create(r.ctx, r.daemonSet("log"), metav1.CreateOptions{}))(r)
	r.rolled("log")
	keepsConditions(r, r.daemons(), "log", func(ds *appsv1.DaemonSet) (kinds []string) {
		for _, c := range ds.Status.Conditions {
			kinds = append(kinds, string(c.Type))
		}
		return kinds
	}, func(ds *appsv1.DaemonSet, kind string) {
		ds.Status.Conditions = append(ds.Status.Conditions, appsv1.DaemonSetCondition{Type: appsv1.DaemonSetConditionType(kind), Status: corev1.ConditionTrue})
	})
}
