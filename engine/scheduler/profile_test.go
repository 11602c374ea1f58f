package scheduler_test

import (
	"testing"
	"testing/synctest"

	corev1 "k8s.io/api/core/v1"

	"drydock/engine/controller/controllertest"
	"drydock/engine/scheduler"
	"drydock/engine/scheduler/configuration"
)

// TestProfiles: spec.schedulerName chooses how nodes are preferred.
func TestProfiles(t *testing.T) {
	profiles := []configuration.Profile{
		{SchedulerName: "default-scheduler"},
		{SchedulerName: "blind", NoFilter: []string{"NodeUnschedulable"}},
		{SchedulerName: "packing", Fit: configuration.Fit{Type: configuration.MostAllocated}},
		{SchedulerName: "shaped", Fit: configuration.Fit{
			Type: configuration.RequestedToCapacityRatio, Shape: []configuration.ShapePoint{{Utilization: 0, Score: 0}, {Utilization: 100, Score: 10}},
		}},
		{SchedulerName: "careless", Disabled: []string{"NodeUnschedulable"}},
		{SchedulerName: "default-looks", Weights: map[string]int64{"NodeResourcesFit": 10}},
	}
	for _, test := range []struct{ profile, node string }{
		{"default-scheduler", "b"},
		{"packing", "a"},
		{"shaped", "a"},
		{"default-looks", "b"},
		{"careless", "c"},
		{"blind", "c"},
		{"nobody's", ""},
	} {
		t.Run(test.profile, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := controllertest.New(t, newNode("a"), newNode("b"), newNode("c", cordoned),
					newPod("x", on("a"), requests("1", "2Gi")), newPod("y", on("b"), requests("100m", "200Mi")),
					newPod("web", requests("500m", "1Gi"), func(p *corev1.Pod) { p.Spec.SchedulerName = test.profile }))
				s, err := scheduler.New(scheduler.Config{Client: c.Client, Informers: c.Informers, Decisions: c.Decisions, Profiles: profiles})
				if err != nil {
					t.Fatal(err)
				}
				c.Start(s)
				c.Settle()
				if got := get(t, c, "web").Spec.NodeName; got != test.node {
					t.Errorf("on node %q, want %q", got, test.node)
				}
			})
		})
	}
	if _, err := scheduler.New(scheduler.Config{Informers: controllertest.New(t).Informers, Profiles: []configuration.Profile{{}}}); err == nil {
		t.Error("a profile without a name is taken")
	}
}
