package persistentvolume

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"drydock/engine/controller"
)

// newest keeps what the controller itself has written until the watch has brought it back: a volume given away a moment ago must not
// look free.
type newest[T metav1.Object] map[controller.Key]T

func (n newest[T]) wrote(obj T) T {
	n[keyOf(obj)] = obj
	return obj
}

func keyOf(obj metav1.Object) controller.Key {
	return controller.Key{Namespace: obj.GetNamespace(), Name: obj.GetName()}
}

// of returns the newer of what the watch shows and what was written.
func (n newest[T]) of(seen T) T {
	written, ok := n[keyOf(seen)]
	if !ok {
		return seen
	}
	if seen.GetUID() != written.GetUID() || revision(seen) >= revision(written) {
		delete(n, keyOf(seen))
		return seen
	}
	return written
}

// revision is an object's resourceVersion, which counts up over all objects.
func revision(obj metav1.Object) int64 {
	n, _ := strconv.ParseInt(obj.GetResourceVersion(), 10, 64) // the API server writes numbers
	return n
}

// claim returns a claim as it is now; nil when it is gone.
func (c *Controller) claim(k controller.Key) (*corev1.PersistentVolumeClaim, error) {
	claim, err := c.claims.PersistentVolumeClaims(k.Namespace).Get(k.Name)
	if apierrors.IsNotFound(err) {
		delete(c.wroteClaims, k)
		delete(c.said, k)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.wroteClaims.of(claim), nil
}

// volume returns a volume as it is now; nil when it is gone.
func (c *Controller) volume(name string) (*corev1.PersistentVolume, error) {
	volume, err := c.volumes.Get(name)
	if apierrors.IsNotFound(err) {
		delete(c.wroteVolumes, controller.Key{Name: name})
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return c.wroteVolumes.of(volume), nil
}

// allVolumes are the volumes as they are now.
func (c *Controller) allVolumes() ([]*corev1.PersistentVolume, error) {
	seen, err := c.volumes.List(labels.Everything())
	volumes := make([]*corev1.PersistentVolume, len(seen))
	for i := range seen {
		volumes[i] = c.wroteVolumes.of(seen[i])
	}
	return volumes, err
}
