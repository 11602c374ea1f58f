package container_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"drydock/sandbox/container"
)

// refusal is the error of Create or Start.
func refusal(t *testing.T, s *specs.Spec) error {
	t.Helper()
	c, err := newRunner(t).Create(t.Context(), container.Config{ID: "c", Spec: s})
	if err != nil {
		return err
	}
	defer func() { check(t, c.Delete()) }()
	err = c.Start()
	if err == nil {
		t.Error("the container started")
		_ = c.Kill()
	}
	<-c.Done()
	return err
}

// What dockinit meets reaches the caller in the same words, those that runc's users know.
func TestErrorsOfTheContainer(t *testing.T) {
	put := func(name, text string, mode os.FileMode) func(*testing.T, *specs.Spec) {
		return func(t *testing.T, s *specs.Spec) {
			check(t, os.WriteFile(filepath.Join(s.Root.Path, name), []byte(text), mode))
		}
	}
	for name, c := range map[string]struct {
		args   []string
		change func(*testing.T, *specs.Spec)
		want   string
		is     error
	}{
		"not in PATH":            {args: []string{"foo"}, want: `create container c: exec: "foo": executable file not found in $PATH`, is: container.ErrNotFound},
		"no such file":           {args: []string{"/nope"}, want: `create container c: exec: "/nope": stat /nope: no such file or directory`, is: container.ErrNotFound},
		"a directory":            {args: []string{"/etc"}, want: `create container c: exec: "/etc": is a directory`, is: container.ErrNotExecutable},
		"not executable":         {args: []string{"/etc/text"}, change: put("etc/text", "hello", 0o644), want: `create container c: exec: "/etc/text": permission denied`, is: container.ErrNotExecutable},
		"not a program":          {args: []string{"/etc/text"}, change: put("etc/text", "hello", 0o755), want: "start container c: exec /etc/text: exec format error", is: container.ErrNotExecutable},
		"no interpreter":         {args: []string{"/etc/script"}, change: put("etc/script", "#!/bin/missing\n", 0o755), want: "start container c: exec /etc/script: no such file or directory", is: container.ErrNotFound},
		"no arguments":           {args: []string{}, want: "create container c: process.args: there is no program to run"},
		"working directory file": {args: []string{"inside"}, change: func(_ *testing.T, s *specs.Spec) { s.Process.Cwd = "/bin/inside" }, want: `create container c: chdir to cwd ("/bin/inside"): not a directory`},
		"no root": {
			args: []string{"inside"}, change: func(_ *testing.T, s *specs.Spec) { s.Root.Path = "/nonexistent" },
			want: `create container c: root file system "/nonexistent": copy the mount: no such file or directory`,
		},
		"no bind source": {args: []string{"inside"}, change: func(_ *testing.T, s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/x", Type: "bind", Source: "/nonexistent"})
		}, want: `create container c: mount /nonexistent (bind) on "/x": copy the mount: no such file or directory`},
		"no such file system": {args: []string{"inside"}, change: func(_ *testing.T, s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/x", Type: "nofs", Source: "x"})
		}, want: `create container c: mount x (nofs) on "/x": open file system: no such device`},
		"unknown bind option": {args: []string{"inside"}, change: func(_ *testing.T, s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/x", Type: "bind", Source: "/", Options: []string{"size=1"}})
		}, want: `create container c: mount / on "/x": option "size=1" is not known for a bind mount`},
		"unknown capability": {
			args: []string{"inside"}, change: func(_ *testing.T, s *specs.Spec) { s.Process.Capabilities.Ambient = []string{"CAP_FLY"} },
			want: `create container c: process.capabilities: "CAP_FLY" is not known`,
		},
		"unknown sysctl": {
			args: []string{"inside"}, change: func(_ *testing.T, s *specs.Spec) { s.Linux.Sysctl = map[string]string{"net.none": "1"} },
			want: `create container c: set sysctl net.none to "1": no such file or directory`,
		},
		"user namespace": {args: []string{"inside"}, change: func(_ *testing.T, s *specs.Spec) {
			s.Linux.Namespaces = append(s.Linux.Namespaces, specs.LinuxNamespace{Type: specs.UserNamespace})
		}, want: "create container c: linux.namespaces: a user namespace is not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSpec(t)
			s.Process.Args = c.args
			if c.change != nil {
				c.change(t, s)
			}
			err := refusal(t, s)
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("errors.Is(%v, %v) is false", err, c.is)
			}
		})
	}
}

func TestCreateStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := newRunner(t).Create(ctx, container.Config{ID: "c", Spec: newSpec(t, "true")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
