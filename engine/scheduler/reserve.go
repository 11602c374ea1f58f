package scheduler

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	volumehelpers "k8s.io/component-helpers/storage/volume"
)

// bindTimeout is how long a pod's binding waits for its volumes: bindTimeoutSeconds.
const bindTimeout = 10 * time.Minute

// reservation is what a chosen node brings with it: volumes that are to be bound, or made, before the pod is.
type reservation struct {
	*volumes
	match match
	pod   *podInfo

	asked map[string]int64 // owned by settle: the resourceVersion of claims that were written, by name
}

// settle has the volumes bound, and returns when they are.
func (r *reservation) settle(ctx context.Context, client kubernetes.Interface) error {
	ctx, cancel := context.WithTimeoutCause(ctx, bindTimeout, errors.New("context deadline exceeded"))
	defer cancel()
	if err := r.ask(ctx, client); err != nil {
		return err
	}
	for {
		news := r.news() // before looking: what changes meanwhile wakes us
		done, err := r.bound()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-news:
		}
	}
}

// ask writes what was decided: into a volume, whose it is; into a claim, on which node its volume shall be made. The persistentvolume
// controller and the provisioner do the rest.
func (r *reservation) ask(ctx context.Context, client kubernetes.Interface) error {
	r.asked = map[string]int64{}
	for _, p := range r.match.static {
		volume, changed, err := volumehelpers.GetBindVolumeToClaim(p.volume, p.claim)
		if err != nil {
			return err
		}
		if !changed {
			continue
		}
		if _, err := client.CoreV1().PersistentVolumes().Update(ctx, volume, metav1.UpdateOptions{}); err != nil {
			return err
		}
	}
	for _, claim := range r.match.made {
		if claim.Annotations[volumehelpers.AnnSelectedNode] == r.match.node {
			r.asked[claim.Name] = version(claim)
			continue
		}
		asking := claim.DeepCopy()
		metav1.SetMetaDataAnnotation(&asking.ObjectMeta, volumehelpers.AnnSelectedNode, r.match.node)
		written, err := client.CoreV1().PersistentVolumeClaims(claim.Namespace).Update(ctx, asking, metav1.UpdateOptions{})
		if err != nil {
			return err
		}
		r.asked[claim.Name] = version(written)
	}
	return nil
}

// version is an object's resourceVersion, which counts up.
func version(obj metav1.Object) int64 {
	n, _ := strconv.ParseInt(obj.GetResourceVersion(), 10, 64) // the API server writes numbers
	return n
}

var errPodGone = errors.New("the pod is gone")

// bound says whether all claims have their volumes.
func (r *reservation) bound() (bool, error) {
	if r.pod.gone.Load() {
		return false, errPodGone
	}
	done := true
	for _, known := range r.match.all() {
		claim, err := r.claims.PersistentVolumeClaims(known.Namespace).Get(known.Name)
		switch {
		case apierrors.IsNotFound(err) || err == nil && claim.UID != known.UID:
			return false, fmt.Errorf("error getting PVC %q: it is gone", known.Namespace+"/"+known.Name)
		case err != nil:
			return false, err
		case version(claim) < r.asked[known.Name]:
			done = false // our own question has not come back yet
			continue
		}
		ready, err := r.claimBound(claim)
		if err != nil {
			return false, err
		}
		done = done && ready
	}
	return done, nil
}

func (r *reservation) claimBound(claim *corev1.PersistentVolumeClaim) (bool, error) {
	if _, complete := claim.Annotations[volumehelpers.AnnBindCompleted]; !complete || claim.Spec.VolumeName == "" {
		_, ours := r.asked[claim.Name]
		if ours && claim.Annotations[volumehelpers.AnnSelectedNode] == "" || r.abandoned(claim) {
			return false, fmt.Errorf("provisioning failed for PVC %q", claim.Name)
		}
		return false, nil
	}
	_, err := r.volumes.volumes.Get(claim.Spec.VolumeName)
	return err == nil, nil // not there yet: the two watches are not in step
}
