package netem

import (
	"math/rand/v2"
	"time"

	"github.com/vishvananda/netlink"
)

// Fault is what is wrong with a cable. All of it holds for each packet, in each direction; the zero Fault is a good cable.
type Fault struct {
	Cut       bool          // nothing comes through
	Delay     time.Duration // how much longer a packet takes
	Jitter    time.Duration // by how much the delay differs, more or less
	Loss      float64       // percent that never arrive
	Reorder   float64       // percent that overtake those before them: only the others are delayed
	Bandwidth int64         // bits per second; 0: as fast as it goes
}

// overtaken is how long packets wait that others are to overtake, when nothing else delays them.
const overtaken = 10 * time.Millisecond

// effective fills in what follows from the rest.
func (f Fault) effective() Fault {
	if f.Cut {
		f = Fault{Loss: 100}
	}
	if f.Reorder > 0 && f.Delay == 0 {
		f.Delay = overtaken
	}
	return f
}

// qdisc is the fault in the words of tc-netem(8).
func (f Fault) qdisc() netlink.NetemQdiscAttrs {
	f = f.effective()
	return netlink.NetemQdiscAttrs{
		Latency: uint32(f.Delay.Microseconds()), Jitter: uint32(f.Jitter.Microseconds()),
		Loss: float32(f.Loss), ReorderProb: float32(f.Reorder), Rate64: uint64(f.Bandwidth) / 8,
	}
}

// patience is how long a packet may wait for a narrow cable before it is dropped.
const patience = 400 * time.Millisecond

// narrow is a cable with a bandwidth: it carries one packet after the other.
type narrow struct{ free time.Time }

// fate says when a packet of size bytes that comes in at now goes out; ok is false when it is lost.
func (n *narrow) fate(f Fault, now time.Time, size int) (due time.Time, ok bool) {
	if rand.Float64()*100 < f.Loss {
		return time.Time{}, false
	}
	due = now
	if f.Bandwidth > 0 {
		if n.free.After(now) {
			due = n.free
		}
		if due.Sub(now) > patience {
			return time.Time{}, false
		}
		n.free = due.Add(time.Duration(float64(size) * 8 / float64(f.Bandwidth) * float64(time.Second)))
		due = n.free
	}
	if rand.Float64()*100 < f.Reorder {
		return due, true
	}
	due = due.Add(f.Delay)
	if f.Jitter > 0 {
		due = due.Add(time.Duration((2*rand.Float64() - 1) * float64(f.Jitter)))
	}
	if due.Before(now) {
		due = now
	}
	return due, true
}
