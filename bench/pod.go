package main

import (
	"context"
	"fmt"
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
)

const (
	podRounds   = 60
	podImage    = "drydock/web:1"
	namespace   = "default"
	scaleTo     = 100
	scaleWithin = time.Minute // then it is reported how far it came
)

// measurePods makes pods one at a time on an idle cluster, then many at once.
func measurePods(ctx context.Context, w *workshop) ([]row, error) {
	client, err := w.api(ctx)
	if err != nil {
		return nil, err
	}
	running, gone, err := onePodAtATime(ctx, client)
	if err != nil {
		return nil, err
	}
	rows := []row{
		{what: "pod: create to Running, p50", budget: "50 ms", measured: running.String(), kept: within(running.p50(), 50*time.Millisecond)},
		{what: "pod: create to Running, p99", budget: "200 ms", measured: ms(running.p99()), kept: within(running.p99(), 200*time.Millisecond)},
		{what: "pod: delete (no grace) to gone", measured: gone.String()},
	}
	floor, err := goTest(ctx, "./sandbox/cri", "BenchmarkPod$", "30x")
	if err != nil {
		return rows, err
	}
	rows[0].floor = ms(floor.duration("Pod", "ns/op", time.Nanosecond)) + " mean, network + snapshot + container by direct CRI"
	scaled, err := scale(ctx, client)
	return append(rows, scaled...), err
}

func onePodAtATime(ctx context.Context, client *kubernetes.Clientset) (running, gone times, err error) {
	pods := client.CoreV1().Pods(namespace)
	for i := range podRounds {
		name := fmt.Sprintf("bench-%d", i)
		events, err := pods.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
		if err != nil {
			return nil, nil, err
		}
		began := time.Now()
		_, err = pods.Create(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: podImage}}},
		}, metav1.CreateOptions{})
		if err == nil {
			err = await(events, isRunning)
		}
		running = append(running, time.Since(began))
		if err == nil {
			began = time.Now()
			err = pods.Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		}
		if err == nil {
			err = await(events, func(e watch.Event) bool { return e.Type == watch.Deleted })
		}
		gone = append(gone, time.Since(began))
		events.Stop()
		if err != nil {
			return nil, nil, fmt.Errorf("pod %s: %w", name, err)
		}
	}
	return running, gone, nil
}

func isRunning(e watch.Event) bool {
	pod, ok := e.Object.(*corev1.Pod)
	return ok && pod.Status.Phase == corev1.PodRunning
}

// await reads events until one is the one; the context of the watch bounds it.
func await(events watch.Interface, done func(watch.Event) bool) error {
	for e := range events.ResultChan() {
		if done(e) {
			return nil
		}
	}
	return fmt.Errorf("the watch ended before it happened")
}

// startScale makes the deployment, and returns when its pods are ready.
func startScale(ctx context.Context, client *kubernetes.Clientset, pods int32) error {
	deployments := client.AppsV1().Deployments(namespace)
	labels := map[string]string{"app": "scale"}
	events, err := deployments.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=scale"})
	if err != nil {
		return err
	}
	defer events.Stop()
	_, err = deployments.Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "scale"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &pods, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: podImage}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	_, err = awaitReady(ctx, events, pods)
	return err
}

// awaitPodsReady waits until the deployment's pods are ready, by their own word: what the deployment says may be older.
func awaitPodsReady(ctx context.Context, client *kubernetes.Clientset, n int) error {
	ctx, cancel := context.WithTimeout(ctx, scaleWithin)
	defer cancel()
	pods := client.CoreV1().Pods(namespace)
	ready := map[string]bool{}
	note := func(p *corev1.Pod) {
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady {
				ready[p.Name] = c.Status == corev1.ConditionTrue
			}
		}
		maps.DeleteFunc(ready, func(_ string, is bool) bool { return !is })
	}
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app=scale"})
	if err != nil {
		return err
	}
	for i := range list.Items {
		note(&list.Items[i])
	}
	events, err := pods.Watch(ctx, metav1.ListOptions{LabelSelector: "app=scale", ResourceVersion: list.ResourceVersion})
	if err != nil {
		return err
	}
	defer events.Stop()
	for len(ready) < n {
		e, ok := <-events.ResultChan()
		if !ok {
			return fmt.Errorf("%d of %d pods were ready after %s", len(ready), n, scaleWithin)
		}
		if p, isPod := e.Object.(*corev1.Pod); isPod && e.Type != watch.Deleted {
			note(p)
		}
	}
	return nil
}

// scale takes a deployment from 1 to scaleTo pods and back.
func scale(ctx context.Context, client *kubernetes.Clientset) ([]row, error) {
	if err := startScale(ctx, client, 1); err != nil {
		return nil, err
	}
	events, err := client.AppsV1().Deployments(namespace).Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=scale"})
	if err != nil {
		return nil, err
	}
	defer events.Stop()
	began := time.Now()
	if err := setReplicas(ctx, client, scaleTo); err != nil {
		return nil, err
	}
	ready, err := awaitReady(ctx, events, scaleTo)
	took := time.Since(began)
	r := row{what: fmt.Sprintf("scale 1 to %d pods over 3 nodes, all Ready", scaleTo), budget: "2 s", measured: ms(took), kept: within(took, 2*time.Second)}
	if err != nil {
		r.measured = fmt.Sprintf("%d of %d after %s", ready, scaleTo, ms(took))
	}
	began = time.Now()
	if err := emptied(ctx, client); err != nil {
		return []row{r}, err
	}
	return []row{r, {what: fmt.Sprintf("delete the deployment: %d pods gone", scaleTo), measured: ms(time.Since(began))}}, nil
}

func setReplicas(ctx context.Context, client *kubernetes.Clientset, n int32) error {
	deployments := client.AppsV1().Deployments(namespace)
	current, err := deployments.GetScale(ctx, "scale", metav1.GetOptions{})
	if err != nil {
		return err
	}
	current.Spec.Replicas = n
	_, err = deployments.UpdateScale(ctx, "scale", current, metav1.UpdateOptions{})
	return err
}

// awaitReady returns how many pods were ready at last, and an error when they were too few for too long.
func awaitReady(ctx context.Context, events watch.Interface, n int32) (int32, error) {
	ctx, cancel := context.WithTimeout(ctx, scaleWithin)
	defer cancel()
	var ready int32
	for {
		select {
		case <-ctx.Done():
			return ready, fmt.Errorf("%d of %d pods were ready after %s", ready, n, scaleWithin)
		case e, ok := <-events.ResultChan():
			d, isDeployment := e.Object.(*appsv1.Deployment)
			if !ok {
				return ready, fmt.Errorf("the watch of the deployment ended")
			}
			if isDeployment {
				ready = d.Status.ReadyReplicas
			}
			if ready >= n {
				return ready, nil
			}
		}
	}
}

// emptied deletes the deployment and all its pods, and waits until they are gone.
func emptied(ctx context.Context, client *kubernetes.Clientset) error {
	ctx, cancel := context.WithTimeout(ctx, scaleWithin)
	defer cancel()
	left := map[string]bool{}
	pods := client.CoreV1().Pods(namespace)
	list, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "app=scale"})
	if err != nil {
		return err
	}
	for _, p := range list.Items {
		left[p.Name] = true
	}
	events, err := pods.Watch(ctx, metav1.ListOptions{LabelSelector: "app=scale", ResourceVersion: list.ResourceVersion})
	if err != nil {
		return err
	}
	defer events.Stop()
	deployments := client.AppsV1().Deployments(namespace)
	last, err := deployments.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=scale"})
	if err != nil {
		return err
	}
	defer last.Stop()
	foreground := metav1.DeletePropagationForeground
	if err := deployments.Delete(ctx, "scale", metav1.DeleteOptions{PropagationPolicy: &foreground}); err != nil {
		return err
	}
	err = await(events, func(e watch.Event) bool {
		if p, ok := e.Object.(*corev1.Pod); ok && e.Type == watch.Deleted {
			delete(left, p.Name)
		}
		return len(left) == 0
	})
	if err != nil {
		return fmt.Errorf("%d pods are left: %w", len(left), err)
	}
	return await(last, func(e watch.Event) bool { return e.Type == watch.Deleted })
}
