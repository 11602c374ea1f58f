package engine_test

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func (s *storm) pods() []corev1.Pod {
	s.t.Helper()
	list, err := s.Client.CoreV1().Pods("").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return list.Items
}

// live are the pods of one owner, or of all, that have not ended and are not asked to.
func live(pods []corev1.Pod, app string) []corev1.Pod {
	return slices.DeleteFunc(slices.Clone(pods), func(p corev1.Pod) bool {
		ended := p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
		return ended || p.DeletionTimestamp != nil || app != "" && p.Labels["app"] != app
	})
}

// nobodyHasTooMuch holds at any moment, whatever fails.
func (s *storm) nobodyHasTooMuch() {
	s.t.Helper()
	pods := s.pods()
	if n := len(live(pods, "plain")); n > 3 {
		s.t.Errorf("ReplicaSet plain has %d live pods of 3", n)
	}
	if n := len(live(pods, "sum")); n > 2 {
		s.t.Errorf("Job sum has %d live pods of 2", n)
	}
	agents, taken := map[string]int{}, map[string]int{}
	for _, p := range live(pods, "agent") {
		if agents[p.Spec.NodeName]++; p.Spec.NodeName != "" && agents[p.Spec.NodeName] > 1 {
			s.t.Errorf("DaemonSet agent has %d live pods on %s", agents[p.Spec.NodeName], p.Spec.NodeName)
		}
	}
	for i := range pods {
		if p := &pods[i]; p.Spec.NodeName != "" && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
			taken[p.Spec.NodeName]++
		}
	}
	for node, n := range taken {
		if n > nodeTakes {
			s.t.Errorf("%s has %d pods, and takes %d", node, n, nodeTakes)
		}
	}
	sum := int32(0)
	for _, set := range s.replicaSets() {
		if owner := metav1.GetControllerOf(&set); owner != nil && owner.Name == "steady" {
			sum += *set.Spec.Replicas
		}
	}
	if sum > 5 {
		s.t.Errorf("the ReplicaSets of steady, 4 pods and 1 more in a rollout, ask for %d", sum)
	}
}

func (s *storm) replicaSets() []appsv1.ReplicaSet {
	s.t.Helper()
	list, err := s.Client.AppsV1().ReplicaSets("").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return list.Items
}

// everybodyHasTheirs holds when the storm has passed.
func (s *storm) everybodyHasTheirs() {
	s.t.Helper()
	pods := s.pods()
	for i := range pods {
		p := &pods[i]
		switch {
		case p.DeletionTimestamp != nil:
			s.t.Errorf("pod %s is still ending", p.Name)
		case p.Labels["app"] != "sum" && (p.Status.Phase != corev1.PodRunning || !readiness(p)):
			s.t.Errorf("pod %s on %q is %s, ready %t", p.Name, p.Spec.NodeName, p.Status.Phase, readiness(p))
		}
	}
	for app, want := range map[string]int32{"web": s.replicas["web"], "steady": 4, "plain": 3, "db": s.replicas["db"], "agent": stormNodes, "sum": 0} {
		if n := int32(len(live(pods, app))); n != want {
			s.t.Errorf("%s has %d pods, want %d", app, n, want)
		}
	}
	s.namesOfDB(pods)
	for _, name := range []string{"web", "steady"} {
		d, err := s.Client.AppsV1().Deployments("default").Get(context.Background(), name, metav1.GetOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		want := *d.Spec.Replicas
		if got := d.Status; got.ObservedGeneration != d.Generation || got.Replicas != want || got.UpdatedReplicas != want || got.AvailableReplicas != want {
			s.t.Errorf("Deployment %s, generation %d, of %d: %+v", name, d.Generation, want, got)
		}
		for _, p := range live(pods, name) {
			if got, want := p.Spec.Containers[0].Image, d.Spec.Template.Spec.Containers[0].Image; got != want {
				s.t.Errorf("pod %s has image %s, want %s", p.Name, got, want)
			}
		}
	}
	sum, err := s.Client.BatchV1().Jobs("default").Get(context.Background(), "sum", metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	done := slices.ContainsFunc(sum.Status.Conditions, func(c batchv1.JobCondition) bool {
		return c.Type == batchv1.JobComplete && c.Status == corev1.ConditionTrue
	})
	if !done || sum.Status.Succeeded != 20 {
		s.t.Errorf("Job sum: %+v", sum.Status)
	}
}

func (s *storm) namesOfDB(pods []corev1.Pod) {
	s.t.Helper()
	have := map[string]bool{}
	for _, p := range live(pods, "db") {
		have[p.Name] = true
	}
	for i := range s.replicas["db"] {
		if name := fmt.Sprintf("db-%d", i); !have[name] {
			s.t.Errorf("%s is missing: %v", name, have)
		}
	}
}

// nothingIsLeftOver: every object's owner is there, every pod's node too, and a Service leads to the pods that are ready and to nobody else.
func (s *storm) nothingIsLeftOver() {
	s.t.Helper()
	there := map[types.UID]bool{}
	pods, sets, ctx := s.pods(), s.replicaSets(), context.Background()
	for _, name := range []string{"web", "steady"} {
		d, _ := s.Client.AppsV1().Deployments("default").Get(ctx, name, metav1.GetOptions{})
		there[d.UID] = true
	}
	db, _ := s.Client.AppsV1().StatefulSets("default").Get(ctx, "db", metav1.GetOptions{})
	agent, _ := s.Client.AppsV1().DaemonSets("default").Get(ctx, "agent", metav1.GetOptions{})
	sum, _ := s.Client.BatchV1().Jobs("default").Get(ctx, "sum", metav1.GetOptions{})
	there[db.UID], there[agent.UID], there[sum.UID] = true, true, true
	for i := range sets {
		there[sets[i].UID] = true
		if owner := metav1.GetControllerOf(&sets[i]); owner != nil && !there[owner.UID] {
			s.t.Errorf("ReplicaSet %s belongs to %s, which is gone", sets[i].Name, owner.Name)
		}
	}
	ready := map[string]bool{}
	for i := range pods {
		p := &pods[i]
		if owner := metav1.GetControllerOf(p); owner == nil || !there[owner.UID] {
			s.t.Errorf("pod %s is an orphan: %v", p.Name, owner)
		}
		if _, err := s.Client.CoreV1().Nodes().Get(ctx, p.Spec.NodeName, metav1.GetOptions{}); err != nil {
			s.t.Errorf("pod %s is on %q: %v", p.Name, p.Spec.NodeName, err)
		}
		if p.Labels["app"] == "web" {
			ready[p.Status.PodIP] = true
		}
	}
	s.endpoints(ready)
	spaces, err := s.Client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil || len(spaces.Items) != 1 {
		s.t.Errorf("namespaces %v, %v, want only default", spaces.Items, err)
	}
}

func (s *storm) endpoints(want map[string]bool) {
	s.t.Helper()
	slices, err := s.Client.DiscoveryV1().EndpointSlices("default").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	have := map[string]bool{}
	for _, slice := range slices.Items {
		if slice.Labels[discoveryv1.LabelServiceName] != "web" {
			s.t.Errorf("EndpointSlice %s belongs to %q", slice.Name, slice.Labels[discoveryv1.LabelServiceName])
		}
		for _, endpoint := range slice.Endpoints {
			have[endpoint.Addresses[0]] = true
			if !want[endpoint.Addresses[0]] {
				s.t.Errorf("endpoint %v is of no pod", endpoint.Addresses)
			}
		}
	}
	if len(have) != len(want) {
		s.t.Errorf("%d endpoints for %d pods", len(have), len(want))
	}
}
