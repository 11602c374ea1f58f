package layer_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/sandbox/internal/kerneltest"
	"drydock/sandbox/layer"
)

func TestMain(m *testing.M) {
	os.Exit(kerneltest.Main(m, func(dir string) error {
		disk := filepath.Join(dir, "disk")
		return errors.Join(os.Mkdir(disk, 0o755), os.Chmod(disk, 0o1777))
	}))
}

// onDisk is a fresh folder on the machine's own file system; t.TempDir is on a tmpfs. An overlay must work on both.
func onDisk(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Join(kerneltest.Dir(), "disk"), "")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// backings are tried in every test that mounts.
var backings = []layer.Backing{layer.Overlay, layer.OverlayOnTmpfs, layer.Copies}

// tarOf makes a layer; a name that ends in a slash is a folder, anything else a file with its own name as content.
func tarOf(t testing.TB, names ...string) *bytes.Reader {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, name := range names {
		hdr := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(name)), Typeflag: tar.TypeReg, Uid: 33, Gid: 33}
		if strings.HasSuffix(name, "/") {
			hdr.Typeflag, hdr.Size, hdr.Mode = tar.TypeDir, 0, 0o755
		}
		if err := tw.WriteHeader(hdr); err != nil {
			t.Fatal(err)
		}
		if hdr.Size > 0 {
			fmt.Fprint(tw, name)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(buf.Bytes())
}

func open(t testing.TB, o layer.Options) *layer.Store {
	t.Helper()
	s, err := layer.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mounted mounts a snapshot and returns its folder.
func mounted(t testing.TB, s *layer.Store, key string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, s.Mount(context.Background(), key, dir))
	t.Cleanup(func() { must(t, s.Unmount(dir)) })
	return dir
}

// tree lists the paths below dir.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var paths []string
	must(t, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if p != dir {
			paths = append(paths, strings.TrimPrefix(p, dir+"/"))
		}
		return err
	}))
	slices.Sort(paths)
	return paths
}

func TestLayersStack(t *testing.T) {
	for _, use := range backings {
		t.Run(string(use), func(t *testing.T) {
			ctx := t.Context()
			s := open(t, layer.Options{Root: onDisk(t), Use: use})
			must(t, s.Apply(ctx, "one", "", tarOf(t, "d/", "d/a", "d/b", "e/", "e/x", "f")))
			must(t, s.Apply(ctx, "two", "one", tarOf(t, "d/.wh.a", "e/", "e/.wh..wh..opq", "e/y", ".wh.f", "f/", "f/g")))
			must(t, s.Prepare(ctx, "c1", "two"))
			dir := mounted(t, s, "c1")
			if diff := cmp.Diff([]string{"d", "d/b", "e", "e/y", "f", "f/g"}, tree(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWritesStayInTheSnapshotUntilCommitted(t *testing.T) {
	for _, use := range backings {
		t.Run(string(use), func(t *testing.T) {
			ctx := t.Context()
			s := open(t, layer.Options{Root: onDisk(t), Use: use})
			must(t, s.Apply(ctx, "base", "", tarOf(t, "d/", "d/a", "d/b")))
			must(t, s.Prepare(ctx, "c1", "base"))
			must(t, s.Prepare(ctx, "c2", "base"))
			one, two := mounted(t, s, "c1"), mounted(t, s, "c2")
			must(t, os.RemoveAll(filepath.Join(one, "d")))
			must(t, os.Mkdir(filepath.Join(one, "d"), 0o755))
			must(t, os.WriteFile(filepath.Join(one, "d", "new"), []byte("n"), 0o600))
			if diff := cmp.Diff([]string{"d", "d/a", "d/b"}, tree(t, two)); diff != "" {
				t.Errorf("the other container sees (-want +got):\n%s", diff)
			}
			must(t, s.Unmount(one))
			must(t, s.Commit(ctx, "child", "c1"))
			must(t, s.Prepare(ctx, "c3", "child"))
			if diff := cmp.Diff([]string{"d", "d/new"}, tree(t, mounted(t, s, "c3"))); diff != "" {
				t.Errorf("committed layer (-want +got):\n%s", diff)
			}
			if err := s.Remove(ctx, "base"); err == nil {
				t.Error("a layer that others stand on was removed")
			}
		})
	}
}

func TestMountAgainKeepsWrites(t *testing.T) {
	for _, use := range backings {
		t.Run(string(use), func(t *testing.T) {
			s := open(t, layer.Options{Root: onDisk(t), Use: use})
			must(t, s.Apply(t.Context(), "base", "", tarOf(t, "a")))
			must(t, s.Prepare(t.Context(), "c1", "base"))
			dir := t.TempDir()
			must(t, s.Mount(t.Context(), "c1", dir))
			must(t, os.WriteFile(filepath.Join(dir, "b"), nil, 0o600))
			must(t, s.Unmount(dir))
			if diff := cmp.Diff([]string{"a", "b"}, tree(t, mounted(t, s, "c1"))); diff != "" {
				t.Errorf("after the second mount (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOwnersFollowTheUserNamespace(t *testing.T) {
	s := open(t, layer.Options{Root: onDisk(t)})
	must(t, s.Apply(t.Context(), "base", "", tarOf(t, "a")))
	must(t, s.Prepare(t.Context(), "c1", "base"))
	info, err := os.Stat(filepath.Join(mounted(t, s, "c1"), "a"))
	must(t, err)
	want := uint32(33)
	if kerneltest.Unprivileged() {
		want = 0
	}
	if got := uidOf(info); got != want {
		t.Errorf("owner %d, want %d", got, want)
	}
}

func seed(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	b, err := layer.BuildSeed(dir)
	must(t, err)
	must(t, b.Apply(t.Context(), "one", "", tarOf(t, "a")))
	must(t, b.Apply(t.Context(), "two", "one", tarOf(t, "b")))
	must(t, b.Close())
	return dir
}

func TestSeedIsSharedAndNeverTouched(t *testing.T) {
	dir := seed(t)
	before := tree(t, dir)
	ctx := t.Context()
	s1, s2 := open(t, layer.Options{Root: onDisk(t), Seed: dir}), open(t, layer.Options{Root: onDisk(t), Seed: dir})
	must(t, s1.Apply(ctx, "three", "two", tarOf(t, "c")))
	must(t, s1.Prepare(ctx, "c1", "three"))
	if diff := cmp.Diff([]string{"a", "b", "c"}, tree(t, mounted(t, s1, "c1"))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	must(t, s2.Remove(ctx, "two"))
	must(t, s2.Remove(ctx, "one"))
	if s2.Has(ctx, "one") || !s1.Has(ctx, "one") {
		t.Error("a node's own removal must be seen by that node, and by no other")
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("seed changed (-want +got):\n%s", diff)
	}
}

func TestReopenSweepsContainersAndKeepsLayers(t *testing.T) {
	o := layer.Options{Root: onDisk(t), Seed: seed(t), Use: layer.Overlay}
	ctx := t.Context()
	s, err := layer.Open(ctx, o)
	must(t, err)
	must(t, s.Apply(ctx, "three", "two", tarOf(t, "c")))
	must(t, s.Prepare(ctx, "c1", "three"))
	must(t, s.Close())
	again := open(t, o)
	if !again.Has(ctx, "three") || again.Has(ctx, "c1") {
		t.Error("want the layer kept and the container's snapshot gone")
	}
	must(t, again.Prepare(ctx, "c1", "three"))
}

func TestAnotherSeedStartsAnew(t *testing.T) {
	root := onDisk(t)
	ctx := t.Context()
	s, err := layer.Open(ctx, layer.Options{Root: root, Seed: seed(t)})
	must(t, err)
	must(t, s.Apply(ctx, "three", "two", tarOf(t, "c")))
	must(t, s.Close())
	again := open(t, layer.Options{Root: root, Seed: seed(t)})
	if again.Has(ctx, "three") || !again.Has(ctx, "two") {
		t.Error("a store over another seed must hold that seed's layers only: numbers mean other layers now")
	}
}

func TestApplyAtOnce(t *testing.T) {
	s := open(t, layer.Options{Root: onDisk(t)})
	var wg sync.WaitGroup
	for range 8 {
		diff := tarOf(t, "a")
		wg.Go(func() {
			if err := s.Apply(t.Context(), "one", "", diff); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Apply(t.Context(), "bad", "one", strings.NewReader("no tar at all, but long enough"+strings.Repeat("x", 1024))); err == nil {
		t.Error("garbage was taken for a layer")
	}
	layers, err := s.Layers(t.Context())
	must(t, err)
	if diff := cmp.Diff(map[string]string{"one": ""}, layers); diff != "" {
		t.Errorf("layers (-want +got):\n%s", diff)
	}
}

func BenchmarkOpenSeeded(b *testing.B) {
	dir := seed(b)
	for b.Loop() {
		b.StopTimer()
		root := onDisk(b)
		b.StartTimer()
		s, err := layer.Open(b.Context(), layer.Options{Root: root, Seed: dir, Use: layer.Overlay})
		must(b, err)
		must(b, s.Close())
	}
}

func BenchmarkPrepareMountRemove(b *testing.B) {
	s := open(b, layer.Options{Root: onDisk(b), Seed: seed(b), Use: layer.Overlay})
	dir := b.TempDir()
	for b.Loop() {
		must(b, s.Prepare(b.Context(), "c", "two"))
		must(b, s.Mount(b.Context(), "c", dir))
		must(b, s.Unmount(dir))
		must(b, s.Remove(b.Context(), "c"))
	}
}
