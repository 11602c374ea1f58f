package apiserver

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"drydock/engine/api"
)

// markDeleted writes the wish into obj: deletionTimestamp, grace period, the garbage collector's finalizers. errDeleteNow
// when nothing holds the object, errAlreadyDeleting when the wish adds nothing.
func markDeleted(t target, obj runtime.Object, options *metav1.DeleteOptions) error {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return internalError(err)
	}
	graceful, err := markGraceful(t, obj, options)
	if err != nil {
		return err
	}
	accessor.SetFinalizers(collectorFinalizers(t.kind, accessor, options))
	if graceful && (len(accessor.GetFinalizers()) > 0 || *accessor.GetDeletionGracePeriodSeconds() > 0) {
		return nil
	}
	if len(accessor.GetFinalizers()) == 0 && t.kind.Finalized(obj) {
		return errDeleteNow
	}
	if accessor.GetDeletionTimestamp() == nil && accessor.GetGeneration() > 0 {
		accessor.SetGeneration(accessor.GetGeneration() + 1)
	}
	now := metav1.Now()
	if at := accessor.GetDeletionTimestamp(); at == nil || at.After(now.Time) {
		accessor.SetDeletionTimestamp(&now)
	}
	if t.kind != namespaceKind { // a namespace has no such period at all
		accessor.SetDeletionGracePeriodSeconds(ptr.To[int64](0))
	}
	t.kind.MarkTerminating(obj)
	return nil
}

// markGraceful handles kinds that get time to end. It reports whether the object got some, or had some and gets less.
func markGraceful(t target, obj runtime.Object, options *metav1.DeleteOptions) (bool, error) {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return false, internalError(err)
	}
	seconds, graceful := t.kind.GracePeriod(obj, options)
	if !graceful {
		return false, nil
	}
	if accessor.GetDeletionTimestamp() != nil {
		return shortenGrace(accessor, options)
	}
	at := metav1.NewTime(time.Now().Add(time.Duration(seconds) * time.Second))
	accessor.SetDeletionTimestamp(&at)
	accessor.SetDeletionGracePeriodSeconds(&seconds)
	if accessor.GetGeneration() > 0 {
		accessor.SetGeneration(accessor.GetGeneration() + 1)
	}
	return true, nil
}

// shortenGrace repeats a deletion: the time left can only become less.
func shortenGrace(accessor metav1.Object, options *metav1.DeleteOptions) (bool, error) {
	left := accessor.GetDeletionGracePeriodSeconds()
	if left == nil || *left == 0 {
		return false, nil
	}
	if options.GracePeriodSeconds == nil {
		return false, errAlreadyDeleting
	}
	period := *options.GracePeriodSeconds
	if period < 0 {
		period = 1
	}
	if period >= *left {
		return false, errAlreadyDeleting
	}
	moved := time.Duration(period-*left) * time.Second
	at := metav1.NewTime(accessor.GetDeletionTimestamp().Add(moved))
	if now := metav1.Now(); at.Before(&now) {
		// The time is already up: a graceful wish still leaves the last word to the kubelet.
		at = now
		if period != 0 {
			period = 1
		}
	}
	accessor.SetDeletionTimestamp(&at)
	accessor.SetDeletionGracePeriodSeconds(&period)
	return true, nil
}

// collectorFinalizers are obj's finalizers with those of the garbage collector set as the wish says: wait until dependents
// are orphaned, wait until they are gone, or neither. A wish that does not say leaves what is there, else the kind decides.
func collectorFinalizers(kind *api.Resource, accessor metav1.Object, options *metav1.DeleteOptions) []string {
	var kept []string
	had := ""
	for _, f := range accessor.GetFinalizers() {
		if f == metav1.FinalizerOrphanDependents || f == metav1.FinalizerDeleteDependents {
			had = f
			continue
		}
		kept = append(kept, f)
	}
	wanted := had
	if orphan := options.OrphanDependents; orphan != nil { //nolint:staticcheck // old clients still send it
		wanted = ""
		if *orphan {
			wanted = metav1.FinalizerOrphanDependents
		}
	} else if policy := options.PropagationPolicy; policy != nil {
		wanted = map[metav1.DeletionPropagation]string{
			metav1.DeletePropagationOrphan: metav1.FinalizerOrphanDependents, metav1.DeletePropagationForeground: metav1.FinalizerDeleteDependents,
		}[*policy]
	} else if wanted == "" && kind.OrphansByDefault {
		wanted = metav1.FinalizerOrphanDependents
	}
	if wanted != "" {
		kept = append(kept, wanted)
	}
	return kept
}
