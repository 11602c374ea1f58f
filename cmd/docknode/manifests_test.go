package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWatchDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "manifests")
	changes, release, err := watchDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	path := filepath.Join(dir, "web.yaml")
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"write", func() error { return os.WriteFile(path, []byte("a"), 0o600) }},
		{"rename", func() error { return os.Rename(path, path+".new") }},
		{"remove", func() error { return os.Remove(path + ".new") }},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changes:
		case <-time.After(5 * time.Second):
			t.Errorf("no word of the %s", step.name)
		}
	}
}
