// Package tuitest is a small world behind the interface, for its tests and pictures: a lab whose shell understands a few
// commands, and a course of three lessons. Nothing in it is real, and everything happens at times that a test can foresee.
package tuitest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"drydock/tui"
)

// Step is the time between two changes of a pod.
const Step = 300 * time.Millisecond

// World is a tui.Lab and a tui.Course.
type World struct {
	Now      func() time.Time
	StartErr error   // Start answers this
	Slow     bool    // Start reports steps that never end
	Manual   bool    // pods move on with Advance, not with time
	Typed    bool    // the question is answered by typing, not by choosing
	Price    float64 // of each hint

	mu sync.Mutex
	// guarded by mu
	pods     []tui.PodRow
	events   []tui.EventRow
	shells   int
	resets   int
	current  int
	waiting  []func() // what Advance does, in order
	answers  map[string]string
	hints    map[string]int
	done     map[string]bool
	watchers []chan struct{}
	sizes    [][2]int
}

var (
	_ tui.Lab    = (*World)(nil)
	_ tui.Course = (*World)(nil)
)

// NewWorld returns a world with three nodes and no pods.
func NewWorld() *World {
	return &World{Now: time.Now, answers: map[string]string{}, hints: map[string]int{}, done: map[string]bool{}}
}

// Start reports three steps.
func (w *World) Start(ctx context.Context, report func(tui.StartStep)) error {
	steps := []tui.StartStep{{ID: "unpack", Text: "unpack images"}, {ID: "plane", Text: "start the control plane"}, {ID: "nodes", Text: "start 3 nodes"}}
	for _, s := range steps {
		report(s)
		if w.Slow && s.ID == "nodes" {
			<-ctx.Done()
			return ctx.Err()
		}
		if w.StartErr == nil {
			s.Done = true
			report(s)
		}
	}
	return w.StartErr
}

// Status is the lab's name and limits.
func (w *World) Status() tui.LabStatus {
	return tui.LabStatus{Name: "default", Tier: "emulated limits", Address: "https://127.0.0.1:40123"}
}

// Shells is how many shells were opened.
func (w *World) Shells() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.shells
}

// Resets is how often something was reset.
func (w *World) Resets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.resets
}

// Sizes are the sizes the shells were told, in order.
func (w *World) Sizes() [][2]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.sizes)
}

// watch is a channel that has a value after each change.
func (w *World) watch() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := make(chan struct{}, 1)
	ch <- struct{}{}
	w.watchers = append(w.watchers, ch)
	return ch
}

func (w *World) changedLocked() {
	for _, ch := range w.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// feed sends a picture after each change, until ctx ends.
func feed[T any](ctx context.Context, w *World, picture func() T) <-chan T {
	out, changed := make(chan T), w.watch()
	go func() {
		defer close(out)
		for {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
			select {
			case out <- picture():
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// Cluster sends the picture of the cluster.
func (w *World) Cluster(ctx context.Context) <-chan tui.ClusterView {
	return feed(ctx, w, func() tui.ClusterView {
		w.mu.Lock()
		defer w.mu.Unlock()
		v := tui.ClusterView{Pods: slices.Clone(w.pods), Events: slices.Clone(w.events)}
		for i := 1; i <= 3; i++ {
			n := tui.NodeRow{Name: fmt.Sprintf("node-%d", i), Address: fmt.Sprintf("172.30.0.1%d", i), Status: "Ready", Ready: true}
			for _, p := range w.pods {
				if p.Node == n.Name {
					n.Pods++
				}
			}
			v.Nodes = append(v.Nodes, n)
		}
		return v
	})
}

// RunPod makes a pod that comes up in three steps.
func (w *World) RunPod(name, image string) {
	w.mu.Lock()
	n := len(w.pods)
	w.pods = append(w.pods, tui.PodRow{Namespace: "default", Name: name, Ready: "0/1", Status: "Pending"})
	w.eventLocked(false, "Scheduled", name, "Successfully assigned default/"+name+" to node-"+fmt.Sprint(n%3+1))
	w.mu.Unlock()
	last := func(p *tui.PodRow) {
		p.Status, p.Ready, p.Address = "Running", "1/1", fmt.Sprintf("10.244.%d.%d", n%3+1, n+2)
	}
	if image != "drydock/web:1" {
		last = func(p *tui.PodRow) { p.Status = "ErrImagePull" }
	}
	creating := func(p *tui.PodRow) { p.Status, p.Node = "ContainerCreating", fmt.Sprintf("node-%d", n%3+1) }
	if w.Manual {
		w.mu.Lock()
		w.waiting = append(w.waiting, func() { w.change(name, creating) }, func() { w.change(name, last) })
		w.mu.Unlock()
		return
	}
	go func() {
		<-time.After(Step)
		w.change(name, creating)
		<-time.After(Step)
		w.change(name, last)
	}()
}

// Advance makes the next change of a pod, in a world that is Manual.
func (w *World) Advance() {
	w.mu.Lock()
	next := w.waiting[0]
	w.waiting = w.waiting[1:]
	w.mu.Unlock()
	next()
}

func (w *World) eventLocked(warning bool, reason, pod, message string) {
	w.events = append(w.events, tui.EventRow{
		Time: w.Now(), Warning: warning, Reason: reason, Object: "pod/" + pod, Message: message, Count: 1,
	})
	w.changedLocked()
}

func (w *World) change(name string, edit func(*tui.PodRow)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.pods {
		if w.pods[i].Name == name {
			edit(&w.pods[i])
			w.eventLocked(w.pods[i].Status == "ErrImagePull", w.pods[i].Status, name, "now "+w.pods[i].Status)
		}
	}
}

// DeletePod takes a pod away, and says whether there was one.
func (w *World) DeletePod(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := len(w.pods)
	w.pods = slices.DeleteFunc(w.pods, func(p tui.PodRow) bool { return p.Name == name })
	w.changedLocked()
	return len(w.pods) < before
}

// Pods are the pods of the moment.
func (w *World) Pods() []tui.PodRow {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.pods)
}
