package controller_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"drydock/engine/controller"
)

func TestExpectations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, web := controller.NewExpectations(), controller.Key{Namespace: "default", Name: "web"}
		want := func(what string, satisfied bool) {
			t.Helper()
			if got, wait := e.Satisfied(web); got != satisfied || !got && wait <= 0 {
				t.Errorf("%s: satisfied %t after %v, want %t", what, got, wait, satisfied)
			}
		}
		want("at first", true)
		e.ExpectCreations(web, 2)
		e.Created(web)
		want("one of two was seen", false)
		e.Created(web)
		want("both were seen", true)
		e.Created(web) // somebody else's
		e.ExpectDeletions(web, []types.UID{"a", "b"})
		e.Deleted(web, "a")
		e.Deleted(web, "a") // its deletion timestamp, then its end
		want("one of two is gone", false)
		e.Deleted(web, "b")
		want("both are gone", true)
		e.ExpectCreations(web, 1)
		<-time.After(6 * time.Minute)
		want("after the time-out", true)
		e.ExpectCreations(web, 1)
		e.Forget(web)
		want("the owner is gone", true)
	})
}

func TestSlowStart(t *testing.T) {
	for _, test := range []struct{ count, failFrom, succeeded, asked int }{
		{0, 100, 0, 0},
		{10, 100, 10, 10},
		{10, 0, 0, 1}, // nothing is allowed: asked once
		{10, 2, 2, 3}, // one, then two, of which one fails
		{100, 20, 20, 31},
	} {
		t.Run(fmt.Sprintf("%d of which %d", test.count, test.failFrom), func(t *testing.T) {
			var asked atomic.Int32
			succeeded, err := controller.SlowStart(test.count, func() error {
				if asked.Add(1) > int32(test.failFrom) {
					return errors.New("quota")
				}
				return nil
			})
			if succeeded != test.succeeded || int(asked.Load()) != test.asked || (err != nil) != (test.failFrom < test.count) {
				t.Errorf("%d succeeded of %d asked, %v; want %d of %d", succeeded, asked.Load(), err, test.succeeded, test.asked)
			}
		})
	}
}

func TestWritten(t *testing.T) {
	w := controller.NewWritten()
	at := func(version string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "u", ResourceVersion: version}}
	}
	if w.Stale(at("9")) {
		t.Error("stale although nothing was written")
	}
	w.Wrote(at("100"))
	w.Wrote(at("12")) // an older answer that came late
	if !w.Stale(at("99")) {
		t.Error("version 99 is not stale after 100 was written")
	}
	if w.Stale(at("101")) || w.Stale(at("99")) {
		t.Error("stale after the local copy has caught up")
	}
	w.Wrote(at("200"))
	if w.Forget(at("")); w.Stale(at("1")) {
		t.Error("stale after the object was forgotten")
	}
}

func TestAvailable(t *testing.T) {
	now := time.Now()
	ready := func(ago time.Duration) *corev1.Pod {
		return &corev1.Pod{Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(now.Add(-ago))},
		}}}
	}
	for _, test := range []struct {
		name      string
		pod       *corev1.Pod
		minReady  time.Duration
		available bool
		left      time.Duration
	}{
		{"not ready", &corev1.Pod{}, 0, false, 0},
		{"ready", ready(0), 0, true, 0},
		{"ready for long enough", ready(10 * time.Second), 10 * time.Second, true, 0},
		{"not ready for long enough", ready(4 * time.Second), 10 * time.Second, false, 6 * time.Second},
	} {
		if available, left := controller.Available(test.pod, test.minReady, now); available != test.available || left != test.left {
			t.Errorf("%s: %t, %v; want %t, %v", test.name, available, left, test.available, test.left)
		}
	}
}
