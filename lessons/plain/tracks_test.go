package plain_test

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"drydock/lessons/course"
	"drydock/lessons/library"
	"drydock/lessons/plain"
)

// All bundled packs are one list with a title for each track, and the last lesson of one pack leads to the first of the next.
func TestSeveralPacks(t *testing.T) {
	d := sit(t)
	all, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	d.cfg.Pack = all
	ready := false
	d.api.OnChange(func(_ string, o *unstructured.Unstructured) {
		if o.GetName() == "neighbour" && !ready { // what the last lesson of the first pack waits for
			ready = true
			d.api.Set("{apiVersion: v1, kind: Pod, metadata: {name: neighbour}, status: {conditions: [{type: Ready, status: \"True\"}]}}")
		}
	})
	list := d.run(plain.OK, func(m plain.Mode, c *course.Course) int { return m.List(context.Background(), c) })
	for _, want := range []string{"First steps\n1. Your first pod (", "\n3. A Deployment (", "\n\nPods\n4. "} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %q:\n%s", want, list)
		}
	}
	d.start(plain.OK, "a-deployment", true)
	next := d.run(plain.OK, func(m plain.Mode, c *course.Course) int { return m.Next(context.Background(), c, true) })
	if !strings.HasPrefix(next, "Lesson 4 of ") {
		t.Errorf("next says:\n%s", next)
	}
	again := d.run(plain.OK, func(m plain.Mode, c *course.Course) int { return m.Show(context.Background(), c) })
	if !strings.HasPrefix(again, "Lesson 4 of ") {
		t.Errorf("another program does not find the lesson of the second pack again:\n%s", again)
	}
}
