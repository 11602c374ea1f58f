package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// A box runs code that nobody trusts: the script of a check, or a submission. It is this program three times over:
//
//	outer  makes a user and a mount namespace, and is what the caller waits for
//	cover  puts empty folders over what must not be seen, and makes everything read-only if so wished
//	inner  is pid 1 of a process namespace, in a user namespace of its own: what cover mounted belongs to another user
//	       namespace and cannot be taken away again (mount_namespaces(7), "locked"); when it ends, so does everything
//	       that the code has started
//
// Each is killed when the one before it dies.

// boxVariable carries the boxSpec from one to the next.
const boxVariable = "DRYDOCK_BOX"

// boxSpec says what runs in a box and what it may do.
type boxSpec struct {
	Stage    string   `json:"stage"` // "outer", "cover" or "inner"
	Args     []string `json:"args"`
	Hidden   []string `json:"hidden"` // folders that are empty inside
	ReadOnly bool     `json:"readOnly"`
	Offline  bool     `json:"offline"` // a network namespace of its own, with nothing in it

	Processes int      `json:"processes"` // most at a time
	Memory    int64    `json:"memory"`    // most bytes resident, all together
	Disk      int64    `json:"disk"`      // most bytes in Watched
	Watched   []string `json:"watched"`
}

// boxStopped is the exit code of a box that went beyond a limit. Its last line on standard error says which.
const (
	boxStopped = 113
	boxMark    = "drydock box: beyond the limit of "
)

// command is how the box is started: in the environment, because command lines can be read by everyone.
func (s boxSpec) command() (args []string, variable string, err error) {
	self, err := selfInLab()
	if err != nil {
		return nil, "", fmt.Errorf("find this program: %w", err)
	}
	raw, err := json.Marshal(s)
	return []string{self, "box"}, boxVariable + "=" + string(raw), err
}

// selfInLab is a path of this program that a lab sees too. A lab has scratch directories of its own: a program that lies in
// the machine's is put beside those that drydock carries.
func selfInLab() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	hidden := slices.ContainsFunc([]string{"/tmp/", "/run/", "/var/tmp/", "/dev/shm/"}, func(dir string) bool {
		return strings.HasPrefix(self, dir)
	})
	if !hidden {
		return self, nil
	}
	p, err := (&app{labName: "lab"}).unpacked()
	if err != nil {
		return "", err
	}
	path := p.programs.Path("drydock")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return path, copyProgram(self, path)
}

// copyProgram makes a copy that is there whole or not at all, also when several do so at once.
func copyProgram(from, to string) error {
	program, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	temporary := fmt.Sprintf("%s.%d", to, os.Getpid())
	if err := os.WriteFile(temporary, program, 0o700); err != nil {
		return err
	}
	return os.Rename(temporary, to)
}

func boxCommand() *cobra.Command {
	return &cobra.Command{
		Use: "box", Hidden: true, Args: cobra.NoArgs, Short: "Run what a variable says, under limits",
		RunE: func(*cobra.Command, []string) error {
			var s boxSpec
			if err := json.Unmarshal([]byte(os.Getenv(boxVariable)), &s); err != nil {
				return usage("drydock box is not for people: %w", err)
			}
			if err := os.Unsetenv(boxVariable); err != nil {
				return err
			}
			stages := map[string]func(boxSpec) (int, error){"": boxOuter, "cover": boxCover, "inner": boxInner}
			run, ok := stages[s.Stage]
			if !ok {
				return usage("drydock box is not for people: stage %q", s.Stage)
			}
			code, err := run(s)
			if err != nil {
				return fmt.Errorf("run in a box: %w", err)
			}
			return exit(code)
		},
	}
}

func boxOuter(s boxSpec) (int, error) {
	s.Stage = "cover"
	return boxNext(s, syscall.CLONE_NEWUSER|syscall.CLONE_NEWNS)
}

// boxNext runs this program again as the next stage.
func boxNext(s boxSpec, flags uintptr) (int, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return 0, err
	}
	// Not by its name: it may lie in a folder that is covered by now.
	cmd := exec.Command("/proc/self/exe", "box")
	cmd.Env = append(os.Environ(), boxVariable+"="+string(raw))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: flags, Pdeathsig: syscall.SIGKILL,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	return runToEnd(cmd)
}

// runToEnd is the exit code of a program, as a shell would tell it.
func runToEnd(cmd *exec.Cmd) (int, error) {
	err := cmd.Run()
	var exited *exec.ExitError
	if !errors.As(err, &exited) {
		return 0, err
	}
	if status, ok := exited.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exited.ExitCode(), nil
}

func boxCover(s boxSpec) (int, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return 0, fmt.Errorf("keep our mounts to ourselves: %w", err)
	}
	for _, dir := range s.Hidden {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue // what is not there need not be hidden
		}
		if err := unix.Mount("hidden", dir, "tmpfs", unix.MS_RDONLY|unix.MS_NOSUID|unix.MS_NODEV, "size=4k,mode=0555"); err != nil {
			return 0, fmt.Errorf("hide %s: %w", dir, err)
		}
	}
	if s.ReadOnly {
		attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
		if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, attr); err != nil {
			return 0, fmt.Errorf("make everything read-only: %w", err)
		}
		// But for /proc: the next stage's user ids are written there. Inside, it is covered by another.
		attr = &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
		if err := unix.MountSetattr(unix.AT_FDCWD, "/proc", 0, attr); err != nil {
			return 0, fmt.Errorf("keep /proc usable: %w", err)
		}
	}
	s.Stage = "inner"
	flags := uintptr(syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC)
	if s.Offline {
		flags |= syscall.CLONE_NEWNET
	}
	return boxNext(s, flags)
}

func boxInner(s boxSpec) (int, error) {
	// Of other processes nothing can be seen then. Where the machine masks parts of /proc the kernel refuses a new one
	// (mount_too_revealing): an empty folder does as well.
	ownProc := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "") == nil
	if !ownProc {
		if err := unix.Mount("hidden", "/proc", "tmpfs", unix.MS_RDONLY, "size=4k"); err != nil {
			return 0, fmt.Errorf("hide other processes: %w", err)
		}
	}
	for resource, most := range map[int]uint64{
		unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: 1024, unix.RLIMIT_FSIZE: uint64(s.Disk), unix.RLIMIT_NPROC: uint64(s.Processes) + 64,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return 0, fmt.Errorf("set limit %d: %w", resource, err)
		}
	}
	cmd := exec.Command(s.Args[0], s.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	ended := make(chan error, 1)
	var code int
	go func() {
		var err error
		code, err = runToEnd(cmd)
		ended <- err
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if what := s.exceeded(ownProc); what != "" {
				fmt.Fprintln(os.Stderr, boxMark+what)
				return boxStopped, nil
			}
			return code, err
		case <-tick.C:
			if what := s.exceeded(ownProc); what != "" {
				_ = syscall.Kill(-1, syscall.SIGKILL) // everything but us, in this namespace (kill(2))
				fmt.Fprintln(os.Stderr, "\n"+boxMark+what)
				return boxStopped, nil
			}
		}
	}
}

// exceeded names the limit that was passed, or nothing.
func (s boxSpec) exceeded(ownProc bool) string {
	if ownProc {
		count, resident := used("/proc")
		if count > s.Processes {
			return fmt.Sprintf("%d processes", s.Processes)
		}
		if resident > s.Memory {
			return fmt.Sprintf("%d MiB of memory", s.Memory>>20)
		}
	}
	total := int64(0)
	for _, dir := range s.Watched {
		total += sizeOf(dir, s.Disk)
	}
	if total > s.Disk {
		return fmt.Sprintf("%d MiB on disk", s.Disk>>20)
	}
	return ""
}

// used counts processes and the memory they hold (proc_pid_statm(5)).
func used(proc string) (count int, resident int64) {
	files, _ := filepath.Glob(proc + "/[0-9]*/statm") // the pattern is right
	for _, name := range files {
		count++
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		if f := strings.Fields(string(text)); len(f) > 1 {
			pages, _ := strconv.ParseInt(f[1], 10, 64) // the kernel writes numbers
			resident += pages * int64(os.Getpagesize())
		}
	}
	return count, resident
}

// sizeOf is the space that a folder takes on its disk, as far as it is below a limit. What is mounted in it is elsewhere.
func sizeOf(dir string, limit int64) int64 {
	total, device := int64(0), uint64(0)
	_ = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		var st syscall.Stat_t
		if err != nil || syscall.Lstat(name, &st) != nil {
			return nil // it has gone meanwhile
		}
		switch {
		case name == dir:
			device = st.Dev
		case st.Dev != device && d.IsDir():
			return filepath.SkipDir
		}
		if total += st.Blocks * 512; total > limit {
			return filepath.SkipAll
		}
		return nil
	})
	return total
}
