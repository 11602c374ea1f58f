package layer_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"drydock/sandbox/layer"
)

// An overlay cannot lie on another one's files, as in a container of Docker: the store has to find something else.
func TestOpenOnAnOverlay(t *testing.T) {
	dir := onDisk(t)
	for _, d := range []string{"lower", "upper", "work", "merged"} {
		must(t, os.Mkdir(filepath.Join(dir, d), 0o755))
	}
	merged := filepath.Join(dir, "merged")
	data := "userxattr,lowerdir=" + dir + "/lower,upperdir=" + dir + "/upper,workdir=" + dir + "/work"
	must(t, unix.Mount("overlay", merged, "overlay", 0, data))
	t.Cleanup(func() { must(t, unix.Unmount(merged, unix.MNT_DETACH)) })

	s := open(t, layer.Options{Root: filepath.Join(merged, "state"), Seed: seed(t)})
	if s.Backing() == layer.Overlay {
		t.Fatal("the store thinks that an overlay on an overlay works")
	}
	must(t, s.Prepare(t.Context(), "c1", "two"))
	c1 := mounted(t, s, "c1")
	must(t, os.Remove(filepath.Join(c1, "a")))
	if diff := cmp.Diff([]string{"b"}, tree(t, c1)); diff != "" {
		t.Errorf("files with backing %q (-want +got):\n%s", s.Backing(), diff)
	}
}

func TestOpenSaysWhyABackingIsRefused(t *testing.T) {
	file := filepath.Join(onDisk(t), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	if s, err := layer.Open(t.Context(), layer.Options{Root: file}); err == nil {
		must(t, s.Close())
		t.Error("a file was taken for a folder")
	}
}
