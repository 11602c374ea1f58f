package distribution_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"drydock/lessons/distribution"
	"drydock/lessons/pack"
)

// serve runs a registry in this process. With a password it asks for one.
func serve(t *testing.T, password string) (host string) {
	t.Helper()
	inner := registry.New(registry.Logger(slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, got, _ := r.BasicAuth(); password != "" && got != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	return strings.TrimPrefix(s.URL, "http://")
}

// built is the scaffold of `pack new`, and what else is done to its folder.
func built(t *testing.T, change func(dir string)) *pack.Artifact {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "demo")
	if err := pack.New(dir); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(dir)
	}
	a, err := pack.Build(os.DirFS(dir), pack.Student)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func place(t *testing.T, text string) distribution.Place {
	t.Helper()
	p, err := distribution.ParsePlace(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func fileOf(t *testing.T, a *pack.Artifact) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := a.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestThereAndBack(t *testing.T) {
	host, dir := serve(t, ""), t.TempDir()
	private, public, err := pack.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	sent := built(t, nil)
	if err := sent.Sign(private); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{
		host + "/school/demo", host + "/school/demo:1.0.0", "oci:" + dir + "/layout", "oci:" + dir + "/layout:other",
		"oci-archive:" + dir + "/layout.tar", "oci-archive:" + dir + "/tagged.tar:term-1",
	} {
		if _, err := distribution.Push(t.Context(), sent, place(t, to)); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "got.dockpack")
		got, err := distribution.Pull(t.Context(), place(t, to), file)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Verify(public); err != nil {
			t.Errorf("%s: %v", to, err)
		}
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(raw, fileOf(t, sent)) {
			t.Errorf("%s: what came back is not what was sent", to)
		}
	}
	// Without a tag it can be found by its version, too.
	if _, err := distribution.Pull(t.Context(), place(t, host+"/school/demo:"+sent.About.Version), filepath.Join(dir, "v")); err != nil {
		t.Error(err)
	}
}

func TestCredentialsComeFromDockersConfig(t *testing.T) {
	host := serve(t, "secret")
	a := built(t, nil)
	if _, err := distribution.Push(t.Context(), a, place(t, host+"/demo")); err == nil || !strings.Contains(err.Error(), "`docker login "+host) {
		t.Fatalf("without a password: %v", err)
	}
	config := `{"auths":{"` + host + `":{"auth":"` + base64.StdEncoding.EncodeToString([]byte("me:secret")) + `"}}}`
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := distribution.Push(t.Context(), a, place(t, host+"/demo")); err != nil {
		t.Fatal(err)
	}
}

// publish puts an image into the registry and returns its name with its digest.
func publish(t *testing.T, host string) (string, v1.Image) {
	t.Helper()
	img, err := random.Image(3000, 2)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag(host + "/tools/web:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return host + "/tools/web@" + digest.String(), img
}

func TestImagesTravelWithThePack(t *testing.T) {
	host := serve(t, "")
	image, _ := publish(t, host)
	a := built(t, func(dir string) {
		yaml := filepath.Join(dir, "pack.yaml")
		text, err := os.ReadFile(yaml)
		if err == nil {
			err = os.WriteFile(yaml, append(text, "images: [drydock/web:1, "+image+"]\n"...), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	p, err := pack.Load(a.Files)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{image}, p.NeedsImages()); diff != "" {
		t.Fatalf("images to bring (-want +got):\n%s", diff)
	}
	done, err := distribution.AddImages(t.Context(), a, p.NeedsImages(), nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := fileOf(t, a)
	elsewhere := serve(t, "")
	if _, err := distribution.Push(t.Context(), a, place(t, elsewhere+"/demo")); err != nil {
		t.Fatal(err)
	}
	if err := done(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "got.dockpack")
	got, err := distribution.Pull(t.Context(), place(t, elsewhere+"/demo"), file)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Images) != 1 || pack.ImageName(got.Images[0]) != image {
		t.Errorf("images: %+v", got.Images)
	}
	if !bytes.Equal(fileOf(t, got), whole) {
		t.Error("the file with its images is not what was sent")
	}
	// A byte of a layer that is another is noticed.
	at := bytes.LastIndex(whole, []byte{0x1f, 0x8b}) // a layer begins as gzip does
	whole[at+20] ^= 1
	if _, err := pack.OpenArtifact(bytes.NewReader(whole)); !errors.Is(err, pack.ErrDamaged) {
		t.Errorf("a damaged image: %v", err)
	}
	// The place it came from can be a layout as well, without any registry.
	b := built(t, nil)
	layout := "oci:" + filepath.Join(t.TempDir(), "images")
	if _, err := distribution.Push(t.Context(), got, place(t, layout)); err != nil {
		t.Fatal(err)
	}
	done, err = distribution.AddImages(t.Context(), b, []string{image}, []distribution.Place{place(t, layout)})
	if err != nil {
		t.Fatal(err)
	}
	if err := done(); err != nil {
		t.Error(err)
	}
}

func TestImagesNeedADigest(t *testing.T) {
	a := built(t, nil)
	_, err := distribution.AddImages(t.Context(), a, []string{"nginx:1"}, nil)
	if err == nil || !strings.Contains(err.Error(), "it has no digest; write NAME@sha256:") {
		t.Error(err)
	}
}

func TestPullRefuses(t *testing.T) {
	host := serve(t, "")
	image, _ := publish(t, host)
	file := filepath.Join(t.TempDir(), "got")
	for ref, want := range map[string]string{
		host + "/nothing:1": "not found",
		image:               "not a pack",
		"oci:/nowhere":      "no such file",
	} {
		if _, err := distribution.Pull(context.Background(), place(t, ref), file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", ref, err, want)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("something was left of a pull that went wrong")
	}
}

func TestParsePlace(t *testing.T) {
	for text, want := range map[string]string{
		"ghcr.io/you/demo":       "ghcr.io/you/demo:latest",
		"localhost/demo:1":       "localhost/demo:1",
		"oci:some/dir":           "oci:some/dir:latest",
		"oci:C/dir:v1":           "oci:C/dir:v1",
		"oci-archive:/tmp/a.tar": "oci-archive:/tmp/a.tar:latest",
		"you/demo":               "",
		"demo":                   "",
		"demo.dockpack":          "",
		"oci:":                   "",
		"ghcr.io/You/Demo":       "",
	} {
		p, err := distribution.ParsePlace(text)
		switch {
		case want == "" && !errors.Is(err, distribution.ErrNotAPlace):
			t.Errorf("%s: %v", text, err)
		case want != "" && (err != nil || p.String() != want):
			t.Errorf("%s: %s, %v", text, p, err)
		}
	}
}

func FuzzParsePlace(f *testing.F) {
	for _, seed := range []string{"ghcr.io/you/demo:1", "oci:a:b", "oci-archive:x", "a.b/c@sha256:00", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := distribution.ParsePlace(text)
		if err != nil {
			return
		}
		if again, err := distribution.ParsePlace(p.String()); err != nil || again.String() != p.String() {
			t.Errorf("%q is %q, which reads as %q, %v", text, p, again, err)
		}
	})
}
