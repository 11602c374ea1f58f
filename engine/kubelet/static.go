package kubelet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// manifestPeriod is how often the directory is read when nobody says that it has changed: fileCheckFrequency.
const manifestPeriod = 20 * time.Second

// errNoMirror: the API server does not show the static pod yet, so there is nothing to write its status to.
var errNoMirror = errors.New("the static pod has no mirror")

// staticPods are the pods that files on the node ask for. They run whether or not there is an API server. For people to see them
// there, each gets a mirror, a pod object that shows the status of the real one and changes nothing: whoever deletes it gets another.
type staticPods struct {
	k    *Kubelet
	wake chan struct{} // capacity 1

	mu sync.Mutex
	// guarded by mu, all by namespace/name
	wanted  map[string]*corev1.Pod // in the files
	workers map[string]*worker
	leaving map[string]bool // the worker has been told to end its pod
	mirrors map[string]*corev1.Pod
	read    bool // the directory has been read: a mirror of an unknown pod is a leftover

	problem string // owned by run: what was wrong with the files last
}

func newStaticPods(k *Kubelet) *staticPods {
	return &staticPods{
		k: k, wake: make(chan struct{}, 1), wanted: map[string]*corev1.Pod{}, workers: map[string]*worker{}, leaving: map[string]bool{},
		mirrors: map[string]*corev1.Pod{},
	}
}

// run keeps the pods as the files say until ctx ends.
func (s *staticPods) run(ctx context.Context) error {
	for delay := firstRetry; ; {
		s.scan()
		s.runPods()
		pause := manifestPeriod
		if err := s.reconcileMirrors(ctx); err != nil {
			pause, delay = delay, min(2*delay, lastRetry)
		} else {
			delay = firstRetry
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-s.wake:
		case <-s.k.cfg.ManifestChanges:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// look makes run look at once. It never blocks.
func (s *staticPods) look() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// scan reads the files. A pod that is unchanged keeps the object, and with it the time it was first seen.
func (s *staticPods) scan() {
	if s.k.cfg.Manifests == "" {
		return
	}
	pods, err := readManifests(s.k.cfg.Manifests, s.k.cfg.NodeName)
	problem := ""
	if err != nil {
		problem = err.Error()
	}
	if problem != s.problem {
		s.k.node.record("ReadManifests", s.problem, problem, problem)
		s.problem = problem
	}
	if pods == nil {
		return // the directory cannot be read: that is no reason to end anything
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, pod := range pods {
		if old := s.wanted[key]; old != nil && old.UID == pod.UID {
			pods[key] = old
		}
	}
	s.wanted, s.read = pods, true
}

// runPods starts what is wanted and ends what is not. Of a changed pod the old one ends first: both could want the same port.
func (s *staticPods) runPods() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, w := range s.workers {
		if pod := s.wanted[key]; (pod == nil || pod.UID != w.uid) && !s.leaving[key] {
			s.leaving[key] = true
			s.k.removePod(w)
		}
	}
	for key, w := range s.workers {
		select {
		case <-w.done:
			if s.leaving[key] {
				delete(s.workers, key)
				delete(s.leaving, key)
			}
		default:
		}
	}
	for key, pod := range s.wanted {
		if s.workers[key] == nil {
			s.workers[key] = s.k.startWorker(pod.DeepCopy())
		}
	}
}

// mirrorChanged takes in what the API server has.
func (s *staticPods) mirrorChanged(pod *corev1.Pod) {
	key := pod.Namespace + "/" + pod.Name
	s.mu.Lock()
	old := s.mirrors[key]
	s.mirrors[key] = pod
	w := s.workers[key]
	s.mu.Unlock()
	if w != nil && (old == nil || old.UID != pod.UID) {
		w.status.again()
	}
	if old == nil || old.UID != pod.UID || pod.DeletionTimestamp != nil {
		s.look()
	}
}

func (s *staticPods) mirrorGone(pod *corev1.Pod) {
	key := pod.Namespace + "/" + pod.Name
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.mirrors[key]; old != nil && old.UID == pod.UID {
		delete(s.mirrors, key)
		s.look()
	}
}

// mirrorsAre takes a complete list.
func (s *staticPods) mirrorsAre(pods map[types.UID]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, mirror := range s.mirrors {
		if !pods[mirror.UID] {
			delete(s.mirrors, key)
		}
	}
	s.look()
}

// mirrorOf is the object that shows the pod, nil when there is none.
func (s *staticPods) mirrorOf(pod *corev1.Pod) *corev1.Pod {
	s.mu.Lock()
	defer s.mu.Unlock()
	mirror := s.mirrors[pod.Namespace+"/"+pod.Name]
	if mirror == nil || mirror.DeletionTimestamp != nil || mirror.Annotations[corev1.MirrorPodAnnotationKey] != string(pod.UID) {
		return nil
	}
	return mirror
}

// reconcileMirrors makes the mirrors that are missing and removes those that mirror nothing any more.
func (s *staticPods) reconcileMirrors(ctx context.Context) error {
	s.mu.Lock()
	wanted, mirrors, workers, read := maps.Clone(s.wanted), maps.Clone(s.mirrors), maps.Clone(s.workers), s.read
	s.mu.Unlock()
	var errs []error
	for key, mirror := range mirrors {
		pod := wanted[key]
		stale := mirror.DeletionTimestamp != nil || pod != nil && mirror.Annotations[corev1.MirrorPodAnnotationKey] != string(pod.UID)
		if stale || pod == nil && workers[key] == nil && read {
			errs = append(errs, s.deleteMirror(ctx, mirror))
		}
	}
	for key, pod := range wanted {
		if mirrors[key] == nil && s.k.hasListed() {
			errs = append(errs, s.createMirror(ctx, pod))
		}
	}
	return errors.Join(errs...)
}

func (s *staticPods) createMirror(ctx context.Context, pod *corev1.Pod) error {
	node, err := s.k.cfg.Client.Node(ctx, s.k.cfg.NodeName)
	if err != nil {
		return fmt.Errorf("mirror pod %s: %w", podText(pod), err)
	}
	controller := true
	mirror := pod.DeepCopy()
	mirror.UID, mirror.Status = "", corev1.PodStatus{}
	mirror.Annotations[corev1.MirrorPodAnnotationKey] = string(pod.UID)
	mirror.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID, Controller: &controller}}
	_, err = s.k.cfg.Client.CreatePod(ctx, mirror)
	if err == nil || apierrors.IsAlreadyExists(err) {
		return nil // the watch brings it
	}
	s.k.cfg.Recorder.Record(decision.Record{
		Actor: "kubelet/" + s.k.cfg.NodeName, Object: podObject(pod), Action: "CreateMirrorPod", Reason: "Failed", Message: err.Error(),
	})
	return fmt.Errorf("mirror pod %s: %w", podText(pod), err)
}

func (s *staticPods) deleteMirror(ctx context.Context, mirror *corev1.Pod) error {
	now, uid := int64(0), mirror.UID
	err := s.k.cfg.Client.DeletePod(ctx, mirror.Namespace, mirror.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &uid},
	})
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return fmt.Errorf("remove mirror of pod %s: %w", podText(mirror), err)
}
