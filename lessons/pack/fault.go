package pack

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Fault is something that a lesson breaks when its world stands. Exactly one of Node and Component is set.
type Fault struct {
	Node      string    `yaml:"node"`      // "node-2"
	Component string    `yaml:"component"` // "scheduler", "controller-manager", "dns", "kubelet@node-2", "proxy@node-2"
	Do        FaultVerb `yaml:"do"`
}

// FaultVerb is what happens to a node or a component.
type FaultVerb string

// The faults: the verbs of `drydock node` and `drydock component`.
const (
	FaultStop FaultVerb = "stop" // in order; of a component, it no longer runs
	FaultKill FaultVerb = "kill" // its power is cut
	FaultCut  FaultVerb = "cut"  // its network cable is pulled
)

// faultVerbs says what can happen to what.
var faultVerbs = map[string][]FaultVerb{
	"node":      {FaultStop, FaultKill, FaultCut},
	"component": {FaultStop},
}

var (
	nodeForm      = regexp.MustCompile(`^node-([1-9][0-9]*)$`)
	components    = []string{"controller-manager", "dns", "scheduler"}
	nodeComponent = []string{"kubelet", "proxy"}
)

// String is the fault as one would type it: "node cut node-2".
func (f Fault) String() string {
	if f.Node != "" {
		return fmt.Sprintf("node %s %s", f.Do, f.Node)
	}
	return fmt.Sprintf("component %s %s", f.Do, f.Component)
}

// verifyFaults holds the rules of world.faults.
func (f *lessonFile) verifyFaults() {
	for i, fault := range f.raw.World.Faults {
		at := []string{"world", "faults", strconv.Itoa(i)}
		what := "node"
		if (fault.Node == "") == (fault.Component == "") {
			f.problem(f.at(at...), "a fault happens to exactly one node or component")
			continue
		}
		on := fault.Node
		if fault.Component != "" {
			what = "component"
			on = f.verifyComponent(fault.Component, append(at, "component"))
		}
		if verbs := faultVerbs[what]; !slices.Contains(verbs, fault.Do) {
			f.problem(f.at(append(at, "do")...), "do %q: what can happen to a %s: %s%s", fault.Do, what, strings.Join(texts(verbs), ", "), suggest(string(fault.Do), texts(verbs)))
		}
		if on != "" {
			f.verifyFaultNode(on, append(at, what))
		}
	}
}

// verifyComponent returns the node of a component that belongs to one.
func (f *lessonFile) verifyComponent(name string, at []string) string {
	part, on, ok := strings.Cut(name, "@")
	if ok && slices.Contains(nodeComponent, part) {
		return on
	}
	if !slices.Contains(components, name) {
		f.problem(f.at(at...), "there is no component %q%s; there are %s, and on each node kubelet@node-1 and proxy@node-1",
			name, suggest(name, components), strings.Join(components, ", "))
	}
	return ""
}

func (f *lessonFile) verifyFaultNode(name string, at []string) {
	m := nodeForm.FindStringSubmatch(name)
	if m == nil {
		f.problem(f.at(at...), "node %q: nodes are called node-1, node-2 and so on", name)
		return
	}
	if n, err := strconv.Atoi(m[1]); err != nil || n > f.raw.World.Nodes {
		f.problem(f.at(at...), "%s: say that the world has that many nodes (world.nodes)", name)
	}
}

func texts(verbs []FaultVerb) []string {
	var out []string
	for _, v := range verbs {
		out = append(out, string(v))
	}
	return out
}

// everyVerb is every word a fault may have, for the schema.
func everyVerb() []string {
	var out []string
	for _, verbs := range faultVerbs {
		out = append(out, texts(verbs)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// faults finds what is allowed in world.faults but rarely meant.
func (l *linter) faults(lesson *Lesson) {
	faults, broken, seen := lesson.World.Faults, 0, map[string]bool{}
	for _, f := range faults {
		if seen[f.Node+f.Component] {
			l.warn(lesson, "world.faults: two faults happen to %s", f.Node+f.Component)
		} else if f.Node != "" {
			broken++
		}
		seen[f.Node+f.Component] = true
	}
	if broken > 0 && broken == lesson.World.Nodes {
		l.warn(lesson, "world.faults: every node is taken away, so nothing can run")
	}
	if len(faults) > 0 && len(lesson.World.Until) == 0 {
		l.warn(lesson, "world.faults: they happen as soon as world.until holds, and it is empty; say what must stand before")
	}
}
