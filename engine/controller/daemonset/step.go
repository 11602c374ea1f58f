package daemonset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"drydock/engine/controller"
	"drydock/engine/controller/revision"
)

// burst is the most pods that one call of Reconcile creates, and deletes.
const burst = 250

// watchOver is one look at one DaemonSet, the nodes and its pods.
type watchOver struct {
	*Controller
	key      controller.Key
	ds       *appsv1.DaemonSet // our own copy
	selector labels.Selector

	// All shared with the informers.
	nodes  []*corev1.Node // by name
	places map[string]place
	pods   map[string][]*corev1.Pod // by node, the oldest first; without those that have ended and are being deleted
	all    []*corev1.Pod

	current *appsv1.ControllerRevision
	old     []*appsv1.ControllerRevision
	hash    string // of the current one
}

// look reads the world.
func (w *watchOver) look(ctx context.Context) error {
	nodes, err := w.Controller.nodes.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	slices.SortFunc(nodes, func(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	w.nodes, w.places = nodes, map[string]place{}
	placer := newPlacer(w.ds)
	for _, node := range nodes {
		w.places[node.Name] = placer.on(node)
	}
	return errors.Join(w.findPods(ctx), w.findRevisions(ctx))
}

func (w *watchOver) fresh(ctx context.Context) (metav1.Object, error) {
	return w.client.AppsV1().DaemonSets(w.ds.Namespace).Get(ctx, w.ds.Name, metav1.GetOptions{})
}

func (w *watchOver) findPods(ctx context.Context) error {
	candidates, err := w.Controller.pods.Pods(w.ds.Namespace).List(labels.Everything())
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	w.all, err = controller.Sort(ctx, controller.Claim{
		Owner: w.ds, Kind: kind, Selector: w.selector, Fresh: w.fresh,
		Patch: func(ctx context.Context, name string, patch []byte) error {
			_, err := w.client.CoreV1().Pods(w.ds.Namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
			return err
		},
	}, candidates)
	w.pods = map[string][]*corev1.Pod{}
	for _, pod := range w.all {
		if node := nodeOf(pod); node != "" && (!controller.TerminalPod(pod) || pod.DeletionTimestamp == nil) {
			w.pods[node] = append(w.pods[node], pod)
		}
	}
	for _, pods := range w.pods {
		slices.SortFunc(pods, older)
	}
	return err
}

// older puts pods that are bound first, then the oldest.
func older(a, b *corev1.Pod) int {
	if (a.Spec.NodeName == "") != (b.Spec.NodeName == "") {
		return cmp.Compare(b.Spec.NodeName, a.Spec.NodeName)
	}
	return cmp.Or(a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
}

func (w *watchOver) findRevisions(ctx context.Context) error {
	known, err := w.history.Claim(ctx, w.ds, w.selector, w.fresh)
	if err != nil {
		return err
	}
	data, err := revision.Data(&w.ds.Spec.Template)
	if err != nil {
		return err
	}
	w.current, w.old, err = w.history.Current(ctx, w.ds, revision.Wanted{
		Data: data, Hash: controller.TemplateHash(&w.ds.Spec.Template, w.ds.Status.CollisionCount),
		HashLabel: appsv1.DefaultDaemonSetUniqueLabelKey, Labels: w.ds.Spec.Template.Labels, Annotations: w.ds.Annotations,
	}, known)
	if errors.Is(err, revision.ErrCollision) {
		return errors.Join(err, w.countCollision(ctx))
	}
	if err != nil {
		return err
	}
	w.hash = w.current.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]
	return nil
}

func (w *watchOver) countCollision(ctx context.Context) error {
	count := int32(1)
	if w.ds.Status.CollisionCount != nil {
		count = *w.ds.Status.CollisionCount + 1
	}
	w.ds.Status.CollisionCount = &count
	return w.save(ctx)
}

// step makes one change, if one is due, and reports. A change that was made is seen through the watch before the next one.
func (w *watchOver) step(ctx context.Context) error {
	satisfied, wait := w.expectations.Satisfied(w.key)
	if !satisfied {
		w.AddAfter(w.key, wait) // usually the pod's own event comes long before
		return w.report(ctx, false)
	}
	change := w.manage()
	if change.empty() && w.ds.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
		change = w.roll()
	}
	err := w.apply(ctx, change)
	if err == nil {
		err = w.truncate(ctx)
	}
	return errors.Join(err, w.report(ctx, true))
}

// truncate keeps revisionHistoryLimit old revisions, and those that a pod was made of.
func (w *watchOver) truncate(ctx context.Context) error {
	return w.history.Truncate(ctx, w.old, int(*w.ds.Spec.RevisionHistoryLimit), func(r *appsv1.ControllerRevision) bool {
		return slices.ContainsFunc(w.all, func(pod *corev1.Pod) bool {
			hash := pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]
			return hash != "" && hash == r.Labels[appsv1.DefaultDaemonSetUniqueLabelKey]
		})
	})
}

// change is what is to be done.
type change struct {
	create []string // a pod on each of these nodes
	delete []*corev1.Pod
	why    string
}

func (c change) empty() bool { return len(c.create)+len(c.delete) == 0 }

func (w *watchOver) apply(ctx context.Context, c change) error {
	if c.empty() {
		return nil
	}
	c.create, c.delete = c.create[:min(len(c.create), burst)], c.delete[:min(len(c.delete), burst)]
	var pods []*corev1.Pod
	for _, node := range c.create {
		pods = append(pods, w.newPod(node))
	}
	// Before the first creation: its event may come before Create returns.
	w.expectations.Expect(w.key, len(pods), controller.UIDs(c.delete))
	_, createErr := w.control.Create(ctx, w.ds, pods, c.why)
	_, deleteErr := w.control.Delete(ctx, w.ds, c.delete, c.why)
	return errors.Join(createErr, deleteErr)
}

func (w *watchOver) newPod(node string) *corev1.Pod {
	pod := w.control.PodOf(w.ds, &w.ds.Spec.Template)
	addTolerations(&pod.Spec)
	pin(&pod.Spec, node)
	if pod.Labels == nil {
		pod.Labels = map[string]string{}
	}
	if generation := w.ds.Annotations[appsv1.DeprecatedTemplateGeneration]; generation != "" {
		pod.Labels[templateGeneration] = generation
	}
	pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] = w.hash
	return pod
}

// templateGeneration is the label that told templates apart before there were hashes; old clients read it.
const templateGeneration = "pod-template-generation"

// updated says whether the pod is of the present template.
func (w *watchOver) updated(pod *corev1.Pod) bool {
	generation := w.ds.Annotations[appsv1.DeprecatedTemplateGeneration]
	return pod.Labels[appsv1.DefaultDaemonSetUniqueLabelKey] == w.hash ||
		generation != "" && pod.Labels[templateGeneration] == generation
}

func (w *watchOver) available(pod *corev1.Pod) bool {
	available, left := controller.Available(pod, time.Duration(w.ds.Spec.MinReadySeconds)*time.Second, time.Now())
	if left > 0 {
		w.AddAfter(w.key, left)
	}
	return available
}
