package image_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/vishvananda/netlink"

	"drydock/sandbox/image"
	"drydock/sandbox/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m, nil)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func textLayer(name, text string) image.Layer {
	return image.Layer{Files: []image.File{{Path: name, Mode: 0o644, Data: []byte(text)}}}
}

// bundle is three images as drydock brings them.
func bundle(t testing.TB) []byte {
	t.Helper()
	base := textLayer("etc/base", strings.Repeat("base ", 1000))
	var buf bytes.Buffer
	must(t, image.WriteArchive(&buf, []image.Spec{
		{Name: "drydock/base:1", Layers: []image.Layer{base}},
		{Name: "drydock/web:1", Layers: []image.Layer{base, textLayer("etc/web", "1")}, Config: ocispec.ImageConfig{Cmd: []string{"/web"}, StopSignal: "SIGQUIT"}},
		{Name: "drydock/web:2", Layers: []image.Layer{base, textLayer("etc/web", "2")}, Config: ocispec.ImageConfig{Cmd: []string{"/web", "-2"}}},
	}))
	return buf.Bytes()
}

func oneImage(t testing.TB, name string) []byte {
	t.Helper()
	var buf bytes.Buffer
	must(t, image.WriteArchive(&buf, []image.Spec{{Name: name, Layers: []image.Layer{textLayer("mine", "mine")}}}))
	return buf.Bytes()
}

func seeded(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "images", "abc")
	must(t, image.Seed(context.Background(), dir, bytes.NewReader(bundle(t))))
	return dir
}

func open(t testing.TB, o image.Options) *image.Store {
	t.Helper()
	s, err := image.Open(t.Context(), o)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

func tags(t testing.TB, s *image.Store) []string {
	t.Helper()
	list, err := s.List(t.Context())
	must(t, err)
	var all []string
	for _, img := range list {
		all = append(all, img.RepoTags...)
	}
	slices.Sort(all)
	return all
}

// content reads a file of the image through a mounted snapshot.
func contentOf(t testing.TB, s *image.Store, ref, file string) string {
	t.Helper()
	ctx := t.Context()
	img, err := s.Resolve(ctx, ref)
	must(t, err)
	top, err := s.Unpack(ctx, img)
	must(t, err)
	key, dir := "read "+ref, t.TempDir()
	must(t, s.Layers().Prepare(ctx, key, top))
	must(t, s.Layers().Mount(ctx, key, dir))
	data, err := os.ReadFile(filepath.Join(dir, file))
	must(t, err)
	must(t, s.Layers().Unmount(dir))
	must(t, s.Layers().Remove(ctx, key))
	return string(data)
}

func TestSeededImagesAreThereAtOnce(t *testing.T) {
	s := open(t, image.Options{Root: t.TempDir(), Seed: seeded(t)})
	want := []string{"docker.io/drydock/base:1", "docker.io/drydock/web:1", "docker.io/drydock/web:2"}
	if diff := cmp.Diff(want, tags(t, s)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	img, err := s.Resolve(t.Context(), "drydock/web:1")
	must(t, err)
	if diff := cmp.Diff(ocispec.ImageConfig{Cmd: []string{"/web"}, StopSignal: "SIGQUIT"}, img.Config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	if !img.Bundled || len(img.Layers) != 2 || img.Size < 5000 || len(img.RepoDigests) != 1 {
		t.Errorf("image is %+v", img)
	}
	for _, ref := range []string{img.ID, strings.TrimPrefix(img.ID, "sha256:"), img.ID[:19], img.RepoDigests[0], "docker.io/drydock/web:1"} {
		if got, err := s.Resolve(t.Context(), ref); err != nil || got.ID != img.ID {
			t.Errorf("resolve %q: %v, %v", ref, got.ID, err)
		}
	}
	if got := contentOf(t, s, "drydock/web:2", "etc/web"); got != "2" {
		t.Errorf("file is %q", got)
	}
}

func TestSeedAtOnceUnpacksOnce(t *testing.T) {
	dir, data := filepath.Join(t.TempDir(), "x", "abc"), bundle(t)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := image.Seed(context.Background(), dir, bytes.NewReader(data)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := image.Seed(context.Background(), dir, nil); err != nil {
		t.Errorf("a seed that is there must not be read again: %v", err)
	}
}

func TestBadSeedLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	data := bundle(t)
	err := image.Seed(context.Background(), filepath.Join(parent, "abc"), io.LimitReader(bytes.NewReader(data), int64(len(data)/2)))
	if err == nil {
		t.Fatal("half an archive was taken for a whole one")
	}
	left, err := filepath.Glob(filepath.Join(parent, "abc*"))
	must(t, err)
	if diff := cmp.Diff([]string{filepath.Join(parent, "abc.lock")}, left); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
}

func TestImportListRemove(t *testing.T) {
	o := image.Options{Root: t.TempDir(), Seed: seeded(t)}
	s, err := image.Open(t.Context(), o)
	must(t, err)
	imgs, err := s.Import(t.Context(), bytes.NewReader(oneImage(t, "mine")))
	must(t, err)
	if len(imgs) != 1 || imgs[0].Bundled || !imgs[0].Imported || imgs[0].RepoTags[0] != "docker.io/library/mine:latest" {
		t.Errorf("imported %+v", imgs)
	}
	must(t, s.Close())
	again := open(t, o)
	if img, err := again.Resolve(t.Context(), "mine"); err != nil || !img.Imported {
		t.Errorf("after reopening imported %t, %v", img.Imported, err)
	}
	if got := contentOf(t, again, "mine", "mine"); got != "mine" {
		t.Errorf("after reopening the file is %q", got)
	}
	must(t, again.Remove(t.Context(), "mine"))
	if _, err := again.Resolve(t.Context(), "mine"); !errors.Is(err, image.ErrNotFound) {
		t.Errorf("after removing: %v", err)
	}
	if b, n, err := again.Usage(t.Context()); err != nil || n > 20 {
		t.Errorf("after removing the store's own usage is %d bytes in %d inodes (%v)", b, n, err)
	}
	blobs, err := filepath.Glob(filepath.Join(o.Root, "content/blobs/sha256/*"))
	must(t, err)
	if len(blobs) > 0 {
		t.Errorf("blobs left: %v", blobs)
	}
	if err := again.Remove(t.Context(), "mine"); !errors.Is(err, image.ErrNotFound) {
		t.Errorf("removing twice: %v", err)
	}
}

func TestRemovedBundledImageCanBePulledBackWithoutNetwork(t *testing.T) {
	s := open(t, image.Options{Root: t.TempDir(), Seed: seeded(t)})
	for _, name := range []string{"drydock/web:1", "drydock/web:2", "drydock/base:1"} {
		must(t, s.Remove(t.Context(), name))
	}
	if got := tags(t, s); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
	_, err := s.Pull(t.Context(), "drydock/web:1", image.Credentials{})
	must(t, err)
	if got := contentOf(t, s, "drydock/web:1", "etc/web"); got != "1" {
		t.Errorf("file is %q", got)
	}
}

func TestBadArchives(t *testing.T) {
	s := open(t, image.Options{Root: t.TempDir()})
	data := bundle(t)
	wrong := bytes.Replace(slices.Clone(data), []byte("base base"), []byte("base BASE"), 1)
	for what, archive := range map[string][]byte{"empty": nil, "half": data[:len(data)/2], "no tar": []byte("hello"), "changed layer": wrong} {
		if _, err := s.Import(t.Context(), bytes.NewReader(archive)); err == nil {
			t.Errorf("%s: no error", what)
		}
		if got := tags(t, s); len(got) > 0 {
			t.Errorf("%s: half-applied: %v", what, got)
		}
	}
}

func TestPullUnknownNamesTheBundledImagesAtOnce(t *testing.T) {
	s := open(t, image.Options{Root: t.TempDir(), Seed: seeded(t)})
	start := time.Now()
	_, err := s.Pull(t.Context(), "ngnix", image.Credentials{})
	if !errors.Is(err, image.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
	if want := "; bundled images: drydock/base:1, drydock/web:1, drydock/web:2"; !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"docker.io/library/ngnix:latest"`) {
		t.Errorf("error is %q", err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// registry serves an OCI archive's blobs as a registry does, for user "ada" only.
func registry(t *testing.T, data []byte) string {
	t.Helper()
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	dir := t.TempDir()
	untar(t, dir, data)
	var idx ocispec.Index
	raw, err := os.ReadFile(filepath.Join(dir, "index.json"))
	must(t, err)
	must(t, json.Unmarshal(raw, &idx))
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, _, _ := r.BasicAuth(); user != "ada" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		last := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		if last == "1" {
			last = idx.Manifests[0].Digest.String()
		}
		blob, err := os.ReadFile(filepath.Join(dir, "blobs/sha256", strings.TrimPrefix(last, "sha256:")))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		if strings.Contains(r.URL.Path, "/manifests/") {
			w.Header().Set("Content-Type", ocispec.MediaTypeImageManifest)
			w.Header().Set("Docker-Content-Digest", last)
		}
		_, _ = w.Write(blob)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func TestPullFromRegistry(t *testing.T) {
	host := registry(t, oneImage(t, "team/mine:1"))
	s := open(t, image.Options{Root: t.TempDir()})
	if _, err := s.Pull(t.Context(), host+"/team/mine:1", image.Credentials{}); err == nil {
		t.Error("pulled without credentials")
	}
	img, err := s.Pull(t.Context(), host+"/team/mine:1", image.Credentials{Username: "ada", Password: "x"})
	must(t, err)
	if got := contentOf(t, s, img.ID, "mine"); got != "mine" {
		t.Errorf("file is %q", got)
	}
	if _, err := s.Pull(t.Context(), host+"/team/mine:7", image.Credentials{Username: "ada", Password: "x"}); !errors.Is(err, image.ErrNotFound) {
		t.Errorf("unknown tag: %v", err)
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"nginx": "docker.io/library/nginx:latest", "drydock/web:1": "docker.io/drydock/web:1",
		"docker.io/library/nginx:1.2": "docker.io/library/nginx:1.2", "localhost:5000/a": "localhost:5000/a:latest",
	} {
		got, err := image.Normalize(in)
		must(t, err)
		if got != want {
			t.Errorf("Normalize(%q) = %q, want %q", in, got, want)
		}
		if back, err := image.Normalize(image.Familiar(got)); err != nil || back != got {
			t.Errorf("Familiar(%q) = %q means %q", got, image.Familiar(got), back)
		}
	}
	for _, bad := range []string{"", "a/UPPER", "a b", "x:", "sha256:"} {
		if got, err := image.Normalize(bad); err == nil {
			t.Errorf("Normalize(%q) = %q, want an error", bad, got)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("nginx")
	f.Add("a/b:c@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	f.Fuzz(func(t *testing.T, in string) {
		once, err := image.Normalize(in)
		if err != nil {
			return
		}
		if twice, err := image.Normalize(once); err != nil || twice != once {
			t.Errorf("%q → %q → %q, %v", in, once, twice, err)
		}
		_ = image.Familiar(once)
	})
}

func BenchmarkOpenSeeded(b *testing.B) {
	dir := seeded(b)
	for b.Loop() {
		b.StopTimer()
		root := b.TempDir()
		b.StartTimer()
		s, err := image.Open(b.Context(), image.Options{Root: root, Seed: dir})
		must(b, err)
		must(b, s.Close())
	}
}
