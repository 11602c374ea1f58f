package container_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"drydock/sandbox/container"
	"drydock/sandbox/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m, buildPrograms)) }

// buildPrograms makes dockinit and the program that the containers run.
func buildPrograms(dir string) error {
	for name, source := range map[string]string{"dockinit": "../../cmd/dockinit", "inside": "./testdata/inside"} {
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, name), source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

func initPath() string { return filepath.Join(kerneltest.Dir(), "dockinit") }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newRunner(t testing.TB) *container.Runner {
	t.Helper()
	r, err := container.New(container.Options{InitPath: initPath()})
	check(t, err)
	t.Cleanup(func() { check(t, r.Close()) })
	return r
}

// newRootfs is a root file system with one program, /bin/inside.
func newRootfs(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	check(t, os.Chmod(root, 0o755))
	check(t, os.MkdirAll(filepath.Join(root, "bin"), 0o755))
	check(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
	program, err := os.ReadFile(filepath.Join(kerneltest.Dir(), "inside"))
	check(t, err)
	check(t, os.WriteFile(filepath.Join(root, "bin/inside"), program, 0o755))
	return root
}

// newSpec is a container as a pod without any wishes would have it, running "inside" with args.
func newSpec(t testing.TB, args ...string) *specs.Spec {
	t.Helper()
	caps := container.DefaultCapabilities()
	return &specs.Spec{
		Process: &specs.Process{
			Args: append([]string{"inside"}, args...), Env: []string{"PATH=/usr/bin:/bin"}, Cwd: "/", NoNewPrivileges: true,
			Capabilities: &specs.LinuxCapabilities{Bounding: caps, Effective: caps, Permitted: caps},
		},
		Root:     &specs.Root{Path: newRootfs(t)},
		Hostname: "box",
		Mounts:   container.DefaultMounts(),
		Linux: &specs.Linux{
			MaskedPaths: container.DefaultMaskedPaths(), ReadonlyPaths: container.DefaultReadonlyPaths(), Seccomp: container.DefaultSeccomp(),
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace},
				{Type: specs.NetworkNamespace},
				{Type: specs.IPCNamespace},
				{Type: specs.UTSNamespace},
				{Type: specs.CgroupNamespace},
				{Type: specs.MountNamespace},
			},
		},
	}
}

// pipe collects what a process writes.
type pipe struct {
	write *os.File
	text  chan string
}

func newPipe(t testing.TB) pipe {
	t.Helper()
	r, w, err := os.Pipe()
	check(t, err)
	p := pipe{write: w, text: make(chan string, 1)}
	go func() {
		all, _ := io.ReadAll(r)
		r.Close()
		p.text <- string(all)
	}()
	return p
}

// read waits until every process has let go of the pipe.
func (p pipe) read() string {
	p.write.Close()
	return strings.TrimSpace(<-p.text)
}

// create makes a container and deletes it at the end of the test.
func create(t testing.TB, r *container.Runner, c container.Config) *container.Container {
	t.Helper()
	made, err := r.Create(t.Context(), c)
	check(t, err)
	t.Cleanup(func() {
		if made.State() != container.Created {
			_ = made.Kill()
			<-made.Done()
		}
		check(t, made.Delete())
	})
	return made
}

// run runs a container to its end and returns its output and how it ended.
func run(t testing.TB, s *specs.Spec) (string, container.ExitStatus) {
	t.Helper()
	out := newPipe(t)
	c := create(t, newRunner(t), container.Config{ID: "c", Spec: s, Stdio: container.Stdio{Out: out.write, Err: out.write}})
	check(t, c.Start())
	return out.read(), wait(t, c.Process)
}

func wait(t testing.TB, p *container.Process) container.ExitStatus {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	status, err := p.Wait(ctx)
	check(t, err)
	return status
}

// waiting starts a container that says "ready" and waits for SIGTERM.
func waiting(t testing.TB, r *container.Runner, s *specs.Spec) *container.Container {
	t.Helper()
	in, out, err := os.Pipe()
	check(t, err)
	defer in.Close()
	c := create(t, r, container.Config{ID: "c", Spec: s, Stdio: container.Stdio{Out: out, Err: out}})
	check(t, c.Start())
	out.Close()
	expect(t, in, "ready\n")
	return c
}

// expect reads until the text has come.
func expect(t testing.TB, r io.Reader, want string) string {
	t.Helper()
	var all bytes.Buffer
	buf := make([]byte, 512)
	for !strings.Contains(all.String(), want) {
		n, err := r.Read(buf)
		all.Write(buf[:n])
		if err != nil {
			t.Fatalf("read %q, then %v; want %q", all.String(), err, want)
		}
	}
	return all.String()
}

// execute runs a process in a container to its end.
func execute(t testing.TB, c *container.Container, e container.ExecConfig) (string, container.ExitStatus) {
	t.Helper()
	out := newPipe(t)
	e.Stdio.Out, e.Stdio.Err = out.write, out.write
	p, err := c.Exec(t.Context(), e)
	check(t, err)
	return out.read(), wait(t, p)
}

func exists(path string) bool { return unix.Access(path, unix.F_OK) == nil }

func writeJSON(t testing.TB, path string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	check(t, err)
	check(t, os.WriteFile(path, b, 0o644))
}
