package container_test

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"drydock/sandbox/container"
	"drydock/sandbox/internal/kerneltest"
)

// TestExec asks a further process of a container what it sees: the same as the first.
func TestExec(t *testing.T) {
	s := newSpec(t, "wait")
	s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CORE", Soft: 100, Hard: 200}}
	s.Process.Env = append(s.Process.Env, "A=container")
	c := waiting(t, newRunner(t), s)
	for name, e := range map[string]struct {
		config container.ExecConfig
		args   []string
		want   string
	}{
		"pid namespace":  {args: []string{"cat", "/proc/1/comm"}, want: "inside"},
		"hostname":       {args: []string{"cat", "/proc/sys/kernel/hostname"}, want: "box"},
		"files":          {args: []string{"ls", "/"}, want: "bin\ndev\netc\nproc\nsys"},
		"capabilities":   {args: []string{"status", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}, want: capabilities("00000000a80425fb")},
		"seccomp":        {args: []string{"status", "NoNewPrivs", "Seccomp"}, want: "NoNewPrivs:\t1\nSeccomp:\t2"},
		"limits":         {args: []string{"limit", "4"}, want: "100 200"},
		"environment":    {args: []string{"env"}, want: "PATH=/usr/bin:/bin\nA=container\nHOME=/"},
		"its own":        {args: []string{"env"}, config: container.ExecConfig{Env: []string{"PATH=/bin"}}, want: "PATH=/bin\nHOME=/"},
		"cwd":            {args: []string{"pwd"}, config: container.ExecConfig{Cwd: "/etc"}, want: "/etc"},
		"no descriptors": {args: []string{"fds"}, want: "0\n1\n2"},
		"privileged":     {args: []string{"status", "NoNewPrivs", "Seccomp"}, config: container.ExecConfig{Privileged: true}, want: "NoNewPrivs:\t0\nSeccomp:\t0"},
	} {
		t.Run(name, func(t *testing.T) {
			e.config.Args = append([]string{"inside"}, e.args...)
			if got, _ := execute(t, c, e.config); got != e.want {
				t.Errorf("-want +got\n%s", cmp.Diff(e.want, got))
			}
		})
	}
}

func TestExecExitAndErrors(t *testing.T) {
	c := waiting(t, newRunner(t), newSpec(t, "wait"))
	if _, status := execute(t, c, container.ExecConfig{Args: []string{"inside", "exit", "5"}}); status.Code != 5 {
		t.Errorf("exit status %+v, want code 5", status)
	}
	_, err := c.Exec(t.Context(), container.ExecConfig{Args: []string{"foo"}})
	want := `exec in container c: exec: "foo": executable file not found in $PATH`
	if err == nil || err.Error() != want || !errors.Is(err, container.ErrNotFound) {
		t.Errorf("error %v, want %s", err, want)
	}
	_, err = c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside"}, Cwd: "/nope"})
	if want := `exec in container c: chdir to cwd ("/nope"): no such file or directory`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	_, err = c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside"}, User: &specs.User{UID: 1234}})
	if kerneltest.Unprivileged() != errors.Is(err, container.ErrUserNotMapped) {
		t.Errorf("error %v", err)
	}
}

func TestExecStreams(t *testing.T) {
	c := waiting(t, newRunner(t), newSpec(t, "wait"))
	in, feed, err := os.Pipe()
	check(t, err)
	out := newPipe(t)
	p, err := c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside", "copy"}, Stdio: container.Stdio{In: in, Out: out.write}})
	check(t, err)
	in.Close()
	_, err = io.WriteString(feed, "through the container")
	check(t, err)
	check(t, feed.Close())
	if got := out.read(); got != "through the container" {
		t.Errorf("output %q", got)
	}
	wait(t, p)
}

func TestTerminal(t *testing.T) {
	s := newSpec(t, "tty")
	s.Process.Terminal = true
	s.Process.ConsoleSize = &specs.Box{Height: 30, Width: 100}
	c := create(t, newRunner(t), container.Config{ID: "c", Spec: s})
	check(t, c.Start())
	testTerminal(t, c.Process, "/dev/pts/0 30 100")
}

func TestConsole(t *testing.T) {
	s := newSpec(t, "mode", "/dev/console")
	s.Process.Terminal = true
	c := create(t, newRunner(t), container.Config{ID: "c", Spec: s})
	master := c.Terminal()
	defer master.Close()
	check(t, c.Start())
	// Unix98 slaves have the major number 136; mode 620 as devpts was told.
	if got := expect(t, master, "\n"); got != "20620 136:0\r\n" {
		t.Errorf("/dev/console is %q", got)
	}
	wait(t, c.Process)
}

func TestExecTerminal(t *testing.T) {
	c := waiting(t, newRunner(t), newSpec(t, "wait"))
	p, err := c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside", "tty"}, TTY: true, Size: container.Size{Rows: 24, Cols: 80}})
	check(t, err)
	testTerminal(t, p, "/dev/pts/0 24 80")
}

// testTerminal checks the name and size that a process on a terminal sees, and that it hears of a new size.
func testTerminal(t *testing.T, p *container.Process, want string) {
	t.Helper()
	master := p.Terminal()
	defer master.Close()
	got := expect(t, master, "ready\r\n")
	if first, _, _ := strings.Cut(got, "\r\n"); first != want {
		t.Errorf("the terminal is %q, want %q", first, want)
	}
	check(t, p.Resize(container.Size{Rows: 50, Cols: 132}))
	expect(t, master, "50 132\r\n")
	wait(t, p)
}
