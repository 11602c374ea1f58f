package layer_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"drydock/sandbox/layer"
)

func TestWhatWasWrittenIsKeptAndFilledIn(t *testing.T) {
	for _, use := range backings {
		t.Run(string(use), func(t *testing.T) {
			ctx := t.Context()
			s := open(t, layer.Options{Root: onDisk(t), Use: use})
			must(t, s.Apply(ctx, "base", "", tarOf(t, "d/", "d/a", "d/b", "e/", "e/x", "f")))
			must(t, s.Prepare(ctx, "c1", "base"))
			one := mounted(t, s, "c1")
			must(t, os.RemoveAll(filepath.Join(one, "d"))) // a folder made anew hides what is below it
			must(t, os.Mkdir(filepath.Join(one, "d"), 0o750))
			must(t, os.WriteFile(filepath.Join(one, "d", "new"), []byte("n"), 0o640))
			must(t, os.Remove(filepath.Join(one, "f")))
			must(t, os.Symlink("x", filepath.Join(one, "e", "link")))
			kept := filepath.Join(onDisk(t), "kept")
			must(t, s.Keep(ctx, "c1", kept))
			if same, err := s.Kept(ctx, "c1", kept); !same || err != nil {
				t.Errorf("right after it was kept: %v, %v", same, err)
			}
			must(t, os.WriteFile(filepath.Join(one, "e", "x"), []byte("other"), 0o644))
			if same, err := s.Kept(ctx, "c1", kept); same || err != nil {
				t.Errorf("after a file was changed: %v, %v", same, err)
			}
			must(t, s.Prepare(ctx, "c2", "base"))
			must(t, s.Fill(ctx, "c2", kept))
			two := mounted(t, s, "c2")
			if diff := cmp.Diff([]string{"d", "d/new", "e", "e/link", "e/x"}, tree(t, two)); diff != "" {
				t.Errorf("files of the filled one (-want +got):\n%s", diff)
			}
			if content, err := os.ReadFile(filepath.Join(two, "e", "x")); err != nil || string(content) != "e/x" {
				t.Errorf("a file that was changed later: %q, %v", content, err)
			}
			must(t, os.WriteFile(filepath.Join(two, "d", "more"), nil, 0o600)) // it is a snapshot like others
		})
	}
}

func TestCopyTree(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "deep", "copy")
	must(t, os.MkdirAll(filepath.Join(from, "dir"), 0o755))
	must(t, os.WriteFile(filepath.Join(from, "dir", "file"), []byte("text"), 0o4750))
	must(t, os.Chmod(filepath.Join(from, "dir", "file"), 0o750|os.ModeSetuid))
	must(t, os.Link(filepath.Join(from, "dir", "file"), filepath.Join(from, "second")))
	must(t, os.Symlink("/nowhere", filepath.Join(from, "link")))
	must(t, unix.Mkfifo(filepath.Join(from, "pipe"), 0o600)) // opening it would wait for a writer
	must(t, layer.CopyTree(to, from))
	if same, err := layer.SameTree(from, to); !same || err != nil {
		t.Errorf("the copy is the same: %v, %v", same, err)
	}
	one, err := os.Stat(filepath.Join(to, "dir", "file"))
	must(t, err)
	two, err := os.Stat(filepath.Join(to, "second"))
	must(t, err)
	if !os.SameFile(one, two) {
		t.Error("two names of one file became two files")
	}
	for name, change := range map[string]func(string) error{
		"another mode":   func(dir string) error { return os.Chmod(filepath.Join(dir, "dir"), 0o700) },
		"another target": func(dir string) error { return relink(filepath.Join(dir, "link"), "/elsewhere") },
		"a file more":    func(dir string) error { return os.WriteFile(filepath.Join(dir, "dir", "more"), nil, 0o600) },
		"a file less":    func(dir string) error { return os.Remove(filepath.Join(dir, "second")) },
		"another time":   func(dir string) error { return os.WriteFile(filepath.Join(dir, "dir", "file"), []byte("TEXT"), 0o600) },
		"another type":   func(dir string) error { return relink(filepath.Join(dir, "pipe"), "x") },
	} {
		other := filepath.Join(t.TempDir(), "other")
		must(t, layer.CopyTree(other, from))
		must(t, change(other))
		if same, err := layer.SameTree(from, other); same || err != nil {
			t.Errorf("%s: same %v, %v", name, same, err)
		}
	}
}

func relink(path, target string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Symlink(target, path)
}
