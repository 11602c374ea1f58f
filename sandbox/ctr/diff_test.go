package ctr

// An internal test: which folders an overlay has, and what they say, is not seen from outside.

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

const mountinfo = `36 35 0:30 / /data ro - tmpfs tmpfs rw
40 35 0:31 / /run/drydock/containers/a/rootfs rw - overlay overlay rw,lowerdir=/s/2/fs:/s/1/fs,upperdir=/s/3/fs,workdir=/s/3/work,userxattr
41 35 0:32 / /run/drydock/containers/b/rootfs rw - ext4 /dev/vda rw
`

func TestOverlayAt(t *testing.T) {
	upper, lower, err := overlayAt(strings.NewReader(mountinfo), "/run/drydock/containers/a/rootfs")
	if diff := cmp.Diff([]string{"/s/2/fs", "/s/1/fs"}, lower); diff != "" || upper != "/s/3/fs" || err != nil {
		t.Errorf("upper %q, err %v, lower (-want +got):\n%s", upper, err, diff)
	}
	if _, _, err := overlayAt(strings.NewReader(mountinfo), "/run/drydock/containers/b/rootfs"); !errors.Is(err, ErrNoDiff) {
		t.Errorf("a whole copy: %v", err)
	}
}

func FuzzOverlayAt(f *testing.F) {
	f.Add(mountinfo, "/data")
	f.Add(" - overlay x y,upperdir=", "")
	f.Fuzz(func(t *testing.T, text, path string) {
		if upper, _, err := overlayAt(strings.NewReader(text), path); err == nil && upper == "" {
			t.Error("an overlay without an upper folder")
		}
	})
}

func TestCompare(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"1/etc/old", "1/etc/passwd", "2/etc/motd", "3/etc/motd", "3/etc/new", "3/etc/hosts", "3/srv/a"} {
		write(name)
	}
	want := []Change{{"C", "/etc"}, {"C", "/etc/motd"}, {"A", "/etc/new"}, {"A", "/srv"}, {"A", "/srv/a"}}
	if os.Getuid() == 0 { // mknod(2) of a whiteout needs CAP_MKNOD; in a lab the kernel makes them
		if err := unix.Mknod(filepath.Join(dir, "3/etc/passwd"), unix.S_IFCHR, 0); err != nil {
			t.Fatal(err)
		}
		want = append(want[:3:3], append([]Change{{"D", "/etc/passwd"}}, want[3:]...)...)
	}
	got, err := compare(filepath.Join(dir, "3"), []string{filepath.Join(dir, "2"), filepath.Join(dir, "1")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
