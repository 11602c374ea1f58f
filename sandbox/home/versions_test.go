package home_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/sandbox/home"
)

// TestSweepVersions: what an earlier version has unpacked goes, unless a lab of that version runs, it was just unpacked, or it is none of
// ours.
func TestSweepVersions(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := home.Home(dir)
	const now, running, old, young = "0000000000000001", "0000000000000002", "0000000000000003", "0000000000000004"
	for _, name := range []string{now, running, old, young, "unpacking-17", "mine"} {
		for _, of := range []string{"bin", "images"} {
			place := filepath.Join(dir, of, name)
			if err := os.MkdirAll(filepath.Join(place, "deep", "work"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(filepath.Join(place, "deep", "work"), 0); err != nil { // as the kernel makes overlay's
				t.Fatal(err)
			}
		}
	}
	program := filepath.Join(dir, "bin", running, "dockkeep")
	copyFile(t, program, "/bin/cat")
	keeper := exec.Command(program)
	input, err := keeper.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{now, running, old, "unpacking-17", "mine"} {
		for _, of := range []string{"bin", "images"} {
			long := time.Now().Add(-time.Hour)
			if err := os.Chtimes(filepath.Join(dir, of, name), long, long); err != nil {
				t.Fatal(err)
			}
		}
	}
	keep := home.Programs(filepath.Join(dir, "bin", now))
	if err := h.SweepVersions(keep); err != nil {
		t.Fatal(err)
	}
	want := []string{now, running, young, "mine"}
	if diff := cmp.Diff([][]string{want, want}, left(t, h)); diff != "" {
		t.Errorf("left while a lab of an old version runs (-want +got):\n%s", diff)
	}
	if err := input.Close(); err != nil {
		t.Fatal(err)
	}
	if err := keeper.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := h.SweepVersions(keep); err != nil {
		t.Fatal(err)
	}
	want = []string{now, young, "mine"}
	if diff := cmp.Diff([][]string{want, want}, left(t, h)); diff != "" {
		t.Errorf("left afterwards (-want +got):\n%s", diff)
	}
}

func left(t *testing.T, h home.Home) [][]string {
	t.Helper()
	var all [][]string
	for _, of := range []string{"bin", "images"} {
		entries, err := os.ReadDir(filepath.Join(string(h), of))
		if err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		slices.Sort(names)
		all = append(all, names)
	}
	return all
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	source, err := os.Open(from)
	if err != nil {
		t.Skip(err)
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o700)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(target, source); err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
}
