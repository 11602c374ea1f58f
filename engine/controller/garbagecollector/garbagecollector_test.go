package garbagecollector_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/garbagecollector"
)

var ctx = context.Background()

// object is a ConfigMap with owners, all of which block.
func object(name string, owners ...string) *corev1.ConfigMap {
	o := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name + "-uid")}}
	block := true
	for _, owner := range owners {
		o.OwnerReferences = append(o.OwnerReferences, metav1.OwnerReference{
			APIVersion: "v1", Kind: "ConfigMap", Name: owner, UID: types.UID(owner + "-uid"), BlockOwnerDeletion: &block,
		})
	}
	return o
}

func start(t *testing.T, objects ...runtime.Object) *controllertest.Cluster {
	t.Helper()
	c := controllertest.New(t, objects...)
	gc, err := garbagecollector.New(c.Config())
	if err != nil {
		t.Fatal(err)
	}
	c.Start(gc)
	c.Settle()
	return c
}

// left is the names of the objects, each with its owners.
func left(t *testing.T, c *controllertest.Cluster) map[string][]string {
	t.Helper()
	list, err := c.Client.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][]string{}
	for _, o := range list.Items {
		names[o.Name] = []string{}
		for _, ref := range o.OwnerReferences {
			names[o.Name] = append(names[o.Name], ref.Name)
		}
	}
	return names
}

func remove(t *testing.T, c *controllertest.Cluster, name string, policy metav1.DeletionPropagation) {
	t.Helper()
	if err := c.Client.CoreV1().ConfigMaps("default").Delete(ctx, name, metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
		t.Fatal(err)
	}
	c.Settle()
}

func TestPolicies(t *testing.T) {
	none := []string{}
	for _, test := range []struct {
		policy metav1.DeletionPropagation
		want   map[string][]string
	}{
		{metav1.DeletePropagationBackground, map[string][]string{"other": none, "shared": {"other"}}},
		{metav1.DeletePropagationForeground, map[string][]string{"other": none, "shared": {"other"}}},
		{metav1.DeletePropagationOrphan, map[string][]string{"other": none, "shared": {"other"}, "child": none, "grandchild": {"child"}}},
	} {
		t.Run(string(test.policy), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, object("root"), object("other"), object("child", "root"), object("grandchild", "child"), object("shared", "root", "other"))
				if got := left(t, c); len(got) != 5 {
					t.Fatalf("before anything was deleted: %v", got)
				}
				remove(t, c, "root", test.policy)
				if diff := cmp.Diff(test.want, left(t, c)); diff != "" {
					t.Errorf("left (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestForegroundWaits: the owner stays until the last dependent has gone.
func TestForegroundWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stubborn := object("stubborn", "root")
		stubborn.Finalizers = []string{"example.com/mine"}
		c := start(t, object("root"), object("child", "root"), stubborn)
		remove(t, c, "root", metav1.DeletePropagationForeground)
		if got := slices.Sorted(maps.Keys(left(t, c))); !slices.Equal(got, []string{"root", "stubborn"}) {
			t.Errorf("left %v, want root and stubborn", got)
		}
		patch := []byte(`{"metadata":{"finalizers":[]}}`)
		if _, err := c.Client.CoreV1().ConfigMaps("default").Patch(ctx, "stubborn", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
		c.Settle()
		if got := left(t, c); len(got) != 0 {
			t.Errorf("left %v, want nothing", got)
		}
	})
}

// TestAbsentOwners: owners that are not there, have another UID, are in another namespace, or are of an unknown kind.
func TestAbsentOwners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewed := object("renewed")
		renewed.UID = "another-uid"
		abroad := object("abroad")
		abroad.Namespace = "other"
		strange := object("strange", "x")
		strange.OwnerReferences[0].Kind = "Unknown"
		c := start(t, renewed, abroad, strange, object("never", "absent"), object("old", "renewed"), object("far", "abroad"))
		if got := slices.Sorted(maps.Keys(left(t, c))); !slices.Equal(got, []string{"renewed", "strange"}) {
			t.Errorf("left %v, want renewed and strange", got)
		}
	})
}

func TestConverges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		c.Lossy(seed)
		for i := range 40 {
			name, owner := "o"+string(rune('a'+i%20)), "o"+string(rune('a'+(i*7)%20))
			o := object(name, owner)
			if i%5 == 0 || name == owner {
				o.OwnerReferences = nil
			}
			_, _ = c.Client.CoreV1().ConfigMaps("default").Create(ctx, o, metav1.CreateOptions{})
			if i%4 == 3 {
				_ = c.Client.CoreV1().ConfigMaps("default").Delete(ctx, owner, metav1.DeleteOptions{})
			}
			c.Advance(300 * time.Millisecond)
		}
		c.Reliable()
		c.Advance(10 * time.Minute)
		got := left(t, c)
		for name, owners := range got {
			if len(owners) == 1 {
				if _, ok := got[owners[0]]; !ok {
					t.Errorf("%s is left, its owner %s is gone", name, owners[0])
				}
			}
		}
	})
}

// TestLateNews: the watch of the dependents falls behind, so that the owner is seen to go before its dependents are seen to be
// free of it.
func TestLateNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		child := object("child")
		child.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Service", Name: "owner", UID: "owner-uid"}}
		c := start(t, child, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "owner", UID: "owner-uid"}})
		c.Hold("configmaps")
		orphan := metav1.DeletePropagationOrphan
		if err := c.Client.CoreV1().Services("default").Delete(ctx, "owner", metav1.DeleteOptions{PropagationPolicy: &orphan}); err != nil {
			t.Fatal(err)
		}
		c.Advance(time.Minute)
		c.Release()
		c.Advance(time.Minute)
		if diff := cmp.Diff(map[string][]string{"child": {}}, left(t, c)); diff != "" {
			t.Errorf("what is left (-want +got):\n%s", diff)
		}
	})
}
