package provisioner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/provisioner"
	"drydock/engine/storage"
	"drydock/engine/storage/pathdriver"
)

// world is a cluster of one node with a real driver, which answers over a real socket: so its time is real too.
type world struct {
	*controllertest.Cluster
	t   *testing.T
	ctx context.Context
	dir string
	off atomic.Bool // the node is
}

func start(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "csi") // a socket's path may have 107 bytes, and t.TempDir is long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	driver := pathdriver.New(pathdriver.Config{Node: "node-1", Local: filepath.Join(dir, "local"), Shared: filepath.Join(dir, "shared"), KubeletDir: dir})
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "node-1", Labels: map[string]string{corev1.LabelHostname: "node-1"}},
		Status:     corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
	}
	w := &world{Cluster: controllertest.New(t, node, class("local", nil), class("shared", map[string]string{storage.SharedParameter: "true"})), t: t, ctx: ctx, dir: dir}
	options := provisioner.Options{Socket: func(string) (string, error) {
		if w.off.Load() {
			return "", errors.New("node-1 is off")
		}
		return storage.Socket(dir, storage.Driver), nil
	}}
	makes, err := provisioner.New(w.Config(), options)
	if err != nil {
		t.Fatal(err)
	}
	grows, err := provisioner.NewResizer(w.Config(), options)
	if err != nil {
		t.Fatal(err)
	}
	w.Start(makes, grows, untilCancelled{driver})
	return w
}

// untilCancelled is the driver as the other runners end.
type untilCancelled struct{ *pathdriver.Driver }

func (d untilCancelled) Run(ctx context.Context) error {
	return errors.Join(d.Driver.Run(ctx), ctx.Err())
}

func class(name string, parameters map[string]string) *storagev1.StorageClass {
	return &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: name}, Provisioner: storage.Provisioner, Parameters: parameters,
		VolumeBindingMode: ptr.To(storagev1.VolumeBindingImmediate), ReclaimPolicy: ptr.To(corev1.PersistentVolumeReclaimDelete),
	}
}

func claim(name, class string, modes ...corev1.PersistentVolumeAccessMode) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, Annotations: map[string]string{"volume.kubernetes.io/storage-provisioner": storage.Provisioner},
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: modes, StorageClassName: &class,
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
		},
	}
}

func (w *world) create(c *corev1.PersistentVolumeClaim) *corev1.PersistentVolumeClaim {
	w.t.Helper()
	made, err := w.Client.CoreV1().PersistentVolumeClaims("default").Create(w.ctx, c, metav1.CreateOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// await follows a kind until an event passes test.
func (w *world) await(what string, open func(context.Context, metav1.ListOptions) (watch.Interface, error), test func(watch.Event) bool) {
	w.t.Helper()
	events, err := open(w.ctx, metav1.ListOptions{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer events.Stop()
	for {
		select {
		case e := <-events.ResultChan():
			if test(e) {
				return
			}
		case <-w.ctx.Done():
			w.t.Fatalf("waited in vain for %s", what)
		}
	}
}

// volume waits for the volume of a claim.
func (w *world) volume(c *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	w.t.Helper()
	var made *corev1.PersistentVolume
	w.await("the volume of "+c.Name, w.Client.CoreV1().PersistentVolumes().Watch, func(e watch.Event) bool {
		v := e.Object.(*corev1.PersistentVolume)
		made = v
		return v.Spec.ClaimRef.UID == c.UID
	})
	return made
}

func (w *world) told(reason, text string) {
	w.t.Helper()
	w.await("an Event "+reason+": "+text, w.Client.CoreV1().Events("").Watch, func(e watch.Event) bool {
		event, ok := e.Object.(*corev1.Event)
		return ok && event.Reason == reason && strings.Contains(event.Message, text)
	})
}

func (w *world) release(v *corev1.PersistentVolume) {
	w.t.Helper()
	v.Status.Phase = corev1.VolumeReleased
	if _, err := w.Client.CoreV1().PersistentVolumes().UpdateStatus(w.ctx, v, metav1.UpdateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) awaitDeleted(v *corev1.PersistentVolume) {
	w.t.Helper()
	w.await("the end of "+v.Name, w.Client.CoreV1().PersistentVolumes().Watch, func(e watch.Event) bool {
		return e.Type == watch.Deleted && e.Object.(*corev1.PersistentVolume).UID == v.UID
	})
}

func TestMakesAndDeletes(t *testing.T) {
	w := start(t)
	c := w.create(claim("data", "local", corev1.ReadWriteOnce))
	v := w.volume(c)
	if v.Name != "pvc-"+string(c.UID) || v.Spec.CSI == nil || v.Spec.CSI.Driver != storage.Driver || v.Spec.StorageClassName != "local" ||
		v.Annotations["pv.kubernetes.io/provisioned-by"] != storage.Provisioner || !slices.Contains(v.Finalizers, "external-provisioner.volume.kubernetes.io/finalizer") {
		t.Errorf("made %+v", v)
	}
	if v.Spec.NodeAffinity == nil || v.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Values[0] != "node-1" {
		t.Errorf("reachable from %+v", v.Spec.NodeAffinity)
	}
	w.told("ProvisioningSucceeded", "Successfully provisioned volume "+v.Name)
	data := filepath.Join(w.dir, "local", v.Name, "data")
	if _, err := os.Stat(data); err != nil {
		t.Error(err)
	}
	w.release(v)
	w.awaitDeleted(v)
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("the data of a deleted volume: %v", err)
	}
}

func TestRetainedVolumeStays(t *testing.T) {
	w := start(t)
	v := w.volume(w.create(claim("data", "local", corev1.ReadWriteOnce)))
	v.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimRetain
	if _, err := w.Client.CoreV1().PersistentVolumes().Update(w.ctx, v, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	// The finalizer goes, so the object is nobody's but the person's. That it went says that the new policy was seen.
	w.await("the finalizer's end", w.Client.CoreV1().PersistentVolumes().Watch, func(e watch.Event) bool {
		v = e.Object.(*corev1.PersistentVolume)
		return v.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimRetain && len(v.Finalizers) == 0
	})
	w.release(v)
	next := w.volume(w.create(claim("next", "local", corev1.ReadWriteOnce)))
	w.release(next)
	w.awaitDeleted(next)
	if _, err := os.Stat(filepath.Join(w.dir, "local", v.Name, "data")); err != nil {
		t.Errorf("the data of a retained volume: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	w := start(t)
	w.create(claim("many", "local", corev1.ReadWriteMany))
	w.told("ProvisioningFailed", `failed to provision volume with StorageClass "local": rpc error: code = InvalidArgument desc = a volume on one node`)
	picky := claim("picky", "local", corev1.ReadWriteOnce)
	picky.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"a": "b"}}
	w.create(picky)
	w.told("ProvisioningFailed", "claim Selector is not supported")
	block := claim("block", "shared", corev1.ReadWriteMany)
	block.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeBlock)
	w.create(block)
	w.told("ProvisioningFailed", "this driver has no block volumes")
	foreign := claim("foreign", "local", corev1.ReadWriteOnce)
	foreign.Annotations["volume.kubernetes.io/storage-provisioner"] = "example.com/disk"
	w.create(foreign)
	w.volume(w.create(claim("shared", "shared", corev1.ReadWriteMany))) // which came after all of these
	list, err := w.Client.CoreV1().PersistentVolumes().List(w.ctx, metav1.ListOptions{})
	if err != nil || len(list.Items) != 1 {
		t.Errorf("volumes: %v, %v", list.Items, err)
	}
}

// TestNodeThatIsOff: a volume that cannot be deleted stays until it can.
func TestNodeThatIsOff(t *testing.T) {
	w := start(t)
	v := w.volume(w.create(claim("data", "local", corev1.ReadWriteOnce)))
	w.off.Store(true)
	w.release(v)
	w.told("VolumeFailedDelete", "node-1 is off")
	if _, err := w.Client.CoreV1().PersistentVolumes().Get(w.ctx, v.Name, metav1.GetOptions{}); err != nil {
		t.Errorf("while its node is off the volume is gone: %v", err)
	}
	w.off.Store(false)
	w.awaitDeleted(v)
}

// TestNodeThatIsRemoved: with the machine went its volumes, so nobody waits for it.
func TestNodeThatIsRemoved(t *testing.T) {
	w := start(t)
	v := w.volume(w.create(claim("data", "local", corev1.ReadWriteOnce)))
	w.off.Store(true)
	if err := w.Client.CoreV1().Nodes().Delete(w.ctx, "node-1", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.release(v)
	w.awaitDeleted(v)
	if _, err := w.Client.CoreV1().PersistentVolumes().Get(w.ctx, v.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the volume: %v", err)
	}
}

func TestGrows(t *testing.T) {
	w := start(t)
	c := w.create(claim("data", "local", corev1.ReadWriteOnce))
	v := w.volume(c)
	claims := w.Client.CoreV1().PersistentVolumeClaims("default")
	c.Spec.VolumeName = v.Name
	c.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("2Mi")
	c, err := claims.Update(w.ctx, c, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: v.Spec.Capacity}
	if _, err := claims.UpdateStatus(w.ctx, c, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.await("the claim's new size", claims.Watch, func(e watch.Event) bool {
		return e.Object.(*corev1.PersistentVolumeClaim).Status.Capacity.Storage().String() == "2Mi"
	})
	grown, err := w.Client.CoreV1().PersistentVolumes().Get(w.ctx, v.Name, metav1.GetOptions{})
	if err != nil || grown.Spec.Capacity.Storage().String() != "2Mi" {
		t.Errorf("the volume has %v, %v", grown.Spec.Capacity, err)
	}
	w.told("VolumeResizeSuccessful", "Resize volume succeeded")
}
