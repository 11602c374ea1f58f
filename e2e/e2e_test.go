// Package e2e drives the built program as a person does: one scripted session a story, as the present user and, when
// that is root, as an ordinary user too.
package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// binary is what `make build` leaves.
func binary(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../bin/drydock")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no bin/drydock: run make build first (%v)", err)
	}
	return path
}

func TestSessionsAsIs(t *testing.T) { sessions(t, nil) }

func TestSessionsUnprivileged(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("this run is unprivileged already; only root can become another user")
	}
	sessions(t, &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true})
}

// sessions runs every script of testdata. `drydock` in a script is the built program, with a state directory of its own.
func sessions(t *testing.T, who *syscall.Credential) {
	program := binary(t)
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no sessions found: %v", err)
	}
	shared := programsDir(t, program, who)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		// many-users: the session's user can be anybody inside a lab, not root alone.
		Condition: func(cond string) (bool, error) {
			if cond != "many-users" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			return who == nil && os.Getuid() == 0, nil
		},
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "state")
			// The unpacked programs are the same for every session: unpacking them once is enough.
			env.Setenv("DRYDOCK_HOME", home)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("SHELL", "/bin/sh")
			if err := os.MkdirAll(home, 0o700); err != nil {
				return err
			}
			if err := linkTree(filepath.Join(shared, "bin"), filepath.Join(home, "bin")); err != nil {
				return err
			}
			env.Defer(func() { _ = command(program, who, env.Vars, "down").Run() }) // most sessions have done it
			return openTo(env.WorkDir, who)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"outside": func(ts *testscript.TestScript, _ bool, args []string) {
				outside(ts, func(args ...string) *exec.Cmd { return command(program, who, environment(ts), args...) }, args)
			},
			"drydock": func(ts *testscript.TestScript, neg bool, args []string) {
				cmd := command(program, who, environment(ts), args...)
				cmd.Dir = ts.MkAbs(".")
				var out, errOut strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &errOut
				err := cmd.Run()
				fmt.Fprint(ts.Stdout(), out.String())
				fmt.Fprint(ts.Stderr(), errOut.String())
				if (err != nil) != neg {
					ts.Fatalf("drydock %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errOut.String())
				}
			},
		},
	})
}

func environment(ts *testscript.TestScript) []string {
	var vars []string
	for _, name := range []string{"DRYDOCK_HOME", "DRYDOCK_LAB", "DRYDOCK_KUBECONFIG", "HOME", "SHELL", "PATH"} {
		vars = append(vars, name+"="+ts.Getenv(name))
	}
	if file := ts.Getenv("KUBECONFIG"); file != "" {
		vars = append(vars, "KUBECONFIG="+file)
	}
	return vars
}

func command(program string, who *syscall.Credential, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = env
	if who != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	}
	return cmd
}

// openTo gives a directory tree to another user, and makes its parents passable.
func openTo(dir string, who *syscall.Credential) error {
	if who == nil {
		return nil
	}
	for d := filepath.Dir(dir); d != filepath.Clean(os.TempDir()) && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			return err
		}
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(who.Uid), int(who.Gid))
	})
}

// linkTree repeats a directory tree with hard links for its files.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := to + strings.TrimPrefix(path, from)
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		return os.Link(path, target)
	})
}

// programsDir is a state directory in which the programs have been unpacked, by one start and stop.
func programsDir(t *testing.T, program string, who *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "drydock-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // nothing depends on it
	if err := openTo(dir, who); err != nil {
		t.Fatal(err)
	}
	env := append(os.Environ(), "DRYDOCK_HOME="+dir, "HOME="+dir)
	for _, verb := range []string{"up", "down"} {
		if out, err := command(program, who, env, verb).CombinedOutput(); err != nil {
			t.Fatalf("drydock %s: %v\n%s", verb, err, out)
		}
	}
	return dir
}
