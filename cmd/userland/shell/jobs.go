package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"mvdan.cc/sh/v3/interp"
)

// job is a program in the background.
type job struct {
	// set once in startBackground
	number, pid int
	text        string
	ended       chan struct{} // closed when status is set

	// guarded by jobTable.mu
	status  syscall.WaitStatus
	stopped chan struct{} // closed when it stops; renewed when fg lets it go on
}

// jobTable knows the shell's children. A shell that is pid 1 also gets orphans, which it must reap without stealing the
// exit status of its own.
type jobTable struct {
	mu sync.Mutex
	// guarded by mu
	children map[int]bool
	list     []*job
}

// start starts cmd and notes its pid in one step, so that the reaper never sees it as an orphan.
func (t *jobTable) start(cmd *exec.Cmd) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	if t.children == nil {
		t.children = map[int]bool{}
	}
	t.children[cmd.Process.Pid] = true
	return nil
}

func (t *jobTable) forget(pid int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.children, pid)
}

// startBackground is `text &`: this program again, as a process of its own.
func (s *shell) startBackground(ctx context.Context, hc interp.HandlerContext, args []string) error {
	text := args[0]
	stdin := hc.Stdin
	if !s.interactive { // POSIX: without job control it must not read what the script reads
		null, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		defer null.Close()
		stdin = null
	}
	script := s.inheritance(hc.Env) + text
	if !s.interactive {
		script = "trap '' INT QUIT\n" + script // POSIX 2.11: asynchronous lists ignore both
	}
	cmd := &exec.Cmd{
		Path: self, Args: append([]string{"sh", "-c", script}, args[1:]...), Dir: hc.Dir, Env: environment(hc.Env),
		Stdin: stdin, Stdout: hc.Stdout, Stderr: hc.Stderr,
		// In an interactive shell a group of its own: Ctrl+C is not for the background.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: s.interactive},
	}
	if err := s.jobs.start(cmd); err != nil {
		fmt.Fprintf(hc.Stderr, "%s: can't fork: %s\n", s.name, reason(err))
		return interp.ExitStatus(2)
	}
	j := s.jobs.add(cmd.Process.Pid, strings.TrimPrefix(text, "exec "))
	go s.jobs.follow(j)
	if s.interactive {
		fmt.Fprintf(hc.Stderr, "[%d] %d\n", j.number, j.pid)
	}
	return hc.Builtin(ctx, []string{"eval", fmt.Sprintf("%s=%d", lastPID, j.pid)})
}

func (t *jobTable) add(pid int, text string) *job {
	t.mu.Lock()
	defer t.mu.Unlock()
	number := 1
	for _, j := range t.list {
		number = max(number, j.number+1)
	}
	j := &job{number: number, pid: pid, text: text, ended: make(chan struct{}), stopped: make(chan struct{})}
	t.list = append(t.list, j)
	return j
}

// follow waits for the job; stops and continuations are noted on the way (waitpid(2), WUNTRACED).
func (t *jobTable) follow(j *job) {
	for {
		var status syscall.WaitStatus
		_, err := syscall.Wait4(j.pid, &status, syscall.WUNTRACED|syscall.WCONTINUED, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		t.mu.Lock()
		j.status = status
		switch {
		case err == nil && status.Stopped():
			j.markStoppedLocked()
		case err == nil && status.Continued():
		default:
			delete(t.children, j.pid)
			close(j.ended)
		}
		t.mu.Unlock()
		if err != nil || status.Exited() || status.Signaled() {
			return
		}
	}
}

func (j *job) markStoppedLocked() {
	select {
	case <-j.stopped:
	default:
		close(j.stopped)
	}
}

func (j *job) done() bool {
	select {
	case <-j.ended:
		return true
	default:
		return false
	}
}

// exit is the status that $? shows for an ended job.
func (j *job) exit() int {
	if j.status.Signaled() {
		return 128 + int(j.status.Signal())
	}
	return j.status.ExitStatus()
}

// stateLocked describes the job as `jobs` does.
func (j *job) stateLocked() string {
	switch {
	case !j.done() && j.status.Stopped():
		return "Stopped"
	case !j.done():
		return "Running"
	case j.status.Signaled():
		return signalWord(j.status.Signal())
	case j.status.ExitStatus() != 0:
		return fmt.Sprintf("Done(%d)", j.status.ExitStatus())
	default:
		return "Done"
	}
}

// report lists all jobs, or only those that ended since the last report, and forgets the ended ones.
func (t *jobTable) report(all bool) (lines []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rest []*job
	for _, j := range t.list {
		if all || j.done() {
			lines = append(lines, fmt.Sprintf("[%d]+ %-22s %s", j.number, j.stateLocked(), j.text))
		}
		if !j.done() {
			rest = append(rest, j)
		}
	}
	t.list = rest
	return lines
}

// lookup finds a job by pid or by %number; "" and %% are the newest.
func (t *jobTable) lookup(word string) *job {
	t.mu.Lock()
	defer t.mu.Unlock()
	if word == "" || word == "%%" || word == "%+" {
		if len(t.list) == 0 {
			return nil
		}
		return t.list[len(t.list)-1]
	}
	n, err := strconv.Atoi(strings.TrimPrefix(word, "%"))
	for _, j := range t.list {
		if err == nil && (word[0] == '%' && j.number == n || j.pid == n) {
			return j
		}
	}
	return nil
}

func (s *shell) listJobs(_ context.Context, hc interp.HandlerContext, _ []string) error {
	for _, line := range s.jobs.report(true) {
		fmt.Fprintln(hc.Stdout, line)
	}
	return nil
}

// kill lets the program kill do it, with pids for job numbers.
func (s *shell) kill(ctx context.Context, hc interp.HandlerContext, args []string) error {
	if len(args) > 0 && strings.HasPrefix(args[0], "%") {
		args = append([]string{"-TERM"}, args...) // a group's -PID must not come first
	}
	for i, word := range args {
		if strings.HasPrefix(word, "%") {
			j := s.jobs.lookup(word)
			if j == nil {
				fmt.Fprintf(hc.Stderr, "%s: kill: %s: no such job\n", s.name, word)
				return interp.ExitStatus(1)
			}
			args[i] = strconv.Itoa(j.pid)
			if s.interactive {
				args[i] = "-" + args[i] // its whole group
			}
		}
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Args[0] = "kill"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = hc.Stdin, hc.Stdout, hc.Stderr
	if err := s.jobs.start(cmd); err != nil {
		return interp.ExitStatus(126)
	}
	err := cmd.Wait()
	s.jobs.forget(cmd.Process.Pid)
	if slices.Contains(args, strconv.Itoa(os.Getpid())) {
		s.traps.expect()
	}
	return childStatus(hc, err)
}

// resume is bg: a stopped job goes on.
func (s *shell) resume(_ context.Context, hc interp.HandlerContext, args []string) error {
	j := s.jobs.lookup(strings.Join(args, ""))
	if j == nil {
		fmt.Fprintf(hc.Stderr, "%s: bg: no such job\n", s.name)
		return interp.ExitStatus(1)
	}
	fmt.Fprintf(hc.Stdout, "[%d] %s\n", j.number, j.text)
	return unix.Kill(-j.pid, unix.SIGCONT)
}
