package checks

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// What happened first on another kind's watch is told first, even if it arrives a moment later.
func TestOrderAcrossKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := newTimeline([]Kind{{}})
		line.caughtUp(Kind{}, nil)
		var told atomic.Int32
		for _, version := range []string{"9", "8"} {
			o := &unstructured.Unstructured{Object: map[string]any{}}
			o.SetResourceVersion(version)
			line.add(Change{Object: o}, func() { told.Add(1) })
			<-time.After(delayLine / 2)
		}
		<-time.After(delayLine)
		synctest.Wait()
		changes, err := line.Recorded(0)
		if err != nil || len(changes) != 2 || told.Load() != 2 {
			t.Fatalf("%d changes, told %d times, %v", len(changes), told.Load(), err)
		}
		if first := changes[0].Object.GetResourceVersion(); first != "8" {
			t.Errorf("version %s comes first", first)
		}
	})
}
