package apiserver_test

import (
	"slices"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// boundPod is a pod on a node, so that its deletion waits for the kubelet.
func boundPod(t *testing.T, c *cluster, name string) *corev1.Pod {
	t.Helper()
	pod := webPod(name)
	pod.Spec.NodeName = "node-1"
	return mustCreatePod(t, c, pod)
}

func TestPodOnANodeGoesInTwoSteps(t *testing.T) {
	c := newCluster(t)
	pods := c.client.CoreV1().Pods("default")
	boundPod(t, c, "web")
	if err := pods.Delete(background, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	pod, err := pods.Get(background, "web", metav1.GetOptions{})
	if err != nil || pod.DeletionTimestamp == nil || *pod.DeletionGracePeriodSeconds != 30 || pod.Generation != 2 {
		t.Fatalf("%+v, %v", pod, err)
	}
	// Again, with less time: the deadline moves forward, never back.
	if err := pods.Delete(background, "web", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](5)}); err != nil {
		t.Fatal(err)
	}
	shorter, err := pods.Get(background, "web", metav1.GetOptions{})
	if err != nil || *shorter.DeletionGracePeriodSeconds != 5 || !shorter.DeletionTimestamp.Before(pod.DeletionTimestamp) {
		t.Fatalf("%+v, %v", shorter.ObjectMeta, err)
	}
	if err := pods.Delete(background, "web", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](60)}); err != nil {
		t.Fatal(err)
	}
	if same, err := pods.Get(background, "web", metav1.GetOptions{}); err != nil || same.ResourceVersion != shorter.ResourceVersion {
		t.Errorf("a longer wish changed the pod: %v", err)
	}
	// The kubelet's last word, for this pod and no other of its name.
	wrong := types.UID("other")
	err = pods.Delete(background, "web", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0), Preconditions: &metav1.Preconditions{UID: &wrong}})
	if !apierrors.IsConflict(err) {
		t.Errorf("precondition: %v", err)
	}
	err = pods.Delete(background, "web", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0), Preconditions: &metav1.Preconditions{UID: &pod.UID}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pods.Get(background, "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("still there: %v", err)
	}
}

func TestUnscheduledPodGoesAtOnce(t *testing.T) {
	c := newCluster(t)
	mustCreatePod(t, c, webPod("web"))
	pods := c.client.CoreV1().Pods("default")
	if err := pods.Delete(background, "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := pods.Get(background, "web", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("still there: %v", err)
	}
}

func TestFinalizersHoldAnObject(t *testing.T) {
	c := newCluster(t)
	cms := c.client.CoreV1().ConfigMaps("default")
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c", Finalizers: []string{"example.org/hold"}}}
	if _, err := cms.Create(background, cm, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := cms.Delete(background, "c", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	held, err := cms.Get(background, "c", metav1.GetOptions{})
	if err != nil || held.DeletionTimestamp == nil || *held.DeletionGracePeriodSeconds != 0 {
		t.Fatalf("%+v, %v", held, err)
	}
	_, err = cms.Create(background, cm, metav1.CreateOptions{})
	if want := `object is being deleted: configmaps "c" already exists`; !apierrors.IsAlreadyExists(err) || err.Error() != want {
		t.Errorf("create: %v, want %s", err, want)
	}
	held.Finalizers = nil
	if _, err := cms.Update(background, held, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := cms.Get(background, "c", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("still there: %v", err)
	}
}

func TestPropagationPolicies(t *testing.T) {
	for policy, finalizer := range map[metav1.DeletionPropagation]string{
		metav1.DeletePropagationForeground: "foregroundDeletion", metav1.DeletePropagationOrphan: "orphan", metav1.DeletePropagationBackground: "",
	} {
		c := newCluster(t)
		webDeployment(t, c)
		deployments := c.client.AppsV1().Deployments("default")
		if err := deployments.Delete(background, "web", metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
			t.Fatal(err)
		}
		left, err := deployments.Get(background, "web", metav1.GetOptions{})
		if finalizer == "" {
			if !apierrors.IsNotFound(err) {
				t.Errorf("%s: %v", policy, err)
			}
			continue
		}
		if err != nil || len(left.Finalizers) != 1 || left.Finalizers[0] != finalizer || left.DeletionTimestamp == nil {
			t.Errorf("%s: %+v, %v", policy, left.ObjectMeta, err)
		}
	}
}

func TestNamespaceGoesWhenItIsEmpty(t *testing.T) {
	c := newCluster(t)
	namespaces := c.client.CoreV1().Namespaces()
	if _, err := namespaces.Create(background, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "n"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := namespaces.Delete(background, "n", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	ns, err := namespaces.Get(background, "n", metav1.GetOptions{})
	if err != nil || ns.Status.Phase != corev1.NamespaceTerminating || ns.DeletionTimestamp == nil || ns.DeletionGracePeriodSeconds != nil {
		t.Fatalf("%+v, %v", ns, err)
	}
	_, err = c.client.CoreV1().ConfigMaps("n").Create(background, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, metav1.CreateOptions{})
	if want := `configmaps "c" is forbidden: unable to create new content in namespace n because it is being terminated`; !apierrors.IsForbidden(err) || err.Error() != want ||
		!apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		t.Errorf("%v, want %s", err, want)
	}
	ns.Spec.Finalizers = nil
	if _, err := namespaces.Finalize(background, ns, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := namespaces.Get(background, "n", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("still there: %v", err)
	}
}

func TestDeleteCollectionAndEviction(t *testing.T) {
	c := newCluster(t)
	createConfigMaps(t, c, 4)
	cms := c.client.CoreV1().ConfigMaps("default")
	if err := cms.DeleteCollection(background, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "even=true"}); err != nil {
		t.Fatal(err)
	}
	if left, err := cms.List(background, metav1.ListOptions{}); err != nil || len(left.Items) != 2 || left.Items[0].Name != "c0001" {
		t.Errorf("%+v, %v", left, err)
	}
	boundPod(t, c, "web")
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "default"}}
	if err := c.client.PolicyV1().Evictions("default").Evict(background, eviction); err != nil {
		t.Fatal(err)
	}
	if pod, err := c.client.CoreV1().Pods("default").Get(background, "web", metav1.GetOptions{}); err != nil || pod.DeletionTimestamp == nil ||
		pod.Status.Conditions[0].Reason != "EvictionByEvictionAPI" {
		t.Errorf("%+v, %v", pod, err)
	}
}

func TestProtobufDeleteOptions(t *testing.T) {
	c := newCluster(t)
	boundPod(t, c, "web")
	pods := c.protobuf.CoreV1().Pods("default")
	if err := pods.Delete(background, "web", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](7)}); err != nil {
		t.Fatal(err)
	}
	if pod, err := pods.Get(background, "web", metav1.GetOptions{}); err != nil || *pod.DeletionGracePeriodSeconds != 7 {
		t.Errorf("%+v, %v", pod, err)
	}
}

// TestOldKindsOrphanByDefault: who deletes a Job and says nothing of its pods leaves them behind; of a ReplicaSet they go too.
func TestOldKindsOrphanByDefault(t *testing.T) {
	c := newCluster(t)
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "pi", Image: "i"}}}}
	jobs := c.client.BatchV1().Jobs("default")
	if _, err := jobs.Create(ctx, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "pi"}, Spec: batchv1.JobSpec{Template: template}}, create); err != nil {
		t.Fatal(err)
	}
	if err := jobs.Delete(ctx, "pi", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	job, err := jobs.Get(ctx, "pi", metav1.GetOptions{})
	if err != nil || !slices.Equal(job.Finalizers, []string{metav1.FinalizerOrphanDependents}) {
		t.Errorf("a deleted Job: %v (%v)", job.Finalizers, err)
	}
	background := metav1.DeletePropagationBackground
	if err := jobs.Delete(ctx, "pi", metav1.DeleteOptions{PropagationPolicy: &background}); err != nil {
		t.Fatal(err)
	}
	if _, err := jobs.Get(ctx, "pi", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("in the background: %v", err)
	}
}
