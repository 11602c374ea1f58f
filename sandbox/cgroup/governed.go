package cgroup

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// governed is a group of the emulated tier. All of it is guarded by the governor's mu.
type governed struct {
	governor *governor
	name     string
	limits   Limits
	members  map[int]*member
	mounts   map[uint64]bool // mount namespaces that members brought along

	past      int64 // CPU time of members that have ended, in nanoseconds
	begun     int64 // CPU time at the beginning of the period
	debt      int64 // what the last period used too much
	stopped   bool  // until the next period
	since     time.Time
	throttled time.Duration
	frozen    bool
	oomKills  int64
}

// member is a process of a group.
type member struct {
	start uint64
	cpu   int64 // last seen
}

func (g *governed) joinLocked(pid int, start uint64) {
	cpu, _ := cpuOf(pid)
	g.members[pid] = &member{start: start, cpu: cpu}
	if g.stopped || g.frozen {
		_ = signalProcess(pid, start, unix.SIGSTOP) // it is looked at again in the next period
	}
}

// forgetDeadLocked takes members out that are not in the table, or are there with another start time.
func (g *governed) forgetDeadLocked(table map[int]stat) {
	for pid, m := range g.members {
		if s, alive := table[pid]; !alive || s.start != m.start {
			g.past += m.cpu
			delete(g.members, pid)
		}
	}
}

// tickLocked compares what the group uses with its limits.
func (g *governed) tickLocked(begins bool, now time.Time) {
	used := g.cpuLocked()
	if begins {
		g.beginPeriodLocked(used, now)
		g.limitPidsLocked()
	}
	if allowed := g.limits.CPUMillis * period.Nanoseconds() / 1000; allowed > 0 && !g.stopped && used-g.begun+g.debt >= allowed {
		g.stopped, g.since = true, now
		_ = g.signalLocked(unix.SIGSTOP) // whom it does not reach now, it is tried on again in the next period
	}
	g.limitMemoryLocked()
}

// beginPeriodLocked lets a stopped group run again. What it used too much, because it is looked at only now and then, is
// taken off the new period; otherwise 200 thousandths would come out as 220.
func (g *governed) beginPeriodLocked(used int64, now time.Time) {
	allowed := g.limits.CPUMillis * period.Nanoseconds() / 1000
	g.debt = max(used-g.begun+g.debt-allowed, 0)
	g.begun = used
	if allowed == 0 {
		g.debt = 0
	}
	if !g.stopped || g.debt >= allowed && allowed > 0 {
		return
	}
	g.stopped = false
	g.throttled += now.Sub(g.since)
	if !g.frozen {
		_ = g.signalLocked(unix.SIGCONT) // they are ours: nothing but their end keeps the signal from them
	}
}

// limitPidsLocked kills the youngest where there are too many. A kernel would have refused the fork.
func (g *governed) limitPidsLocked() {
	for g.limits.Pids > 0 && int64(len(g.members)) > g.limits.Pids {
		youngest := 0
		for pid, m := range g.members {
			if y := g.members[youngest]; y == nil || m.start > y.start || m.start == y.start && pid > youngest {
				youngest = pid
			}
		}
		g.endLocked(youngest)
	}
}

// limitMemoryLocked kills the biggest process of a group that is over its limit, as the kernel's OOM killer does.
func (g *governed) limitMemoryLocked() {
	if g.limits.MemoryBytes <= 0 {
		return
	}
	var total, most int64
	biggest := 0
	for pid := range g.members {
		n := memoryOf(pid)
		total += n
		if n > most {
			most, biggest = n, pid
		}
	}
	if total > g.limits.MemoryBytes {
		g.oomKills++ // first: whoever waits for the process asks why it died
		g.endLocked(biggest)
	}
}

func (g *governed) endLocked(pid int) {
	m := g.members[pid]
	g.past += m.cpu
	delete(g.members, pid)
	_ = signalProcess(pid, m.start, unix.SIGKILL) // if it lives on, the next look through /proc finds it again
}

// cpuLocked is the CPU time of the group so far.
func (g *governed) cpuLocked() int64 {
	total := g.past
	for pid, m := range g.members {
		if now, alive := cpuOf(pid); alive && now > m.cpu {
			m.cpu = now
		}
		total += m.cpu
	}
	return total
}

func (g *governed) signalLocked(sig unix.Signal) error {
	var errs []error
	for pid, m := range g.members {
		errs = append(errs, signalProcess(pid, m.start, sig))
	}
	return errors.Join(errs...)
}

func (g *governed) Add(pid int) error {
	g.governor.mu.Lock()
	defer g.governor.mu.Unlock()
	s, err := statOf(pid)
	if err != nil {
		return fmt.Errorf("add process %d to group %s: %w", pid, g.name, err)
	}
	if m := mountsOf(pid); m != 0 && m != g.governor.ownMounts {
		g.mounts[m] = true
	}
	g.joinLocked(pid, s.start)
	return nil
}

// Entry has nothing to open: the governor must be told.
func (g *governed) Entry() (born *os.File, doors []*os.File, err error) { return nil, nil, nil }

func (g *governed) Set(l Limits) error {
	g.governor.mu.Lock()
	defer g.governor.mu.Unlock()
	if g.limits.CPUMillis != l.CPUMillis {
		g.debt = 0
	}
	g.limits = l
	if l == (Limits{}) && g.stopped && !g.frozen { // nobody will look at it again
		g.stopped = false
		return g.signalLocked(unix.SIGCONT)
	}
	g.governor.wakeUp()
	return nil
}

func (g *governed) Usage() (Usage, error) {
	g.governor.mu.Lock()
	defer g.governor.mu.Unlock()
	g.governor.refreshLocked()
	u := Usage{At: time.Now(), CPU: time.Duration(g.cpuLocked()), Pids: int64(len(g.members)), Throttled: g.throttled, OOMKills: g.oomKills}
	for pid := range g.members {
		u.MemoryBytes += memoryOf(pid) // 0 for one that has ended since
	}
	if g.stopped {
		u.Throttled += u.At.Sub(g.since)
	}
	return u, nil
}

func (g *governed) OOMKilled() (bool, error) {
	g.governor.mu.Lock()
	defer g.governor.mu.Unlock()
	return g.oomKills > 0, nil
}

func (g *governed) Freeze() error {
	g.governor.mu.Lock()
	defer g.governor.mu.Unlock()
	g.governor.assignLocked()
	g.frozen = true
	return g.signalLocked(unix.SIGSTOP)
}

func (g *governed) Thaw() error {
	g.governor.mu.Lock()
	defer g.governor.mu.Unlock()
	g.frozen = false
	if g.stopped {
		return nil // the governor lets it go on
	}
	return g.signalLocked(unix.SIGCONT)
}

func (g *governed) Kill() error {
	g.governor.mu.Lock()
	defer g.governor.mu.Unlock()
	g.governor.assignLocked()
	return g.killLocked()
}

func (g *governed) killLocked() error { return g.signalLocked(unix.SIGKILL) }

func (g *governed) Remove() error {
	g.governor.mu.Lock()
	defer g.governor.mu.Unlock()
	if g.governor.groups[g.name] == g {
		delete(g.governor.groups, g.name)
	}
	return nil
}
