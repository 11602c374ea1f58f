package replication_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/engine/controller/controllertest"
	"drydock/engine/controller/replication"
)

var ctx = context.Background()

func TestKeepsTheNumber(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	synctest.Test(t, func(t *testing.T) {
		labels, three := map[string]string{"app": "web"}, int32(3)
		c := controllertest.New(t, &corev1.ReplicationController{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "web-uid"},
			Spec: corev1.ReplicationControllerSpec{
				Replicas: &three, Selector: labels, Template: &corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}},
			},
		}, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "orphan", Labels: labels}})
		rc, err := replication.New(c.Config())
		if err != nil {
			t.Fatal(err)
		}
		c.Start(rc, c.NewKubelet())
		c.Settle()
		pods := func() []corev1.Pod {
			list, err := c.Client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return list.Items
		}
		owner := func() *corev1.ReplicationController {
			o, err := c.Client.CoreV1().ReplicationControllers("default").Get(ctx, "web", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		for _, pod := range pods() {
			if ref := metav1.GetControllerOf(&pod); ref == nil || ref.Kind != "ReplicationController" || ref.APIVersion != "v1" {
				t.Errorf("%s has the owner %+v", pod.Name, ref)
			}
		}
		want := corev1.ReplicationControllerStatus{
			Replicas: 3, FullyLabeledReplicas: 3, ReadyReplicas: 3, AvailableReplicas: 3, ObservedGeneration: 1,
		}
		if diff := cmp.Diff(want, owner().Status); diff != "" || len(pods()) != 3 {
			t.Errorf("%d pods, status (-want +got):\n%s", len(pods()), diff)
		}
		events, err := c.Client.CoreV1().Events("default").List(ctx, metav1.ListOptions{})
		if err != nil || !slices.ContainsFunc(events.Items, func(e corev1.Event) bool {
			return fmt.Sprint(e.InvolvedObject.Kind, " ", e.Source.Component) == "ReplicationController replication-controller" &&
				strings.HasPrefix(e.Message, "Created pod: web-")
		}) {
			t.Errorf("events %+v, %v", events.Items, err)
		}
		version := owner().ResourceVersion
		c.Advance(time.Minute)
		if now := owner().ResourceVersion; now != version {
			t.Errorf("the status was written again without a change: %s, %s", version, now)
		}
		c.Lossy(seed)
		for range 10 {
			if left := pods(); len(left) > 0 { // all may be gone: the controller is kept from knowing
				_ = c.Client.CoreV1().Pods("default").Delete(ctx, left[0].Name, metav1.DeleteOptions{})
			}
			c.Advance(time.Second)
		}
		c.Reliable()
		c.Advance(time.Hour)
		if len(pods()) != 3 {
			t.Errorf("%d pods, want 3", len(pods()))
		}
	})
}
