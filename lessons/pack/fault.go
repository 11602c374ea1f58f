package pack

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"drydock/engine/cluster/control"
)

// Fault is something that a lesson breaks when its world stands. Exactly one of Node, Pod and Component is set.
type Fault struct {
	Node      string    `yaml:"node"`      // "node-2"
	Pod       string    `yaml:"pod"`       // "web" or "shop/web"
	Component string    `yaml:"component"` // "scheduler", "controller-manager", "dns", "kubelet@node-2", "proxy@node-2", "storage@node-2"
	Do        FaultVerb `yaml:"do"`
	Amount    string    `yaml:"amount"` // how bad: "100ms" of delay, "10%" of loss or reorder, "1mbit" of bandwidth
}

// FaultVerb is what happens to a node or a component.
type FaultVerb string

// The faults: the verbs of `drydock node`, `drydock component` and `drydock fault`.
const (
	FaultStop FaultVerb = "stop" // in order; of a component, it no longer runs
	FaultKill FaultVerb = "kill" // its power is cut
	FaultCut  FaultVerb = "cut"  // its network cable is pulled

	FaultDelay     FaultVerb = "delay"     // packets take longer, each way
	FaultLoss      FaultVerb = "loss"      // some never arrive
	FaultReorder   FaultVerb = "reorder"   // some overtake others
	FaultBandwidth FaultVerb = "bandwidth" // only so much comes through
)

// cableVerbs are what a cable can have at the same time, each with an amount.
var cableVerbs = []FaultVerb{FaultDelay, FaultLoss, FaultReorder, FaultBandwidth}

// faultVerbs says what can happen to what.
var faultVerbs = map[string][]FaultVerb{
	"node":      append([]FaultVerb{FaultStop, FaultKill, FaultCut}, cableVerbs...),
	"pod":       append([]FaultVerb{FaultCut}, cableVerbs...),
	"component": {FaultStop},
}

var (
	podForm       = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]*[a-z0-9])?/)?[a-z0-9]([-.a-z0-9]*[a-z0-9])?$`)
	nodeForm      = regexp.MustCompile(`^node-([1-9][0-9]*)$`)
	components    = []string{"controller-manager", "dns", "scheduler"}
	nodeComponent = []string{"kubelet", "proxy", "storage"}
)

// OfCable says that the fault is one of `drydock fault`.
func (f Fault) OfCable() bool { return f.Pod != "" || slices.Contains(cableVerbs, f.Do) }

// Target is what `drydock fault` calls a cable.
func (f Fault) Target() string {
	if f.Pod != "" {
		return "pod/" + f.Pod
	}
	return "node/" + f.Node
}

// String is the fault as one would type it: "node cut node-2".
func (f Fault) String() string {
	if f.OfCable() {
		return strings.TrimSpace(fmt.Sprintf("fault %s %s %s", f.Do, f.Target(), f.Amount))
	}
	if f.Node != "" {
		return fmt.Sprintf("node %s %s", f.Do, f.Node)
	}
	return fmt.Sprintf("component %s %s", f.Do, f.Component)
}

// verifyFaults holds the rules of world.faults.
func (f *lessonFile) verifyFaults() {
	for i, fault := range f.raw.World.Faults {
		at := []string{"world", "faults", strconv.Itoa(i)}
		what, on := "node", fault.Node
		switch {
		case set(fault.Node)+set(fault.Pod)+set(fault.Component) != 1:
			f.problem(f.at(at...), "a fault happens to exactly one node, pod or component")
			continue
		case fault.Pod != "":
			what = "pod"
			if !podForm.MatchString(fault.Pod) {
				f.problem(f.at(append(at, what)...), "pod %q: write NAME or NAMESPACE/NAME", fault.Pod)
			}
		case fault.Component != "":
			what = "component"
			on = f.verifyComponent(fault.Component, append(at, what))
		}
		if verbs := faultVerbs[what]; !slices.Contains(verbs, fault.Do) {
			f.problem(f.at(append(at, "do")...), "do %q: what can happen to a %s: %s%s", fault.Do, what, strings.Join(texts(verbs), ", "), suggest(string(fault.Do), texts(verbs)))
		}
		f.verifyAmount(fault, at)
		if on != "" {
			f.verifyFaultNode(on, append(at, what))
		}
	}
}

func set(s string) int {
	if s == "" {
		return 0
	}
	return 1
}

// verifyAmount reads how bad a cable is to be as `drydock fault` will.
func (f *lessonFile) verifyAmount(fault Fault, at []string) {
	if fault.Amount == "" && !slices.Contains(cableVerbs, fault.Do) {
		return
	}
	key := "amount"
	if fault.Amount == "" {
		key = "do"
	}
	if !slices.Contains(cableVerbs, fault.Do) {
		f.problem(f.at(append(at, key)...), "%s has no amount", fault.Do)
		return
	}
	r := control.FaultRequest{Kind: control.FaultKind(fault.Do)}
	err := r.Measure(fault.Amount)
	if err == nil {
		err = r.Verify()
	}
	if err != nil {
		f.problem(f.at(append(at, key)...), "amount: %v", err)
	}
}

// verifyComponent returns the node of a component that belongs to one.
func (f *lessonFile) verifyComponent(name string, at []string) string {
	part, on, ok := strings.Cut(name, "@")
	if ok && slices.Contains(nodeComponent, part) {
		return on
	}
	if !slices.Contains(components, name) {
		f.problem(f.at(at...), "there is no component %q%s; there are %s, and on each node kubelet@node-1, proxy@node-1 and storage@node-1",
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
		name := f.Node + f.Pod + f.Component
		thing := name
		if slices.Contains(cableVerbs, f.Do) {
			thing += " " + string(f.Do) // of which a cable may have several
		}
		if seen[thing] {
			l.warn(lesson, "world.faults: two faults happen to %s", name)
		} else if f.Node != "" && !f.OfCable() {
			broken++
		}
		seen[thing] = true
	}
	if broken > 0 && broken == lesson.World.Nodes {
		l.warn(lesson, "world.faults: every node is taken away, so nothing can run")
	}
	if len(faults) > 0 && len(lesson.World.Until) == 0 {
		l.warn(lesson, "world.faults: they happen as soon as world.until holds, and it is empty; say what must stand before")
	}
}
