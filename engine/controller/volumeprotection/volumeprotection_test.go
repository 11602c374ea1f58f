package volumeprotection_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/volumeprotection"
)

var ctx = context.Background()

func start(t *testing.T) *controllertest.Cluster {
	t.Helper()
	c := controllertest.New(t)
	claims, err := volumeprotection.NewClaims(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := volumeprotection.NewVolumes(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	c.Start(claims, volumes)
	return c
}

func pod(node, claim string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "app"}, Spec: corev1.PodSpec{NodeName: node, Volumes: []corev1.Volume{{
		Name: "v", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}},
	}}}}
}

func TestClaimWaitsForItsPods(t *testing.T) {
	for name, test := range map[string]struct {
		pod  *corev1.Pod
		stay bool
	}{
		"in use":                {pod("node-1", "data"), true},
		"by a pod without node": {pod("", "data"), false},
		"of another name":       {pod("node-1", "other"), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t)
				claims, pods := c.Client.CoreV1().PersistentVolumeClaims("default"), c.Client.CoreV1().Pods("default")
				if _, err := pods.Create(ctx, test.pod, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				if _, err := claims.Create(ctx, &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}}, metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
				c.Settle()
				claim, err := claims.Get(ctx, "data", metav1.GetOptions{})
				if err != nil || !slices.Contains(claim.Finalizers, "kubernetes.io/pvc-protection") {
					t.Fatalf("the claim is not protected: %v, %v", claim, err)
				}
				if err := claims.Delete(ctx, "data", metav1.DeleteOptions{}); err != nil {
					t.Fatal(err)
				}
				c.Settle()
				if _, err := claims.Get(ctx, "data", metav1.GetOptions{}); apierrors.IsNotFound(err) == test.stay {
					t.Fatalf("the deleted claim: %v", err)
				}
				now := int64(0)
				if err := pods.Delete(ctx, "app", metav1.DeleteOptions{GracePeriodSeconds: &now}); err != nil {
					t.Fatal(err)
				}
				c.Settle()
				if _, err := claims.Get(ctx, "data", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
					t.Errorf("without its pod the deleted claim is there: %v", err)
				}
			})
		})
	}
}

func TestBoundVolumeWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		volumes := c.Client.CoreV1().PersistentVolumes()
		disk := &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "disk"}, Status: corev1.PersistentVolumeStatus{Phase: corev1.VolumeBound}}
		if _, err := volumes.Create(ctx, disk, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		if err := volumes.Delete(ctx, "disk", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		bound, err := volumes.Get(ctx, "disk", metav1.GetOptions{})
		if err != nil || !slices.Contains(bound.Finalizers, "kubernetes.io/pv-protection") {
			t.Fatalf("a bound volume that is deleted: %v, %v", bound, err)
		}
		bound.Status.Phase = corev1.VolumeReleased
		if _, err := volumes.UpdateStatus(ctx, bound, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		if _, err := volumes.Get(ctx, "disk", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("a released volume that is deleted is there: %v", err)
		}
	})
}
