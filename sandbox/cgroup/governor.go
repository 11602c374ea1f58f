package cgroup

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// governor is the manager of the emulated tier.
//
// One goroutine, run, is awake only while a group has a limit. Every tick (5 ms) it reads the clocks and the memory of the
// processes it knows; every period (100 ms) it looks through /proc for new ones, which costs about 15 us for each process
// on the machine. It ends with Close.
type governor struct {
	// set once in newGovernor
	ownMounts uint64
	wake      chan struct{} // a group may have got its first limit
	stop      chan struct{}
	stopped   chan struct{}

	mu sync.Mutex
	// guarded by mu
	groups   map[string]*governed
	closed   bool
	assigned time.Time
}

const tick = 5 * time.Millisecond

func newGovernor() *governor {
	v := &governor{
		ownMounts: mountsOf(os.Getpid()), groups: map[string]*governed{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{}),
	}
	go v.run()
	return v
}

func (v *governor) run() {
	defer close(v.stopped)
	for {
		select {
		case <-v.stop:
			return
		case <-v.wake:
			if !v.govern() {
				return
			}
		}
	}
}

// govern ticks for as long as there are limits; false means that the governor is to end.
func (v *governor) govern() bool {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var periodEnds time.Time
	for {
		now := time.Now()
		begins := !now.Before(periodEnds)
		if begins {
			periodEnds = now.Add(period)
		}
		if !v.look(begins, now) {
			return true
		}
		select {
		case <-v.stop:
			return false
		case <-ticker.C:
		}
	}
}

// look is one tick; false means that no group has a limit.
func (v *governor) look(begins bool, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if begins {
		v.assignLocked()
	}
	limited := false
	for _, g := range v.groups {
		if g.limits != (Limits{}) {
			limited = true
			g.tickLocked(begins, now)
		}
	}
	return limited
}

// assignLocked finds the processes of every group. Those in a mount namespace that a group's processes brought along
// belong to it, and so does a child of a process that belongs.
func (v *governor) assignLocked() {
	v.assigned = time.Now()
	table := processes()
	for _, g := range v.groups {
		g.forgetDeadLocked(table)
	}
	for pid, s := range table {
		mounts := mountsOf(pid)
		for _, g := range v.groups {
			_, known := g.members[pid]
			_, child := g.members[s.parent]
			if !known && (child || g.mounts[mounts]) {
				g.joinLocked(pid, s.start)
			}
		}
	}
}

// refreshLocked is assignLocked unless that was done a moment ago: whoever asks for usage asks for that of every group.
func (v *governor) refreshLocked() {
	if time.Since(v.assigned) >= period {
		v.assignLocked()
	}
}

// processes are all that live, by pid.
func processes() map[int]stat {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer proc.Close()
	names, _ := proc.Readdirnames(-1)
	table := make(map[int]stat, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if s, err := statOf(pid); err == nil && s.state != 'Z' && s.state != 'X' {
			table[pid] = s
		}
	}
	return table
}

func (v *governor) Tier() Tier { return Emulated }

func (v *governor) New(name string, l Limits) (Group, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return nil, fmt.Errorf("make group %q: the manager is closed", name)
	}
	if _, taken := v.groups[name]; taken || name == "" {
		return nil, fmt.Errorf("make group %q: the name is taken", name)
	}
	g := &governed{governor: v, name: name, limits: l, members: map[int]*member{}, mounts: map[uint64]bool{}}
	v.groups[name] = g
	v.wakeUp()
	return g, nil
}

func (v *governor) wakeUp() {
	select {
	case v.wake <- struct{}{}:
	default: // it has been told already
	}
}

func (v *governor) Close() error {
	v.mu.Lock()
	var errs []error
	for _, g := range v.groups {
		errs = append(errs, g.killLocked())
	}
	already := v.closed
	v.closed, v.groups = true, nil
	v.mu.Unlock()
	if !already {
		close(v.stop)
	}
	<-v.stopped
	return errors.Join(errs...)
}

// signalProcess sends sig to the process that is meant, not to one that got its number later.
func signalProcess(pid int, start uint64, sig unix.Signal) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil // gone
	}
	defer func() { _ = unix.Close(fd) }()
	if s, err := statOf(pid); err != nil || s.start != start {
		return nil
	}
	if err := unix.PidfdSendSignal(fd, sig, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("send %s to process %d: %w", sig, pid, err)
	}
	return nil
}
