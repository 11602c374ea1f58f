package namespace_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/namespace"
)

var ctx = context.Background()

func TestEmptiesAndFinalizes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(ns, name string, finalizers ...string) metav1.ObjectMeta {
			return metav1.ObjectMeta{Namespace: ns, Name: name, Finalizers: finalizers}
		}
		c := controllertest.New(t,
			&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{"kubernetes"}}},
			&corev1.Pod{ObjectMeta: in("team", "web"), Spec: corev1.PodSpec{NodeName: "node-1"}},
			&corev1.ConfigMap{ObjectMeta: in("team", "plain")},
			&corev1.ConfigMap{ObjectMeta: in("team", "kept", "example.com/mine")},
			&corev1.Event{ObjectMeta: in("team", "event")},
			&corev1.ConfigMap{ObjectMeta: in("other", "plain")},
		)
		nsc, err := namespace.New(c.Config())
		if err != nil {
			t.Fatal(err)
		}
		c.Start(nsc, c.NewKubelet())
		c.Advance(time.Second)
		core := c.Client.CoreV1()
		if list, err := core.ConfigMaps("team").List(ctx, metav1.ListOptions{}); err != nil || len(list.Items) != 2 {
			t.Fatalf("before the deletion: %d ConfigMaps, %v", len(list.Items), err)
		}
		if err := core.Namespaces().Delete(ctx, "team", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(5 * time.Second)
		ns, err := core.Namespaces().Get(ctx, "team", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[corev1.NamespaceConditionType]string{}
		for _, c := range ns.Status.Conditions {
			got[c.Type] = string(c.Status) + " " + c.Reason + ": " + c.Message
		}
		if want := "True SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource instances"; got["NamespaceContentRemaining"] != want {
			t.Errorf("NamespaceContentRemaining is %q, want %q", got["NamespaceContentRemaining"], want)
		}
		if want := "True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/mine in 1 resource instances"; got["NamespaceFinalizersRemaining"] != want {
			t.Errorf("NamespaceFinalizersRemaining is %q, want %q", got["NamespaceFinalizersRemaining"], want)
		}
		patch := []byte(`{"metadata":{"finalizers":[]}}`)
		if _, err := core.ConfigMaps("team").Patch(ctx, "kept", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(5 * time.Second)
		if ns, err := core.Namespaces().Get(ctx, "team", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			t.Errorf("the namespace is still there: %v, %v", ns, err)
		}
		for _, name := range []string{"team", "other"} {
			list, err := core.ConfigMaps(name).List(ctx, metav1.ListOptions{})
			if want := map[string]int{"team": 0, "other": 1}[name]; err != nil || len(list.Items) != want {
				t.Errorf("%d ConfigMaps in %s, %v; want %d", len(list.Items), name, err, want)
			}
		}
	})
}

// A namespace that was made anew keeps what is in it, also when the controller has not yet heard that the old one is gone.
func TestLeavesTheNextOneAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		team := func() *corev1.Namespace {
			return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team"}, Spec: corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{"kubernetes"}}}
		}
		c := controllertest.New(t, team(),
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "kept", Finalizers: []string{"example.com/mine"}}})
		nsc, err := namespace.New(c.Config())
		if err != nil {
			t.Fatal(err)
		}
		c.Start(nsc)
		c.Advance(time.Second)
		core := c.Client.CoreV1()
		if err := core.Namespaces().Delete(ctx, "team", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(5 * time.Second)
		c.Hold("namespaces") // what comes from here on the controller does not hear
		defer c.Release()
		patch := []byte(`{"metadata":{"finalizers":[]}}`)
		if _, err := core.ConfigMaps("team").Patch(ctx, "kept", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(5 * time.Second)
		if _, err := core.Namespaces().Create(ctx, team(), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		next := metav1.ObjectMeta{Namespace: "team", Name: "next"}
		if _, err := core.ConfigMaps("team").Create(ctx, &corev1.ConfigMap{ObjectMeta: next}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		// A pod wakes the controller.
		if _, err := core.Pods("team").Create(ctx, &corev1.Pod{ObjectMeta: next}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Advance(5 * time.Second)
		if _, err := core.ConfigMaps("team").Get(ctx, "next", metav1.GetOptions{}); err != nil {
			t.Errorf("what is in the new namespace: %v", err)
		}
	})
}
