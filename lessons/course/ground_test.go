package course_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"drydock/checks/apitest"
	"drydock/lessons/course"
)

// TestGroundRemembersPods: a pod that could reach its node spoils the lab also when it has long gone.
func TestGroundRemembersPods(t *testing.T) {
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	api := apitest.New(t)
	g, err := course.Survey(ctx, api.REST())
	if err != nil {
		t.Fatal(err)
	}
	defer g.Leave()
	api.Set("{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: web, image: web}]}}")
	if err := g.Restore(ctx); err != nil {
		t.Errorf("after a pod as any: %v", err)
	}
	api.Set("{apiVersion: v1, kind: Pod, metadata: {name: digger}, spec: {volumes: [{name: root, hostPath: {path: /}}]}}")
	api.Remove("Pod", "default", "digger")
	for err == nil {
		err = g.Restore(ctx) // until it was told
	}
	if !errors.Is(err, course.ErrSpoilt) {
		t.Errorf("after a pod that could reach its node: %v", err)
	}
}

// TestGroundFollowsWhatItMust: a lab whose pods nobody could follow is not used again.
func TestGroundFollowsWhatItMust(t *testing.T) {
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	api := apitest.New(t)
	g, err := course.Survey(ctx, api.REST())
	if err != nil {
		t.Fatal(err)
	}
	defer g.Leave()
	api.Disconnect()
	for err == nil {
		err = g.Restore(ctx)
	}
	if !errors.Is(err, course.ErrSpoilt) {
		t.Errorf("after the connection broke: %v", err)
	}
}
