package keeper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"drydock/sandbox/cgroup"
	"drydock/sandbox/home"
	"drydock/sandbox/hostport"
	"drydock/sandbox/lab"
)

// Options is all a keeper must be told.
type Options struct {
	Home     home.Home
	Lab      home.Lab
	Programs home.Programs
	Nodes    int // see cluster.Options, as for NodeGrace
	// NodeGrace is how long a node may be silent.
	NodeGrace time.Duration
	Version   string
	// Forward lets the lab have ports of the machine's 127.0.0.1 for what its Services offer to the outside.
	Forward bool
	// Progress is handed to the lab; see control.Progress.
	Progress *os.File
	// Launcher is a pidfd: when that process has ended, however it did, the lab is ended and its directory removed. Nil: the lab
	// is there until it is told to end.
	Launcher *os.File
}

// ErrRunning: another keeper holds this lab.
var ErrRunning = errors.New("this lab is running already")

// ExitRunning is the exit code by which a keeper tells Launch of ErrRunning.
const ExitRunning = 5

// Run starts the lab and stays until it has ended. It must be called from the main goroutine, whose thread it locks.
func Run(o Options) error {
	runtime.LockOSThread() // see lab.Start
	if err := o.Lab.Make(); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Home.Images(), 0o700); err != nil {
		return fmt.Errorf("make room for images: %w", err)
	}
	if err := takeLock(o.Lab.Lock()); err != nil {
		return err
	}
	public, err := listen(o.Lab.Port())
	if err != nil {
		return err
	}
	defer public.Close()
	log, err := os.OpenFile(filepath.Join(o.Lab.Log(), "lab.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the lab's log: %w", err)
	}
	defer log.Close()
	files := []*os.File{o.Progress, public}
	if o.Forward {
		labs, err := givePorts()
		if err != nil {
			return err
		}
		defer labs.Close()
		files = append(files, labs)
	}
	box, _, err := lab.StartWidest(lab.Program{
		Path: o.Programs.Path("dockplane"), Env: os.Environ(),
		Args: []string{
			"--home=" + string(o.Home), "--lab=" + string(o.Lab), "--programs=" + string(o.Programs),
			"--nodes=" + strconv.Itoa(o.Nodes), "--node-grace=" + o.NodeGrace.String(), "--version=" + o.Version,
			"--host-ports=" + strconv.FormatBool(o.Forward),
		},
		Files:  files,
		Stdout: log, Stderr: log,
	})
	if err != nil {
		return err
	}
	o.Progress.Close() // the lab's copy is the only one: its end is the lab's end
	var orphaned atomic.Bool
	if o.Launcher != nil {
		go func() { // ends with the process
			awaitEnd(o.Launcher)
			orphaned.Store(true)
			box.Kill()
		}()
	}
	err = box.Wait()
	Sweep(o.Lab)
	if orphaned.Load() {
		return o.Lab.Remove() // how the lab ended is known
	}
	return err
}

// givePorts serves one end of a pair and returns the other, which is the lab's.
func givePorts() (*os.File, error) {
	keepers, labs, err := hostport.Pair()
	if err != nil {
		return nil, err
	}
	go func() { // ends with the process
		if err := hostport.Serve(keepers); err != nil {
			fmt.Fprintln(os.Stderr, "dockkeep:", err) // the lab runs on, without further ports
		}
	}()
	return labs, nil
}

// awaitEnd blocks until the process of a pidfd has ended: then it can be read (pidfd_open(2)).
func awaitEnd(pidfd *os.File) {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd.Fd()), Events: unix.POLLIN}}, -1)
		if n > 0 || !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// Sweep removes what has outlived a lab that nobody holds any more: what would make it look alive, and its cgroups, the only thing of
// the kernel's that outlives its processes. A keeper does it in the end; one that was killed could not, and whoever finds that does.
func Sweep(l home.Lab) {
	cgroup.Sweep()
	// Not there after an orderly start that failed early; nothing depends on it.
	_ = os.Remove(l.Control())
	_ = os.Remove(l.API())
}

// takeLock takes the lab's lock, which the kernel releases with the process, however it ends (flock(2)). It is released in no
// other way: who waits for it finds no keeper any more.
func takeLock(path string) error {
	lock, err := unix.Open(path, unix.O_CREAT|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("open the lab's lock: %w", err)
	}
	err = unix.Flock(lock, unix.LOCK_EX|unix.LOCK_NB)
	switch {
	case errors.Is(err, unix.EWOULDBLOCK):
		return ErrRunning
	case err != nil:
		return fmt.Errorf("lock the lab: %w", err)
	}
	return nil
}

// listen opens the API's port on 127.0.0.1: the one of last time when it is free, so that kubeconfigs stay right.
func listen(remembered string) (*os.File, error) {
	address := "127.0.0.1:0"
	if text, err := os.ReadFile(remembered); err == nil {
		address = "127.0.0.1:" + strings.TrimSpace(string(text))
	}
	l, err := net.Listen("tcp4", address)
	if err != nil {
		if l, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("listen on 127.0.0.1: %w", err)
		}
	}
	defer l.Close() // File is a copy
	tcp := l.(*net.TCPListener)
	port := strconv.Itoa(tcp.Addr().(*net.TCPAddr).Port)
	if err := os.WriteFile(remembered, []byte(port+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("remember the API's port: %w", err)
	}
	return tcp.File()
}

// Held tells whether a keeper holds the lab: also while the lab starts or stops, and does not answer.
func Held(l home.Lab) bool {
	f, err := os.Open(l.Lock())
	if err != nil {
		return false
	}
	defer f.Close()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// WaitGone blocks until no keeper holds the lab: until everything of it has ended.
func WaitGone(ctx context.Context, l home.Lab) error {
	f, err := os.OpenFile(l.Lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("open the lab's lock: %w", err)
	}
	defer f.Close()
	free := make(chan error, 1)
	go func() { free <- flock(f) }() // ends with the lab, or with this process
	select {
	case err := <-free:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// flock waits for the lock. Signals, of which the Go runtime sends itself many, only interrupt the wait.
func flock(f *os.File) error {
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
