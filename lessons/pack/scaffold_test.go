package pack_test

import (
	"os"
	"path/filepath"
	"testing"

	"drydock/lessons/pack"
)

func TestNew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my-pack")
	if err := pack.New(dir); err != nil {
		t.Fatal(err)
	}
	p, err := pack.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if warnings := pack.Lint(p); len(warnings) > 0 || p.ID != "my-pack" {
		t.Errorf("pack %q:\n%v", p.ID, warnings)
	}
	if err := pack.New(dir); err == nil {
		t.Error("New wrote over a folder that was there")
	}
	if err := pack.New(filepath.Join(t.TempDir(), "My Pack")); err == nil {
		t.Error("New took a name that is no id")
	}
}
