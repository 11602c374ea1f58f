package layer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"drydock/sandbox/layer"
)

// TestProbingIsRemembered: what was found is believed without trying again, but only in the boot in which it was found.
func TestProbingIsRemembered(t *testing.T) {
	root := onDisk(t)
	mountWorks := func() bool {
		s, err := layer.Open(t.Context(), layer.Options{Root: root, Seed: seed(t), Use: layer.Overlay})
		must(t, err)
		defer func() { must(t, s.Close()) }()
		must(t, s.Prepare(t.Context(), "c", "two"))
		target := t.TempDir()
		err = s.Mount(t.Context(), "c", target)
		must(t, s.Unmount(target))
		return err == nil
	}
	if !mountWorks() {
		t.Fatal("the overlay does not mount")
	}
	path := filepath.Join(root, "probed")
	text, err := os.ReadFile(path)
	must(t, err)
	found, _, _ := strings.Cut(string(text), "\n")
	must(t, os.WriteFile(path, []byte(found+"\nnonsense\n"), 0o600))
	if mountWorks() {
		t.Error("the options were probed again, although nothing has changed")
	}
	must(t, os.WriteFile(path, []byte(strings.Replace(found, "boot ", "boot before ", 1)+"\nnonsense\n"), 0o600))
	if !mountWorks() {
		t.Error("the options of another boot were believed")
	}
}
