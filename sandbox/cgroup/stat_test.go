package cgroup

// An internal test: parseStat and hierarchiesIn are the parsers of this package and no part of what it offers.

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStat(t *testing.T) {
	const rest = " S 41 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 2 3"
	for _, name := range []string{"(sh)", "(a b)", "(x) R 1)", "()"} {
		got, err := parseStat("42 " + name + rest)
		if want := (stat{state: 'S', parent: 41, start: 4711}); err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("42 (sh) S 41 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 2 3")
	f.Add("42 (sh")
	f.Fuzz(func(t *testing.T, line string) {
		if s, err := parseStat(line); err != nil && s != (stat{}) {
			t.Errorf("parseStat(%q) = %+v with the error %v", line, s, err)
		}
	})
}

func TestHierarchiesIn(t *testing.T) {
	const mountinfo = `25 1 0:23 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
36 25 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
37 25 0:31 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
38 25 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,memory
broken
`
	got := hierarchiesIn(mountinfo)
	delete(got, "rw")
	want := map[string]string{
		"cpu": "/sys/fs/cgroup/cpu,cpuacct", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct", "pids": "/sys/fs/cgroup/pids",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func FuzzHierarchiesIn(f *testing.F) {
	f.Add("36 25 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n")
	f.Fuzz(func(t *testing.T, mountinfo string) {
		for c, root := range hierarchiesIn(mountinfo) {
			if root == "" {
				t.Errorf("controller %q has no mount point", c)
			}
		}
	})
}
