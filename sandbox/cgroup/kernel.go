package cgroup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// kernel is the manager of the kernel's tiers. A hierarchy is a directory in which the kernel's files for a controller
// are: with version 2 there is one for all, with version 1 one for each.
type kernel struct {
	// set once in openKernel
	tier  Tier
	tops  map[string]string // hierarchy: our own directory in it
	locks []*os.File
	build func(dirs map[string]string) Group

	mu sync.Mutex
	// guarded by mu
	groups map[string]*tracked
}

const prefix = "drydock-"

// openKernel sweeps each hierarchy and makes our directory in it.
func openKernel(t Tier, hierarchies map[string]string, build func(map[string]string) Group) (*kernel, error) {
	name, err := ourName()
	if err != nil {
		return nil, err
	}
	k := &kernel{tier: t, tops: map[string]string{}, build: build, groups: map[string]*tracked{}}
	for h, root := range hierarchies {
		sweep(root)
		top, lock, err := makeTop(root, name)
		if err != nil {
			return nil, errors.Join(err, k.Close())
		}
		k.tops[h] = top
		k.locks = append(k.locks, lock)
	}
	return k, nil
}

// ourName tells people whose groups these are: drydock-<pid>-<start>-<random>, where start is in clock ticks since boot.
// Pid 1 of several nodes, each in a pid namespace of its own, may start in the same tick. One of them would take and lock
// the directory that another has just made, and that one would wait for the lock for ever; hence the random part.
func ourName() (string, error) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return "", fmt.Errorf("find our start time: %w", err)
	}
	s, err := parseStat(string(stat))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s%d-%d-%s", prefix, os.Getpid(), s.start, strings.ToLower(rand.Text()[:8])), nil
}

// makeTop makes a directory of a name that nobody else uses, and locks it. Another manager that sweeps may remove it in
// between; then it is made again.
func makeTop(root, name string) (string, *os.File, error) {
	top := filepath.Join(root, name)
	for {
		if err := os.Mkdir(top, 0o755); err != nil {
			return "", nil, fmt.Errorf("make cgroup: %w", err)
		}
		if lock, err := lockTop(top); !errors.Is(err, fs.ErrNotExist) {
			return top, lock, err
		}
	}
}

// lockTop returns fs.ErrNotExist when the directory is gone by the time it is locked.
func lockTop(top string) (*os.File, error) {
	lock, err := os.Open(top)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX) // whoever sweeps holds it for a moment only
	if err == nil {
		_, err = os.Stat(top)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock cgroup: %w", err), lock.Close())
	}
	return lock, nil
}

// Sweep removes what managers that are gone have left in the machine's hierarchies, as far as the caller may. Open does the
// same on the way; Sweep is for whoever ends a lab.
func Sweep() {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return // then there is no hierarchy that we could know of
	}
	roots := map[string]bool{mountpoint: true}
	for _, root := range hierarchiesIn(string(mounts)) {
		roots[root] = true
	}
	for root := range roots {
		sweep(root)
	}
}

// sweep removes the directories of managers that are gone: their lock went with them. The process id in the name could not
// tell, as it counts in the pid namespace of its lab. What cannot be removed now is left for the next sweep.
func sweep(root string) {
	found, _ := filepath.Glob(filepath.Join(root, prefix+"*"))
	for _, top := range found {
		f, err := os.Open(top)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			_ = removeTree(top)
		}
		f.Close()
	}
}

// removeTree removes a directory and the groups in it. The files of a cgroup go with its directory and cannot be removed
// one by one.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return removeDir(dir)
}

// removeDir removes one group. A process that has just died leaves it a moment later, so EBUSY is asked again for a while.
func removeDir(dir string) error {
	var err error
	for _, pause := range []time.Duration{0, 1, 2, 4, 8, 16, 32, 64} {
		if pause > 0 {
			<-time.After(pause * time.Millisecond)
		}
		if err = unix.Rmdir(dir); err == nil || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if !errors.Is(err, unix.EBUSY) {
			break
		}
	}
	return fmt.Errorf("remove cgroup %s: %w", dir, err)
}

func (k *kernel) Tier() Tier { return k.tier }

func (k *kernel) New(name string, l Limits) (Group, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for part := range strings.SplitSeq(name, "/") {
		if strings.Contains(part, "\x00") || part == "" || strings.HasPrefix(part, ".") {
			return nil, fmt.Errorf("make cgroup %q: not a name for a directory", name)
		}
	}
	dirs := map[string]string{}
	for h, top := range k.tops {
		dirs[h] = filepath.Join(top, name)
		if k.tier != KernelV1 && strings.Contains(name, "/") {
			if err := delegate(filepath.Dir(dirs[h])); err != nil {
				return nil, fmt.Errorf("make cgroup %s: %w", name, err)
			}
		}
		if err := os.Mkdir(dirs[h], 0o755); err != nil {
			return nil, errors.Join(fmt.Errorf("make cgroup: %w", err), removeDirs(dirs, h))
		}
	}
	g := k.build(dirs)
	if err := g.Set(l); err != nil {
		return nil, errors.Join(fmt.Errorf("make cgroup %s: %w", name, err), g.Remove())
	}
	t := &tracked{Group: g, kernel: k, name: name}
	k.groups[name] = t
	return t, nil
}

// tracked is a group that its manager forgets when it is removed.
type tracked struct {
	Group
	kernel *kernel
	name   string
}

func (t *tracked) Remove() error {
	if err := t.Group.Remove(); err != nil {
		return err
	}
	t.kernel.mu.Lock()
	defer t.kernel.mu.Unlock()
	if t.kernel.groups[t.name] == t {
		delete(t.kernel.groups, t.name)
	}
	return nil
}

// removeDirs removes what was made, except in the hierarchy where making it went wrong: that one may be somebody's.
func removeDirs(dirs map[string]string, except string) error {
	var errs []error
	for h, dir := range dirs {
		if h != except {
			errs = append(errs, removeDir(dir))
		}
	}
	return errors.Join(errs...)
}

func (k *kernel) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var errs []error
	for _, g := range k.groups {
		errs = append(errs, g.Kill())
	}
	for _, top := range k.tops {
		errs = append(errs, removeTree(top))
	}
	for _, l := range k.locks {
		errs = append(errs, l.Close())
	}
	k.groups, k.tops, k.locks = nil, nil, nil
	return errors.Join(errs...)
}

// write writes a value to a cgroup's file.
func write(dir, file, value string) error {
	// Without O_CREATE and O_TRUNC: these are not files that could be made.
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("set %s: %w", file, err)
	}
	defer f.Close()
	if _, err := f.WriteString(value); err != nil {
		return fmt.Errorf("set %s to %s: %w", file, value, err)
	}
	return nil
}

// read returns the content of a cgroup's file without the space around it.
func read(dir, file string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	return strings.TrimSpace(string(b)), nil
}

func readNumber(dir, file string) (int64, error) {
	text, err := read(dir, file)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read %s: %q is not a number", file, text)
	}
	return n, nil
}

// readKey returns one value of a file of "key value" lines; a key that is not there counts as 0.
func readKey(dir, file, key string) (int64, error) {
	text, err := read(dir, file)
	if err != nil {
		return 0, err
	}
	return valueOf(text, key), nil
}

func valueOf(text, key string) int64 {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(line, key+" "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return n
		}
	}
	return 0
}

// signalAll kills every process in a group. New ones may appear while it looks, so it looks until there are none that it
// has not reached.
func signalAll(dir string, sig unix.Signal) error {
	reached := map[string]bool{}
	for found := true; found; {
		found = false
		text, err := read(dir, "cgroup.procs")
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, field := range strings.Fields(text) {
			pid, err := strconv.Atoi(field)
			if err != nil || pid == 0 || reached[field] {
				continue // 0: a process of another pid namespace, which we cannot name
			}
			if err := unix.Kill(pid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("send %s to process %d: %w", sig, pid, err)
			}
			reached[field], found = true, true
		}
	}
	return nil
}
