package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

const (
	claimRounds = 20
	manyClaims  = 100
)

// measureStorage makes a claim and the pod that wants it, one pair at a time, and then a hundred claims at once.
func measureStorage(ctx context.Context, w *workshop) ([]row, error) {
	client, err := w.api(ctx)
	if err != nil {
		return nil, err
	}
	var running, plain times
	for i := range claimRounds {
		took, err := podWithClaim(ctx, client, fmt.Sprintf("bench-claim-%d", i), true)
		if err != nil {
			return nil, err
		}
		bare, err := podWithClaim(ctx, client, fmt.Sprintf("bench-bare-%d", i), false)
		if err != nil {
			return nil, err
		}
		running, plain = append(running, took), append(plain, bare)
	}
	rows := []row{{
		what:     "claim and its pod: created to Running (provision, bind, mount)",
		measured: running.String(), floor: plain.String() + " the same pod without a claim",
	}}
	for _, n := range []int{manyClaims / 10, manyClaims} {
		bound, gone, err := claimsAtOnce(ctx, client, n)
		if err != nil {
			return rows, err
		}
		rows = append(rows,
			row{what: fmt.Sprintf("%d claims at once, all Bound", n), measured: fmt.Sprintf("%s, %s each", ms(bound), ms(bound/time.Duration(n)))},
			row{what: fmt.Sprintf("delete them: %d volumes gone with their data", n), measured: fmt.Sprintf("%s, %s each", ms(gone), ms(gone/time.Duration(n)))})
	}
	return rows, nil
}

func benchClaim(name, class string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"bench": "claim"}},
		Spec: corev1.PersistentVolumeClaimSpec{
			StorageClassName: &class, AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
		},
	}
}

// podWithClaim makes both at the same time, and removes them again.
func podWithClaim(ctx context.Context, client *kubernetes.Clientset, name string, claimed bool) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, scaleWithin)
	defer cancel()
	pods, claims := client.CoreV1().Pods(namespace), client.CoreV1().PersistentVolumeClaims(namespace)
	events, err := pods.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	if err != nil {
		return 0, err
	}
	defer events.Stop()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: podImage}}}}
	began := time.Now()
	if claimed {
		pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name},
		}}}
		pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "v", MountPath: "/data"}}
		if _, err := claims.Create(ctx, benchClaim(name, "standard"), metav1.CreateOptions{}); err != nil {
			return 0, err
		}
	}
	if _, err := pods.Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		return 0, err
	}
	if err := await(events, isRunning); err != nil {
		return 0, fmt.Errorf("pod %s: %w", name, err)
	}
	took := time.Since(began)
	if err := pods.Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		return 0, err
	}
	if err := await(events, func(e watch.Event) bool { return e.Type == watch.Deleted }); err != nil || !claimed {
		return took, err
	}
	return took, claims.Delete(ctx, name, metav1.DeleteOptions{})
}

// claimsAtOnce makes n claims of a class that does not wait for pods, and deletes them when all are bound.
func claimsAtOnce(ctx context.Context, client *kubernetes.Clientset, n int) (bound, gone time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, scaleWithin)
	defer cancel()
	all := metav1.ListOptions{LabelSelector: "bench=claim"}
	claims := client.CoreV1().PersistentVolumeClaims(namespace)
	events, err := claims.Watch(ctx, all)
	if err != nil {
		return 0, 0, err
	}
	defer events.Stop()
	began := time.Now()
	for i := range n {
		if _, err := claims.Create(ctx, benchClaim(fmt.Sprintf("many-%d-%d", n, i), "shared"), metav1.CreateOptions{}); err != nil {
			return 0, 0, err
		}
	}
	volumes := map[string]bool{}
	err = await(events, func(e watch.Event) bool {
		if c, ok := e.Object.(*corev1.PersistentVolumeClaim); ok && c.Status.Phase == corev1.ClaimBound && e.Type != watch.Deleted {
			volumes[c.Spec.VolumeName] = true
		}
		return len(volumes) >= n
	})
	if err != nil {
		return 0, 0, fmt.Errorf("%d of %d claims were bound: %w", len(volumes), n, err)
	}
	bound = time.Since(began)
	left, err := client.CoreV1().PersistentVolumes().Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return bound, 0, err
	}
	defer left.Stop()
	began = time.Now()
	if err := claims.DeleteCollection(ctx, metav1.DeleteOptions{}, all); err != nil {
		return bound, 0, err
	}
	err = await(left, func(e watch.Event) bool {
		if v, ok := e.Object.(*corev1.PersistentVolume); ok && e.Type == watch.Deleted {
			delete(volumes, v.Name)
		}
		return len(volumes) == 0
	})
	return bound, time.Since(began), err
}
