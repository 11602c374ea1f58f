package course_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/course"
	"drydock/lessons/pack"
)

// machines writes down what is done to it.
type machines struct {
	did    []string
	needed []string
	err    error
}

func (m *machines) Break(_ context.Context, f pack.Fault) error {
	m.did = append(m.did, f.String())
	return m.err
}

func (m *machines) Mend(context.Context) error {
	m.did = append(m.did, "mend")
	return nil
}

func TestFaultsComeLastAndGoFirst(t *testing.T) {
	c, room := begin(t, "free"), &machines{}
	lesson := c.cfg.Pack.Lesson("pod")
	lesson.World.Faults = []pack.Fault{{Node: "node-2", Do: pack.FaultCut}, {Component: "scheduler", Do: pack.FaultStop}}
	if err := c.Open(t.Context(), "pod"); !errors.Is(err, course.ErrNoMachines) {
		t.Fatalf("without machines: %v", err)
	}
	c.cfg.Machines = room
	lesson.World.Images = []string{"drydock/web:1", "nginx:1"}
	c.restart()
	c.open("pod")
	if err := c.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.open("more") // which breaks nothing, and begins on whole machines
	want := []string{
		"mend", "node cut node-2", "component stop scheduler",
		"mend", "node cut node-2", "component stop scheduler",
		"mend",
	}
	if diff := cmp.Diff(want, room.did); diff != "" {
		t.Errorf("done to the machines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"nginx:1", "nginx:1"}, room.needed); diff != "" {
		t.Errorf("images needed (-want +got):\n%s", diff)
	}
	room.err = errors.New("this lab has no node")
	if err := c.Open(t.Context(), "pod"); !errors.Is(err, room.err) || c.Current() != nil {
		t.Errorf("a fault that did not happen: %v, lesson %v", err, c.Current())
	}
}

func (m *machines) Bring(_ context.Context, needed []string) error {
	m.needed = append(m.needed, needed...)
	return nil
}
