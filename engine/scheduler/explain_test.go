package scheduler_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"k8s.io/apimachinery/pkg/runtime"

	"drydock/engine/controller/controllertest"
	"drydock/engine/scheduler"
)

// TestRecordOfManyNodes: a record speaks of fifty nodes and says how many it leaves out.
func TestRecordOfManyNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		objects := []runtime.Object{newPod("web")}
		for i := range 60 {
			node := newNode(fmt.Sprintf("node-%d", i))
			if i < 40 {
				cordoned(node)
			}
			objects = append(objects, node)
		}
		c := controllertest.New(t, objects...)
		s, err := scheduler.New(scheduler.Config{Client: c.Client, Informers: c.Informers, Decisions: c.Decisions})
		if err != nil {
			t.Fatal(err)
		}
		c.Start(s)
		c.Settle()
		var details map[string]string
		records, _ := c.Decisions.Since(0)
		for _, r := range records {
			if r.Action == "Bind" {
				details = r.Details
			}
		}
		if got, want := details["…"], "10 more nodes, which this record leaves out"; got != want || len(details) != 51 {
			t.Errorf("%d details, the last %q, want %q", len(details), got, want)
		}
	})
}
