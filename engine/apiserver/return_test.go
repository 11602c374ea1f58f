package apiserver_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"drydock/engine/apiserver"
)

// bound creates a pod on node-1, with a status as its kubelet would write it.
func bound(t *testing.T, c *cluster, name string, restarts int32) *corev1.Pod {
	t.Helper()
	pod := webPod(name)
	pod.Spec.NodeName = "node-1"
	created := mustCreatePod(t, c, pod)
	created.Status.Phase = corev1.PodRunning
	created.Status.PodIP, created.Status.PodIPs = "10.244.1.9", []corev1.PodIP{{IP: "10.244.1.9"}}
	created.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "web", Image: "drydock/web:1", ContainerID: "drydock://" + name, RestartCount: restarts,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
	}}
	written, err := c.client.CoreV1().Pods("default").UpdateStatus(context.Background(), created, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return written
}

func (c *cluster) goBack(t *testing.T, m *apiserver.Moment, unchanged ...types.UID) (*apiserver.Return, *apiserver.Returned) {
	t.Helper()
	way, err := c.server.PlanReturn(context.Background(), m, apiserver.Present{
		Nodes: sets.New("node-1"), Unchanged: sets.New(unchanged...),
	})
	if err != nil {
		t.Fatal(err)
	}
	done, err := c.server.GoBack(context.Background(), way)
	if err != nil {
		t.Fatal(err)
	}
	return way, done
}

func moment(t *testing.T, c *cluster) *apiserver.Moment {
	t.Helper()
	m, err := c.server.Moment(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func service(name string) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}},
	}
}

func TestGoBackBringsObjectsBackUnderTheirUIDs(t *testing.T) {
	ctx, c := context.Background(), newCluster(t)
	maps := c.client.CoreV1().ConfigMaps("default")
	create := func(name, value string) *corev1.ConfigMap {
		t.Helper()
		cm, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"k": value}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return cm
	}
	changed, deleted, replaced, same := create("changed", "1"), create("deleted", "1"), create("replaced", "1"), create("same", "1")
	m := moment(t, c)
	changed.Data["k"] = "2"
	if _, err := maps.Update(ctx, changed, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"deleted", "replaced"} {
		if err := maps.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	create("replaced", "2")
	create("new", "1")
	watch, err := maps.Watch(ctx, metav1.ListOptions{ResourceVersion: mustList(t, c).ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Stop()
	_, done := c.goBack(t, m)
	if done.Made != 1 || done.Changed != 2 || done.Gone != 1 {
		t.Errorf("made %d, changed %d, gone %d; want 1, 2, 1", done.Made, done.Changed, done.Gone)
	}
	want := map[string]string{}
	for _, cm := range []*corev1.ConfigMap{changed, deleted, replaced, same} {
		want[cm.Name] = string(cm.UID) + " 1"
	}
	got := map[string]string{}
	for _, cm := range mustList(t, c).Items {
		got[cm.Name] = string(cm.UID) + " " + cm.Data["k"]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after going back (-want +got):\n%s", diff)
	}
	var events []string
	for range 5 {
		e := <-watch.ResultChan()
		events = append(events, string(e.Type)+" "+e.Object.(*corev1.ConfigMap).Name)
	}
	if diff := cmp.Diff([]string{"DELETED new", "DELETED replaced", "MODIFIED changed", "ADDED deleted", "ADDED replaced"}, events); diff != "" {
		t.Errorf("what watchers saw (-want +got):\n%s", diff)
	}
}

func mustList(t *testing.T, c *cluster) *corev1.ConfigMapList {
	t.Helper()
	list, err := c.client.CoreV1().ConfigMaps("default").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestGoBackBeginsPodsAgain(t *testing.T) {
	ctx, c := context.Background(), newCluster(t)
	pods := c.client.CoreV1().Pods("default")
	goesOn, written, gone := bound(t, c, "goes-on", 0), bound(t, c, "written", 3), bound(t, c, "gone", 0)
	m := moment(t, c)
	goesOn.Labels["new"] = "label"
	if _, err := pods.Update(ctx, goesOn, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := pods.Delete(ctx, "gone", *metav1.NewDeleteOptions(0)); err != nil {
		t.Fatal(err)
	}
	stranger := bound(t, c, "stranger", 0)
	way, done := c.goBack(t, m, goesOn.UID)
	again := map[string]apiserver.Again{}
	for _, a := range way.Again {
		again[a.Name] = a
	}
	if len(again) != 2 || again["written"].From != written.UID || again["gone"].From != gone.UID || again["written"].Restarts["web"] != 3 {
		t.Errorf("pods that begin again: %+v", way.Again)
	}
	if diff := cmp.Diff(sets.New(written.UID, stranger.UID), sets.New(done.Ended["node-1"]...)); diff != "" {
		t.Errorf("pods whose processes are to end (-want +got):\n%s", diff)
	}
	list, err := pods.List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, p := range list.Items {
		got[p.Name] = string(p.UID) + " " + string(p.Status.Phase) + " " + p.Status.PodIP + " " + p.Labels["new"]
	}
	want := map[string]string{
		"goes-on": string(goesOn.UID) + " Running 10.244.1.9 ",
		"written": string(again["written"].To) + " Pending  ",
		"gone":    string(again["gone"].To) + " Pending  ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pods after going back (-want +got):\n%s", diff)
	}
}

func TestGoBackLeavesAMissingMachinesPodsOut(t *testing.T) {
	c := newCluster(t)
	bound(t, c, "web", 0)
	m := moment(t, c)
	way, err := c.server.PlanReturn(context.Background(), m, apiserver.Present{Nodes: sets.New("node-2"), Unchanged: sets.New[types.UID]()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.server.GoBack(context.Background(), way); err != nil {
		t.Fatal(err)
	}
	list, err := c.client.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{})
	if err != nil || len(list.Items) != 0 {
		t.Errorf("pods of a machine that is gone: %v, %v", list.Items, err)
	}
}

func TestGoBackKeepsWhatANodeSaysOfItself(t *testing.T) {
	ctx, c := context.Background(), newCluster(t)
	nodes := c.client.CoreV1().Nodes()
	node, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{"disk": "ssd"}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m, owners := moment(t, c), node.ManagedFields
	node.Labels["disk"] = "hdd"
	node.Spec.Unschedulable = true
	unreachable := corev1.Taint{Key: corev1.TaintNodeUnreachable, Effect: corev1.TaintEffectNoSchedule}
	node.Spec.Taints = []corev1.Taint{{Key: "mine", Effect: corev1.TaintEffectNoExecute}, unreachable}
	if node, err = nodes.Update(ctx, node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionUnknown}}
	if _, err := nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := nodes.Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-2"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.goBack(t, m)
	after, err := nodes.Get(ctx, "node-1", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if after.Labels["disk"] != "ssd" || after.Spec.Unschedulable || len(after.Status.Conditions) != 1 {
		t.Errorf("labels %v, unschedulable %v, conditions %v", after.Labels, after.Spec.Unschedulable, after.Status.Conditions)
	}
	if diff := cmp.Diff(owners, after.ManagedFields); diff != "" {
		t.Errorf("who wrote it (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]corev1.Taint{unreachable}, after.Spec.Taints); diff != "" {
		t.Errorf("taints (-want +got):\n%s", diff)
	}
	if _, err := nodes.Get(ctx, "node-2", metav1.GetOptions{}); err != nil {
		t.Errorf("a machine that came since: %v", err)
	}
}

func TestGoBackCountsAddresses(t *testing.T) {
	ctx, c := context.Background(), newCluster(t)
	services := c.client.CoreV1().Services("default")
	kept, err := services.Create(ctx, service("kept"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m := moment(t, c)
	if err := services.Delete(ctx, "kept", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	thief := service("thief")
	thief.Spec.ClusterIP = kept.Spec.ClusterIP
	if _, err := services.Create(ctx, thief, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	other, err := services.Create(ctx, service("other"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.goBack(t, m)
	again := service("again")
	again.Spec.ClusterIP = kept.Spec.ClusterIP
	if _, err := services.Create(ctx, again, metav1.CreateOptions{}); err == nil {
		t.Error("the address of a service that came back was given away")
	}
	again.Spec.ClusterIP = other.Spec.ClusterIP
	again.Spec.Ports[0].NodePort = other.Spec.Ports[0].NodePort
	if _, err := services.Create(ctx, again, metav1.CreateOptions{}); err != nil {
		t.Errorf("the address of a service that is gone: %v", err)
	}
}

// Whoever is there already need not go: nothing is written, and a change is noticed.
func TestIsThere(t *testing.T) {
	ctx, c := context.Background(), newCluster(t)
	pod := bound(t, c, "web", 0)
	m := moment(t, c)
	ask := func(unchanged ...types.UID) bool {
		t.Helper()
		way, err := c.server.PlanReturn(ctx, m, apiserver.Present{Nodes: sets.New("node-1"), Unchanged: sets.New(unchanged...)})
		if err != nil {
			t.Fatal(err)
		}
		there, revision, err := c.server.IsThere(ctx, way)
		if err != nil || revision < m.Revision {
			t.Fatalf("revision %d of %d, %v", revision, m.Revision, err)
		}
		return there
	}
	if !ask(pod.UID) {
		t.Error("nothing has changed, and yet there is something to go back to")
	}
	if ask() {
		t.Error("a pod that has to begin again was overlooked")
	}
	if _, err := c.client.CoreV1().Services("default").Create(ctx, service("new"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if ask(pod.UID) {
		t.Error("a new object was overlooked")
	}
}
