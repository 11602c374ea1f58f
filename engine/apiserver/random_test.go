package apiserver_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// Whoever follows a watch from the beginning knows what a list shows, whatever happens in between and whoever does it.
func TestAWatchTellsTheWholeStory(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := newCluster(t)
	w, err := c.protobuf.CoreV1().ConfigMaps("default").Watch(background, metav1.ListOptions{LabelSelector: "shown=yes"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() { scramble(t, c, rand.New(rand.NewPCG(seed, uint64(worker)))) })
	}
	wg.Wait()
	list, err := c.client.CoreV1().ConfigMaps("default").List(background, metav1.ListOptions{LabelSelector: "shown=yes"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, cm := range list.Items {
		want[cm.Name] = cm.ResourceVersion + " " + cm.Data["k"]
	}
	// A last object tells that everything before it has been seen.
	end := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "end", Labels: map[string]string{"shown": "yes"}}}
	if _, err := c.client.CoreV1().ConfigMaps("default").Create(background, end, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, retell(t, w)); diff != "" {
		t.Errorf("list and watch differ (-list +watch):\n%s", diff)
	}
}

// retell plays events into a picture of the state, until the object "end" comes.
func retell(t *testing.T, w watch.Interface) map[string]string {
	t.Helper()
	state := map[string]string{}
	for event := range w.ResultChan() {
		cm, ok := event.Object.(*corev1.ConfigMap)
		if !ok {
			t.Fatalf("event %+v", event)
		}
		_, known := state[cm.Name]
		if known != (event.Type != watch.Added) {
			t.Errorf("%s of %s, which is known: %v", event.Type, cm.Name, known)
		}
		switch {
		case cm.Name == "end":
			return state
		case event.Type == watch.Deleted:
			delete(state, cm.Name)
		default:
			state[cm.Name] = cm.ResourceVersion + " " + cm.Data["k"]
		}
	}
	t.Fatal("the watch ended early")
	return nil
}

// scramble does a hundred things to ten objects; losing a race is fine, any other error is not.
func scramble(t *testing.T, c *cluster, random *rand.Rand) {
	cms := c.client.CoreV1().ConfigMaps("default")
	for i := range 100 {
		name := fmt.Sprintf("c%d", random.IntN(10))
		shown := []string{"yes", "no"}[random.IntN(2)]
		cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"shown": shown}}, Data: map[string]string{"k": fmt.Sprint(i)}}
		var err error
		switch random.IntN(5) {
		case 0:
			_, err = cms.Create(background, cm, metav1.CreateOptions{})
		case 1:
			_, err = cms.Update(background, cm, metav1.UpdateOptions{})
		case 2:
			body := fmt.Sprintf(`{"metadata":{"labels":{"shown":%q}},"data":{"k":"p%d"}}`, shown, i)
			_, err = cms.Patch(background, name, types.MergePatchType, []byte(body), metav1.PatchOptions{})
		case 3:
			body := fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":%q,"labels":{"shown":%q}},"data":{"k":"a%d"}}`, name, shown, i)
			force := true
			_, err = cms.Patch(background, name, types.ApplyYAMLPatchType, []byte(body), metav1.PatchOptions{FieldManager: "scrambler", Force: &force})
		case 4:
			err = cms.Delete(background, name, metav1.DeleteOptions{})
		}
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsAlreadyExists(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
