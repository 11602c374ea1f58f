package statefulset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"

	"drydock/engine/controller"
	"drydock/engine/controller/revision"
)

// row is one look at one StatefulSet and its pods, in a row by their ordinals.
type row struct {
	*Controller
	key      controller.Key
	set      *appsv1.StatefulSet // our own copy
	selector labels.Selector

	// Pods are shared with the informer.
	pods      []*corev1.Pod
	replicas  []*corev1.Pod // by ordinal from first; nil where there is none
	condemned []*corev1.Pod // outside the wanted ordinals, the highest first

	current, update   *appsv1.ControllerRevision // the one the last finished rollout led to; the one of the present template
	original, updated *corev1.PodTemplateSpec    // theirs
	old               []*appsv1.ControllerRevision
}

// look reads the world.
func (r *row) look(ctx context.Context) error {
	if err := r.findPods(ctx); err != nil {
		return err
	}
	r.replicas = make([]*corev1.Pod, *r.set.Spec.Replicas)
	for _, pod := range r.pods {
		ordinal, _ := ordinalOf(r.set, pod)
		if at := ordinal - first(r.set); at >= 0 && at < len(r.replicas) {
			r.replicas[at] = pod
			continue
		}
		r.condemned = append(r.condemned, pod)
	}
	slices.SortFunc(r.condemned, func(a, b *corev1.Pod) int {
		x, _ := ordinalOf(r.set, a)
		y, _ := ordinalOf(r.set, b)
		return cmp.Compare(y, x)
	})
	return r.findRevisions(ctx)
}

func (r *row) fresh(ctx context.Context) (metav1.Object, error) {
	return r.client.AppsV1().StatefulSets(r.set.Namespace).Get(ctx, r.set.Name, metav1.GetOptions{})
}

func (r *row) findPods(ctx context.Context) error {
	all, err := r.Controller.pods.Pods(r.set.Namespace).List(labels.Everything())
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	members := slices.DeleteFunc(all, func(pod *corev1.Pod) bool {
		_, ok := ordinalOf(r.set, pod)
		return !ok
	})
	r.pods, err = controller.Sort(ctx, controller.Claim{
		Owner: r.set, Kind: kind, Selector: r.selector, Fresh: r.fresh,
		Patch: func(ctx context.Context, name string, patch []byte) error {
			_, err := r.client.CoreV1().Pods(r.set.Namespace).Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
			return err
		},
	}, members)
	return err
}

func (r *row) findRevisions(ctx context.Context) error {
	known, err := r.history.Claim(ctx, r.set, r.selector, r.fresh)
	if err != nil {
		return err
	}
	data, err := revision.Data(&r.set.Spec.Template)
	if err != nil {
		return err
	}
	r.update, r.old, err = r.history.Current(ctx, r.set, revision.Wanted{
		Data: data, Hash: hash(data, r.set.Status.CollisionCount), HashLabel: "controller.kubernetes.io/hash",
		Labels: r.set.Spec.Template.Labels, Annotations: r.set.Annotations,
	}, known)
	if errors.Is(err, revision.ErrCollision) {
		*countOf(&r.set.Status.CollisionCount)++
		return errors.Join(err, r.save(ctx))
	}
	if err != nil {
		return err
	}
	r.current = r.update
	for _, other := range r.old {
		if other.Name == r.set.Status.CurrentRevision {
			r.current = other
		}
	}
	r.updated = &r.set.Spec.Template
	r.original, err = revision.Template(r.current)
	return err
}

// hash names a revision.
func hash(data []byte, collisions *int32) string {
	h := fnv.New32()
	_, _ = h.Write(data) // a Hash never returns an error
	_, _ = h.Write([]byte(strconv.Itoa(int(*countOf(&collisions)))))
	return rand.SafeEncodeString(fmt.Sprint(h.Sum32()))
}

// countOf fills in a counter that is not there yet.
func countOf(n **int32) *int32 {
	if *n == nil {
		*n = new(int32)
	}
	return *n
}

// step makes one change, if one is due, and reports. A change that was made is seen through the watch before the next one.
func (r *row) step(ctx context.Context) error {
	var err error
	if r.set.DeletionTimestamp == nil {
		if err = errors.Join(r.keepClaims(ctx), r.keepNames(ctx)); err == nil {
			err = r.apply(ctx, r.plan())
		}
	}
	return errors.Join(err, r.report(ctx), r.truncate(ctx))
}

// change is what is to be done.
type change struct {
	create, delete []*corev1.Pod
	why            string
	blocked        bool // nothing else may be done before something has happened
}

// plan goes through the row. In order means: past a pod that is not as it should be, nothing is done.
func (r *row) plan() change {
	ordered := r.set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement
	c := change{why: fmt.Sprintf("StatefulSet %s wants %d pods", r.set.Name, len(r.replicas))}
	for i := range r.replicas {
		if r.planReplica(&c, i); ordered && c.blocked {
			return c
		}
	}
	for _, pod := range r.condemned {
		if r.planCondemned(&c, pod, ordered); ordered && c.blocked {
			return c
		}
	}
	if len(c.create)+len(c.delete) == 0 {
		c.delete, c.why = r.outdated(), fmt.Sprintf("StatefulSet %s has a new pod template", r.set.Name)
	}
	return c
}

func (r *row) planReplica(c *change, at int) {
	switch pod := r.replicas[at]; {
	case pod == nil:
		c.create, c.blocked = append(c.create, r.newPod(first(r.set)+at)), true
	case controller.TerminalPod(pod):
		// However it has ended: the set wants it to run. It is made again when the API server has let go of its name.
		if c.blocked = true; pod.DeletionTimestamp == nil {
			c.delete = append(c.delete, pod)
		}
	case pod.DeletionTimestamp != nil, !runningAndReady(pod), !r.available(pod):
		c.blocked = true
	}
}

func (r *row) planCondemned(c *change, pod *corev1.Pod, ordered bool) {
	c.blocked = true
	switch healthy := runningAndReady(pod) && r.available(pod); {
	case pod.DeletionTimestamp != nil:
	case ordered && !healthy && pod != r.firstUnhealthy():
		// It waits for the unhealthy pod below it: that one may need this one to come up.
	default:
		c.delete = append(c.delete, pod)
	}
}

// firstUnhealthy is the lowest pod that does not serve, nil when all do. It may be one that is still to be created.
func (r *row) firstUnhealthy() *corev1.Pod {
	lowest := slices.Clone(r.replicas)
	for _, pod := range slices.Backward(r.condemned) {
		lowest = append(lowest, pod)
	}
	for _, pod := range lowest {
		if r.missing(pod) {
			return pod
		}
	}
	return nil
}

func (r *row) apply(ctx context.Context, c change) error {
	if len(c.create)+len(c.delete) == 0 {
		return nil
	}
	// Before the first creation: its event may come before Create returns.
	r.expectations.Expect(r.key, len(c.create), controller.UIDs(c.delete))
	_, createErr := controller.Together(len(c.create), func(i int) error { return r.create(ctx, c.create[i], c.why) })
	_, deleteErr := controller.Together(len(c.delete), func(i int) error { return r.delete(ctx, c.delete[i], c.why) })
	return errors.Join(createErr, deleteErr)
}

func (r *row) create(ctx context.Context, pod *corev1.Pod, why string) error {
	ready, err := r.createClaims(ctx, pod)
	if err == nil && ready {
		_, err = r.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	}
	if err != nil || !ready {
		r.expectations.Created(r.key)
	}
	if ready || err != nil {
		r.tell("Create", pod, why, err)
	}
	return err
}

func (r *row) delete(ctx context.Context, pod *corev1.Pod, why string) error {
	err := r.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{})
	if err != nil {
		r.expectations.Deleted(r.key, pod.UID)
	}
	err = ignoreNotFound(err)
	r.tell("Delete", pod, why, err)
	return err
}

// tell records what was done with a pod, or why it could not be.
func (r *row) tell(verb string, pod *corev1.Pod, why string, err error) {
	if err != nil {
		r.Warning(r.set, "Failed"+verb, "%s Pod %s in StatefulSet %s failed error: %s", verb, pod.Name, r.set.Name, err)
		return
	}
	r.Normal(r.set, "Successful"+verb, "%s Pod %s in StatefulSet %s successful", verb, pod.Name, r.set.Name)
	r.control.DecidePod(r.set, pod, verb, "Successful"+verb, why)
}
