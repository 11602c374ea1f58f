package seat

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Room is for how many labs there is room side by side: for some always, and for further ones as long as processors have
// nothing to do. Most of a lesson is waiting: for a pod, for a probe, for nothing to change any more.
type Room struct {
	// set once
	Always  int            // at least 1
	Further int            // beside those
	Load    func() float64 // programs that want to run for each processor; MachineLoad when nil

	mu sync.Mutex
	// guarded by mu
	taken int
	left  chan struct{} // closed and renewed when somebody leaves
}

// A further lab is let in when processors had room for it several times in a row: a start takes them for a quarter of a second.
const (
	spareLoad   = 1.5
	spareEvery  = 100 * time.Millisecond
	spareInARow = 3
)

// Enter waits until there is room for one more lab. The error is that of ctx.
func (r *Room) Enter(ctx context.Context) error {
	load := r.Load
	if load == nil {
		load = MachineLoad
	}
	for spare := 0; ; {
		entered, left, full := r.enter(spare >= spareInARow)
		if entered {
			return nil
		}
		var look <-chan time.Time // never, when looking would not help
		if !full {
			look = time.After(spareEvery)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-left:
		case <-look:
			if spare++; load() > spareLoad {
				spare = 0
			}
		}
	}
}

func (r *Room) enter(spare bool) (entered bool, left <-chan struct{}, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.left == nil {
		r.left = make(chan struct{})
	}
	full = r.taken >= max(1, r.Always)+r.Further
	if r.taken < max(1, r.Always) || spare && !full {
		r.taken++
		return true, nil, false
	}
	return false, r.left, full
}

// Leave gives the room of one lab to others.
func (r *Room) Leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken--
	close(r.left)
	r.left = make(chan struct{})
}

// labMemory is what a lab may grow to with what a lesson runs in it.
const labMemory = 128 << 20

// Fitting is how many of these labs fit into a quarter of the memory that this machine can spare (proc_meminfo(5)). Where
// nobody can tell, none does.
func Fitting(labs int) int {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), "MemAvailable:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64) // the kernel writes numbers
	return int(min(int64(labs), kib<<10/4/labMemory))
}
