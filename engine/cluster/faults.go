package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"drydock/engine/cluster/control"
	"drydock/engine/decision"
	"drydock/sandbox/lab"
	"drydock/sandbox/netem"
)

// fault is one thing that is wrong with a cable.
type fault struct {
	control.Fault
	request control.FaultRequest
	gone    chan struct{} // closed when it is no more, so that its clock stops
}

// badCable is a cable whose packets fare badly. It ends with the machine or pod that it belongs to.
type badCable struct {
	impairment *netem.Impairment
	mend       context.CancelFunc
	mended     chan struct{} // closed when the cable is as before, or gone
}

// bareLink is what a pulled cable is made bad by.
const bareLink = "link down"

// makeFault makes the handler of control.VerbFault. A fault lives as long as life, unless it is undone.
func (c *Cluster) makeFault(life context.Context) lab.Handler {
	return func(ctx context.Context, call *lab.Call) error {
		var r control.FaultRequest
		if err := call.Decode(&r); err != nil {
			return err
		}
		if err := r.Verify(); err != nil {
			return err
		}
		made, err := c.addFault(ctx, life, r)
		if err != nil {
			return err
		}
		return call.Send(made)
	}
}

func (c *Cluster) addFault(ctx, life context.Context, r control.FaultRequest) (control.Fault, error) {
	place, err := c.placeOf(ctx, r.Target)
	if err != nil {
		return control.Fault{}, err
	}
	c.faulty.Lock()
	defer c.faulty.Unlock()
	c.pruneLocked()
	f := &fault{request: r, gone: make(chan struct{}), Fault: control.Fault{Kind: r.Kind, Target: place.target, How: howOf(r), Since: time.Now()}}
	if r.For > 0 {
		f.Until = f.Since.Add(r.For)
	}
	replaced := func(other *fault) bool { return other.Kind == f.Kind && other.Target == f.Target }
	rest := slices.DeleteFunc(slices.Clone(c.faults), replaced)
	if f.pulls() {
		f.By, err = bareLink, c.setLink(place.node, false)
	} else {
		f.By, err = c.impairLocked(life, place, append(rest, f))
	}
	if err != nil {
		return control.Fault{}, fmt.Errorf("%s %s: %w", r.Kind, place.target, err)
	}
	c.dropLocked(replaced)
	c.faults = append(c.faults, f)
	c.recordFault(place.target, "MakeFault", "", f.sentence())
	if r.For > 0 {
		c.background.Go(func() { c.expire(life, f) })
	}
	return f.Fault, nil
}

// pulls: the fault is a node's cable that is pulled; all others are about packets.
func (f *fault) pulls() bool {
	return f.Kind == control.FaultCut && strings.HasPrefix(f.Target, "node/")
}

// impairLocked makes a cable what the faults say, and says by what.
func (c *Cluster) impairLocked(life context.Context, at place, faults []*fault) (string, error) {
	if cable := c.badCables[at.target]; cable != nil {
		return string(cable.impairment.Mechanism()), cable.impairment.Change(sum(faults, at.target))
	}
	impairment, err := netem.New(at.cable, sum(faults, at.target))
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(life)
	cable := &badCable{impairment: impairment, mend: cancel, mended: make(chan struct{})}
	c.badCables[at.target] = cable
	c.background.Go(func() {
		defer close(cable.mended)
		defer cancel()
		if err := impairment.Run(ctx); err != nil && life.Err() == nil {
			c.recordFault(at.target, "MendCable", "", err.Error())
		}
	})
	_, off := at.node.running()
	c.background.Go(func() {
		defer cancel()
		at.awaitEnd(ctx, off)
	})
	return string(impairment.Mechanism()), nil
}

// over: the cable has ended by itself.
func (b *badCable) over() bool {
	select {
	case <-b.mended:
		return true
	default:
		return false
	}
}

// sum is what all faults about packets of one cable come to.
func sum(faults []*fault, target string) netem.Fault {
	var s netem.Fault
	for _, f := range faults {
		if f.Target != target || f.pulls() {
			continue
		}
		switch r := f.request; f.Kind {
		case control.FaultCut:
			s.Cut = true
		case control.FaultDelay:
			s.Delay, s.Jitter = r.Delay, r.Jitter
		case control.FaultLoss:
			s.Loss = r.Percent
		case control.FaultReorder:
			s.Reorder = r.Percent
		case control.FaultBandwidth:
			s.Bandwidth = r.Bandwidth
		}
	}
	return s
}

// expire undoes a fault when its time is up.
func (c *Cluster) expire(life context.Context, f *fault) {
	clock := time.NewTimer(time.Until(f.Until))
	defer clock.Stop()
	select {
	case <-f.gone:
	case <-life.Done():
	case <-clock.C:
		// Its only error is a cable that could not be mended, which is recorded there.
		_, _ = c.undo(func(other *fault) bool { return other == f })
	}
}

// undo takes faults away and returns them when their cables are as before.
func (c *Cluster) undo(chosen func(*fault) bool) ([]control.Fault, error) {
	c.faulty.Lock()
	defer c.faulty.Unlock()
	c.pruneLocked()
	var undone []control.Fault
	var errs []error
	for _, f := range slices.Clone(c.faults) {
		if !chosen(f) {
			continue
		}
		if err := c.undoLocked(f); err != nil {
			errs = append(errs, fmt.Errorf("undo %s of %s: %w", f.Kind, f.Target, err))
			continue
		}
		undone = append(undone, f.Fault)
		c.recordFault(f.Target, "UndoFault", f.sentence(), "")
	}
	inListOrder(undone)
	return undone, errors.Join(errs...)
}

func (c *Cluster) undoLocked(f *fault) error {
	if f.pulls() {
		n, err := c.find(strings.TrimPrefix(f.Target, "node/"))
		if err == nil {
			err = c.setLink(n, true)
		}
		if err != nil {
			return err
		}
	}
	c.dropLocked(func(other *fault) bool { return other == f })
	cable := c.badCables[f.Target]
	switch {
	case f.pulls() || cable == nil:
		return nil
	case slices.ContainsFunc(c.faults, func(other *fault) bool { return other.Target == f.Target && !other.pulls() }):
		return cable.impairment.Change(sum(c.faults, f.Target))
	}
	cable.mend()
	<-cable.mended
	delete(c.badCables, f.Target)
	return nil
}

// dropLocked forgets faults and stops their clocks.
func (c *Cluster) dropLocked(which func(*fault) bool) {
	c.faults = slices.DeleteFunc(c.faults, func(f *fault) bool {
		if !which(f) {
			return false
		}
		close(f.gone)
		return true
	})
}

// pruneLocked forgets faults whose cables have ended, or were put back by other hands, and notes the ones that were pulled by
// them (`drydock node cut`).
func (c *Cluster) pruneLocked() {
	for target, cable := range c.badCables {
		if cable.over() {
			delete(c.badCables, target)
		}
	}
	pulled := map[string]bool{}
	for _, n := range c.status().Nodes {
		pulled["node/"+n.Name] = n.State == "cut"
	}
	c.dropLocked(func(f *fault) bool {
		if !f.pulls() {
			return c.badCables[f.Target] == nil
		}
		stays := pulled[f.Target]
		delete(pulled, f.Target)
		return !stays
	})
	for target, is := range pulled {
		if is {
			f := control.Fault{Kind: control.FaultCut, Target: target, By: bareLink, Since: time.Now()}
			c.faults = append(c.faults, &fault{Fault: f, gone: make(chan struct{})})
		}
	}
}

// listFaults answers control.VerbFaults.
func (c *Cluster) listFaults(_ context.Context, call *lab.Call) error {
	c.faulty.Lock()
	c.pruneLocked()
	var all []control.Fault
	for _, f := range c.faults {
		all = append(all, f.Fault)
	}
	c.faulty.Unlock()
	inListOrder(all)
	for _, f := range all {
		if err := call.Send(f); err != nil {
			return err
		}
	}
	return nil
}

func inListOrder(all []control.Fault) {
	slices.SortFunc(all, func(a, b control.Fault) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), slices.Index(control.FaultKinds, a.Kind)-slices.Index(control.FaultKinds, b.Kind))
	})
}

// undoFaults answers control.VerbFaultUndo.
func (c *Cluster) undoFaults(ctx context.Context, call *lab.Call) error {
	var u control.FaultUndo
	if err := call.Decode(&u); err != nil {
		return err
	}
	target := ""
	if u.Target != "" {
		var err error
		if target, err = normalTarget(u.Target); err != nil {
			return err
		}
	}
	undone, err := c.undo(func(f *fault) bool {
		return (u.Kind == "" || f.Kind == u.Kind) && (target == "" || f.Target == target)
	})
	for _, f := range undone {
		err = errors.Join(err, call.Send(f))
	}
	return err
}

func (f *fault) sentence() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s", f.Kind, f.How)) + " (" + f.By + ")"
}

// howOf says a request's measure as people write it.
func howOf(r control.FaultRequest) string {
	switch r.Kind {
	case control.FaultDelay:
		if r.Jitter > 0 {
			return fmt.Sprintf("%s ± %s", r.Delay, r.Jitter)
		}
		return r.Delay.String()
	case control.FaultLoss, control.FaultReorder:
		return fmt.Sprintf("%g%%", r.Percent)
	case control.FaultBandwidth:
		return bits(r.Bandwidth)
	}
	return ""
}

func bits(perSecond int64) string {
	n, unit := float64(perSecond), ""
	for _, larger := range []string{"k", "M", "G"} {
		if n >= 1000 {
			n, unit = n/1000, larger
		}
	}
	return fmt.Sprintf("%g %sbit/s", n, unit)
}

func (c *Cluster) recordFault(target, action, before, after string) {
	kind, name, _ := strings.Cut(target, "/")
	object := decision.Object{Resource: kind + "s", Name: name}
	if namespace, pod, ok := strings.Cut(name, "/"); ok {
		object.Namespace, object.Name = namespace, pod
	}
	c.ring.Record(decision.Record{Actor: "machine-room", Object: object, Action: action, Before: before, After: after})
}
