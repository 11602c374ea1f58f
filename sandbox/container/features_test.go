package container_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"drydock/sandbox/internal/kerneltest"
)

// TestSpec asks a container what it sees, one feature of the OCI specification at a time.
func TestSpec(t *testing.T) {
	shared := t.TempDir()
	check(t, os.WriteFile(filepath.Join(shared, "note"), []byte("from outside\n"), 0o644))
	bind := func(options ...string) func(*specs.Spec) {
		return func(s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/data/shared", Type: "bind", Source: shared, Options: append(options, "rbind")})
		}
	}
	for name, c := range map[string]struct {
		args   []string
		change func(*specs.Spec)
		want   string
	}{
		"process 1 of its own":      {args: []string{"status", "Pid"}, want: "Pid:\t1"},
		"environment":               {args: []string{"env"}, change: func(s *specs.Spec) { s.Process.Env = append(s.Process.Env, "A=b c") }, want: "PATH=/usr/bin:/bin\nA=b c\nHOME=/"},
		"home from passwd":          {args: []string{"env"}, change: withPasswd, want: "PATH=/usr/bin:/bin\nHOME=/root"},
		"working directory":         {args: []string{"pwd"}, change: func(s *specs.Spec) { s.Process.Cwd = "/bin" }, want: "/bin"},
		"missing working directory": {args: []string{"pwd"}, change: func(s *specs.Spec) { s.Process.Cwd = "/new/one" }, want: "/new/one"},
		"hostname":                  {args: []string{"cat", "/proc/sys/kernel/hostname"}, want: "box"},
		"nothing but its own root":  {args: []string{"ls", "/"}, want: "bin\ndev\netc\nproc\nsys"},
		"bind mount":                {args: []string{"cat", "/data/shared/note"}, change: bind(), want: "from outside"},
		"bind mount, written":       {args: []string{"write", "/data/shared/new", "x"}, change: bind("rw"), want: ""},
		"bind mount, ro":            {args: []string{"write", "/data/shared/note", "x"}, change: bind("ro"), want: "open /data/shared/note: read-only file system"},
		"bind mount, rro":           {args: []string{"write", "/data/shared/note", "x"}, change: bind("rro"), want: "open /data/shared/note: read-only file system"},
		"bind mount of a file": {args: []string{"cat", "/etc/hosts"}, change: func(s *specs.Spec) {
			s.Mounts = append(s.Mounts, specs.Mount{Destination: "/etc/hosts", Type: "bind", Source: filepath.Join(shared, "note"), Options: []string{"bind", "ro"}})
		}, want: "from outside"},
		"read-only root":            {args: []string{"write", "/x", "x"}, change: func(s *specs.Spec) { s.Root.Readonly = true }, want: "open /x: read-only file system"},
		"read-only root, /dev":      {args: []string{"write", "/dev/shm/x", "x"}, change: func(s *specs.Spec) { s.Root.Readonly = true }, want: ""},
		"null device":               {args: []string{"mode", "/dev/null"}, want: "20666 1:3"},
		"null device works":         {args: []string{"write", "/dev/null", "x"}, want: ""},
		"devices":                   {args: []string{"ls", "/dev"}, want: "fd\nfull\nmqueue\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero"},
		"masked file":               {args: []string{"cat", "/proc/timer_list", "/proc/interrupts"}, want: ""},
		"masked directory":          {args: []string{"ls", "/sys/firmware"}, want: ""},
		"read-only path":            {args: []string{"write", "/proc/sys/kernel/hostname", "x"}, want: "open /proc/sys/kernel/hostname: read-only file system"},
		"sysfs cannot be written":   {args: []string{"write", "/sys/kernel/x", "x"}, want: "open /sys/kernel/x: read-only file system"},
		"sysctl":                    {args: []string{"cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"}, change: func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"net.ipv4.ip_unprivileged_port_start": "7"} }, want: "7"},
		"lo is up in its own netns": {args: []string{"cat", "/sys/class/net/lo/flags"}, want: "0x9"},
		"umask":                     {args: []string{"umask"}, want: "0022"},
		"umask of the spec":         {args: []string{"umask"}, change: func(s *specs.Spec) { m := uint32(0o77); s.Process.User.Umask = &m }, want: "0077"},
		"user":                      {args: []string{"id"}, want: "0 0 []"},
		"limits": {args: []string{"limit", "4"}, change: func(s *specs.Spec) {
			s.Process.Rlimits = []specs.POSIXRlimit{{Type: "RLIMIT_CORE", Soft: 100, Hard: 200}}
		}, want: "100 200"},
		"oom score":                    {args: []string{"cat", "/proc/self/oom_score_adj"}, change: func(s *specs.Spec) { n := 963; s.Process.OOMScoreAdj = &n }, want: "963"},
		"oom score below what we have": {args: []string{"cat", "/proc/self/oom_score_adj"}, change: func(s *specs.Spec) { n := -998; s.Process.OOMScoreAdj = &n }, want: "0"},
		"capabilities":                 {args: []string{"status", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}, want: capabilities("00000000a80425fb")},
		"no capability":                {args: []string{"status", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}, change: func(s *specs.Spec) { s.Process.Capabilities = nil }, want: capabilities("0000000000000000")},
		"no_new_privs":                 {args: []string{"status", "NoNewPrivs"}, want: "NoNewPrivs:\t1"},
		"new privileges":               {args: []string{"status", "NoNewPrivs"}, change: func(s *specs.Spec) { s.Process.NoNewPrivileges = false }, want: "NoNewPrivs:\t0"},
		"seccomp":                      {args: []string{"status", "Seccomp"}, want: "Seccomp:\t2"},
		"unconfined":                   {args: []string{"status", "Seccomp"}, change: func(s *specs.Spec) { s.Linux.Seccomp = nil }, want: "Seccomp:\t0"},
		"sysctl of ipc":                {args: []string{"cat", "/proc/sys/kernel/shm_rmid_forced"}, change: func(s *specs.Spec) { s.Linux.Sysctl = map[string]string{"kernel.shm_rmid_forced": "1"} }, want: "1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSpec(t, c.args...)
			if c.change != nil {
				c.change(s)
			}
			if got, _ := run(t, s); got != c.want {
				t.Errorf("-want +got\n%s", cmp.Diff(c.want, got))
			}
		})
	}
}

func withPasswd(s *specs.Spec) {
	_ = os.WriteFile(filepath.Join(s.Root.Path, "etc/passwd"), []byte("bin:x:1:1::/bin:/x\nroot:x:0:0:root:/root:/bin/sh\n"), 0o644)
}

// capabilities is what /proc/self/status shows of a root process with this permitted set.
func capabilities(set string) string {
	const none = "0000000000000000"
	return strings.Join([]string{"CapInh:\t" + none, "CapPrm:\t" + set, "CapEff:\t" + set, "CapBnd:\t" + set, "CapAmb:\t" + none}, "\n")
}

// Nothing that a container mounts stays with the caller, and nothing is left in the root but the places mounted on.
func TestMountsStayInTheContainer(t *testing.T) {
	before, err := os.ReadFile("/proc/self/mountinfo")
	check(t, err)
	s := newSpec(t, "true")
	run(t, s)
	after, err := os.ReadFile("/proc/self/mountinfo")
	check(t, err)
	if d := cmp.Diff(string(before), string(after)); d != "" {
		t.Errorf("mounts changed: -before +after\n%s", d)
	}
	if exists(filepath.Join(s.Root.Path, "dev/null")) {
		t.Error("the root file system itself has /dev/null")
	}
}

func TestAnotherUser(t *testing.T) {
	s := newSpec(t, "id")
	s.Process.User = specs.User{UID: 1000, GID: 1001, AdditionalGids: []uint32{7, 8}}
	if !kerneltest.Unprivileged() {
		if got, _ := run(t, s); got != "1000 1001 [7 8]" {
			t.Errorf("id prints %q, want 1000 1001 [7 8]", got)
		}
		s.Process.Args = []string{"inside", "status", "CapPrm", "CapEff", "CapBnd"}
		if got, _ := run(t, s); got != "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb" {
			t.Errorf("a user other than root has\n%s", got)
		}
		s.Process.Args = []string{"inside", "write", "/dev/stderr", "x"}
		if got, _ := run(t, s); got != "x" {
			t.Errorf("opening /dev/stderr again: %q", got)
		}
		return
	}
	for _, c := range []struct {
		user specs.User
		want string
	}{
		{specs.User{UID: 1000}, "create container c: run as user 1000: not available in this user namespace, which has only 0"},
		{specs.User{GID: 5}, "create container c: run as group 5: not available in this user namespace, which has only 0"},
		{specs.User{AdditionalGids: []uint32{0, 10}}, "create container c: run with supplementary group 10: not available in this user namespace, which has only 0"},
	} {
		s.Process.User = c.user
		if err := refusal(t, s); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	s.Process.User = specs.User{AdditionalGids: []uint32{0}}
	if got, _ := run(t, s); got != "0 0 []" {
		t.Errorf("id prints %q", got)
	}
}

func TestAmbientCapabilities(t *testing.T) {
	s := newSpec(t, "status", "CapEff", "CapAmb")
	net := []string{"CAP_NET_BIND_SERVICE"}
	s.Process.Capabilities = &specs.LinuxCapabilities{Bounding: net, Permitted: net, Effective: net, Inheritable: net, Ambient: net}
	if !kerneltest.Unprivileged() {
		s.Process.User = specs.User{UID: 1000, GID: 1000}
	}
	want := "CapEff:\t0000000000000400\nCapAmb:\t0000000000000400"
	if got, _ := run(t, s); got != want {
		t.Errorf("-want +got\n%s", cmp.Diff(want, got))
	}
}
