package deployment_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/util/retry"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/deployment"
	"drydock/engine/controller/replicaset"
)

var ctx = context.Background()

type lab struct {
	*controllertest.Cluster
	t       *testing.T
	kubelet *controllertest.Kubelet
}

func newDeployment(replicas int32, mends ...func(*appsv1.Deployment)) *appsv1.Deployment {
	deadline, limit := int32(600), int32(10)
	quarter := intstr.FromString("25%")
	labels := map[string]string{"app": "web"}
	d := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web-uid"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas, ProgressDeadlineSeconds: &deadline, RevisionHistoryLimit: &limit,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Strategy: appsv1.DeploymentStrategy{
				Type:          appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &quarter, MaxUnavailable: &quarter},
			},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}
	for _, mend := range mends {
		mend(d)
	}
	return d
}

func start(t *testing.T, d *appsv1.Deployment) *lab {
	t.Helper()
	c := controllertest.New(t, d)
	dc, err := deployment.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	rsc, err := replicaset.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{Cluster: c, t: t, kubelet: c.NewKubelet()}
	c.Start(dc, rsc, l.kubelet)
	l.settle()
	return l
}

// settle lets conflicts be retried and everything come to rest.
func (l *lab) settle() {
	for range 3 {
		l.Settle()
		l.Advance(time.Second)
	}
	l.Settle()
}

func (l *lab) deployment() *appsv1.Deployment {
	l.t.Helper()
	d, err := l.Client.AppsV1().Deployments("default").Get(ctx, "web", metav1.GetOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	return d
}

func (l *lab) edit(change func(*appsv1.Deployment)) {
	l.t.Helper()
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		d := l.deployment()
		change(d)
		_, err := l.Client.AppsV1().Deployments("default").Update(ctx, d, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func image(name string) func(*appsv1.Deployment) {
	return func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers[0].Image = name }
}

// sets maps images to "wanted/available" of the ReplicaSet that has them.
func (l *lab) sets() map[string]string {
	l.t.Helper()
	list, err := l.Client.AppsV1().ReplicaSets("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		l.t.Fatal(err)
	}
	sets := map[string]string{}
	for _, rs := range list.Items {
		image := rs.Spec.Template.Spec.Containers[0].Image
		sets[image] = fmt.Sprintf("%d/%d", *rs.Spec.Replicas, rs.Status.AvailableReplicas)
	}
	return sets
}

func (l *lab) wantSets(want map[string]string) {
	l.t.Helper()
	if diff := cmp.Diff(want, l.sets()); diff != "" {
		l.t.Errorf("ReplicaSets (-want +got):\n%s", diff)
	}
}

// conditions are "Type=Status Reason: Message", sorted.
func (l *lab) conditions() []string {
	var texts []string
	for _, c := range l.deployment().Status.Conditions {
		texts = append(texts, fmt.Sprintf("%s=%s %s: %s", c.Type, c.Status, c.Reason, c.Message))
	}
	slices.Sort(texts)
	return texts
}

func (l *lab) wantConditions(want ...string) {
	l.t.Helper()
	got := l.conditions()
	for i := range got {
		// The hash in names is tested elsewhere.
		if at := strings.Index(got[i], `"web-`); at >= 0 {
			got[i] = got[i][:at] + `"web-…` + got[i][at+1+strings.Index(got[i][at+1:], `"`):]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		l.t.Errorf("conditions (-want +got):\n%s", diff)
	}
}

const (
	isAvailable = "Available=True MinimumReplicasAvailable: Deployment has minimum availability."
	isDone      = `Progressing=True NewReplicaSetAvailable: ReplicaSet "web-…" has successfully progressed.`
)

func TestCreateScaleAndStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newDeployment(3))
		l.wantSets(map[string]string{"web:1": "3/3"})
		l.wantConditions(isAvailable, isDone)
		ending := int32(0)
		want := appsv1.DeploymentStatus{
			ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3, TerminatingReplicas: &ending,
		}
		got := l.deployment().Status
		got.Conditions = nil
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		if got := l.deployment().Annotations["deployment.kubernetes.io/revision"]; got != "1" {
			t.Errorf("revision %q, want 1", got)
		}
		for _, n := range []int32{5, 0, 2} {
			l.edit(func(d *appsv1.Deployment) { d.Spec.Replicas = &n })
			l.settle()
			l.wantSets(map[string]string{"web:1": fmt.Sprintf("%d/%d", n, n)})
		}
		l.wantConditions(isAvailable, isDone)
		events, err := l.Client.CoreV1().Events("default").List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var got2 []string
		for _, e := range events.Items {
			if e.InvolvedObject.Kind == "Deployment" {
				got2 = append(got2, e.Reason+": "+e.Message)
			}
		}
		name := l.deployment().Name + "-" + l.hash()
		want2 := []string{
			"ScalingReplicaSet: Scaled up replica set " + name + " from 0 to 3",
			"ScalingReplicaSet: Scaled up replica set " + name + " from 3 to 5",
			"ScalingReplicaSet: Scaled down replica set " + name + " from 5 to 0",
			"ScalingReplicaSet: Scaled up replica set " + name + " from 0 to 2",
		}
		if diff := cmp.Diff(want2, got2); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// hash is the label of the only ReplicaSet.
func (l *lab) hash() string {
	list, err := l.Client.AppsV1().ReplicaSets("default").List(ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		l.t.Fatalf("%d ReplicaSets, %v; want one", len(list.Items), err)
	}
	return list.Items[0].Labels["pod-template-hash"]
}

// TestRollingUpdate follows a rollout at every change and holds it against its fences.
func TestRollingUpdate(t *testing.T) {
	for _, fences := range []struct{ surge, unavailable, most, least int }{{1, 0, 11, 10}, {0, 3, 10, 7}, {3, 3, 13, 7}, {10, 10, 20, 0}} {
		t.Run(fmt.Sprintf("surge %d unavailable %d", fences.surge, fences.unavailable), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := start(t, newDeployment(10, func(d *appsv1.Deployment) {
					surge, unavailable := intstr.FromInt(fences.surge), intstr.FromInt(fences.unavailable)
					d.Spec.Strategy.RollingUpdate = &appsv1.RollingUpdateDeployment{MaxSurge: &surge, MaxUnavailable: &unavailable}
				}))
				l.edit(image("web:2"))
				l.settle()
				l.wantSets(map[string]string{"web:1": "0/0", "web:2": "10/10"})
				l.wantConditions(isAvailable, isDone)
				most, least := l.extremes()
				if most > fences.most || least < fences.least {
					t.Errorf("up to %d pods, at least %d available; want at most %d, at least %d", most, least, fences.most, fences.least)
				}
			})
		})
	}
}

// extremes reads from the decisions how many pods the sets wanted at most and had available at least.
func (l *lab) extremes() (most, least int) {
	sizes, least := map[string]int{}, 1000
	records, _ := l.Decisions.Since(0)
	for _, r := range records {
		if r.Actor != "deployment-controller" || r.Object.Resource != "replicasets" {
			continue
		}
		var after int
		if _, err := fmt.Sscan(r.After, &after); err != nil {
			continue
		}
		sizes[r.Object.Name] = after
		total := 0
		for n := range maps.Values(sizes) {
			total += n
		}
		most = max(most, total)
		if r.Action == "ScaleDown" {
			var available int
			if _, err := fmt.Sscan(r.Details["available"], &available); err != nil {
				l.t.Fatal(err)
			}
			least = min(least, available)
		}
	}
	return most, least
}

func TestUndoPauseAndHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := int32(2)
		l := start(t, newDeployment(2, func(d *appsv1.Deployment) { d.Spec.RevisionHistoryLimit = &limit }))
		for _, name := range []string{"web:2", "web:3", "web:4"} {
			l.edit(image(name))
			l.settle()
		}
		l.wantSets(map[string]string{"web:2": "0/0", "web:3": "0/0", "web:4": "2/2"})

		l.edit(image("web:2")) // what `rollout undo --to-revision=2` does
		l.settle()
		l.wantSets(map[string]string{"web:2": "2/2", "web:3": "0/0", "web:4": "0/0"})
		if got := l.deployment().Annotations["deployment.kubernetes.io/revision"]; got != "5" {
			t.Errorf("revision %q after undo, want 5", got)
		}
		list, err := l.Client.AppsV1().ReplicaSets("default").List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, rs := range list.Items {
			if rs.Spec.Template.Spec.Containers[0].Image == "web:2" && rs.Annotations["deployment.kubernetes.io/revision-history"] != "2" {
				t.Errorf("annotations %v, want revision-history 2", rs.Annotations)
			}
		}

		l.edit(func(d *appsv1.Deployment) { d.Spec.Paused = true })
		l.edit(image("web:6"))
		l.settle()
		// All three are old now, and the history keeps two.
		l.wantSets(map[string]string{"web:2": "2/2", "web:4": "0/0"})
		l.wantConditions(isAvailable, "Progressing=Unknown DeploymentPaused: Deployment is paused")
		four := int32(4)
		l.edit(func(d *appsv1.Deployment) { d.Spec.Replicas = &four })
		l.settle()
		l.wantSets(map[string]string{"web:2": "4/4", "web:4": "0/0"})
		l.edit(func(d *appsv1.Deployment) { d.Spec.Paused = false })
		l.settle()
		l.wantSets(map[string]string{"web:2": "0/0", "web:4": "0/0", "web:6": "4/4"})
		l.wantConditions(isAvailable, isDone)
	})
}

// TestStuckRollout: the new pods never become ready. The old ones keep serving, the deadline passes, and undo mends it.
func TestStuckRollout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newDeployment(4))
		l.kubelet.Unready(func(p *corev1.Pod) bool { return p.Spec.Containers[0].Image == "bad" })
		l.edit(image("bad"))
		l.settle()
		l.wantSets(map[string]string{"web:1": "3/3", "bad": "2/0"})
		l.wantConditions(isAvailable, `Progressing=True ReplicaSetUpdated: ReplicaSet "web-…" is progressing.`)
		l.Advance(11 * time.Minute)
		l.wantConditions(isAvailable, `Progressing=False ProgressDeadlineExceeded: ReplicaSet "web-…" has timed out progressing.`)

		eight := int32(8) // in the middle of a rollout: both sets grow in proportion
		l.edit(func(d *appsv1.Deployment) { d.Spec.Replicas = &eight })
		l.settle()
		l.wantSets(map[string]string{"web:1": "6/6", "bad": "4/0"})

		l.edit(image("web:1"))
		l.settle()
		l.wantSets(map[string]string{"web:1": "8/8", "bad": "0/0"})
		l.wantConditions(isAvailable, isDone)
	})
}

func TestRecreate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newDeployment(3, func(d *appsv1.Deployment) {
			d.Spec.Strategy = appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
		}))
		l.edit(image("web:2"))
		l.settle()
		l.wantSets(map[string]string{"web:1": "0/0", "web:2": "3/3"})
		records, _ := l.Decisions.Since(0)
		var created, deleted int
		for _, r := range records {
			if r.Object.Resource != "pods" {
				continue
			}
			if r.Action == "Delete" {
				deleted++
			}
			if created++; r.Action == "Create" && created > 3 && deleted < 3 {
				t.Fatalf("a new pod was created after only %d of 3 old ones were deleted", deleted)
			}
		}
	})
}

// TestConverges edits at random while watches lose and repeat events.
func TestConverges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		l := start(t, newDeployment(3))
		l.Lossy(seed)
		for i := range 25 {
			n := int32(i * 5 % 9)
			l.edit(func(d *appsv1.Deployment) { d.Spec.Replicas = &n })
			l.edit(image(fmt.Sprintf("web:%d", i%4)))
			l.Advance(time.Duration(i%3) * time.Second)
		}
		l.Reliable()
		six := int32(6)
		l.edit(image("web:last"))
		l.edit(func(d *appsv1.Deployment) { d.Spec.Replicas = &six })
		l.Advance(20 * time.Minute)
		l.settle()
		if got := l.sets(); got["web:last"] != "6/6" {
			t.Errorf("ReplicaSets %v, want web:last 6/6", got)
		}
		pods, err := l.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
		if err != nil || len(pods.Items) != 6 {
			t.Errorf("%d pods, %v; want 6", len(pods.Items), err)
		}
		l.wantConditions(isAvailable, isDone)
	})
}
