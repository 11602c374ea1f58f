package image_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"drydock/sandbox/image"
)

func TestWriteArchiveIsDeterministicAndSharesLayers(t *testing.T) {
	base := image.Layer{Files: []image.File{{Path: "bin/b", Mode: 0o755, Data: []byte("b")}, {Path: "/a", Mode: 0o644, Data: bytes.Repeat([]byte("x"), 1<<16)}}}
	turned := image.Layer{Files: []image.File{base.Files[1], base.Files[0]}}
	build := func(l image.Layer) []byte {
		var buf bytes.Buffer
		err := image.WriteArchive(&buf, []image.Spec{
			{Name: "drydock/base:1", Layers: []image.Layer{l}},
			{Name: "drydock/web:1", Layers: []image.Layer{l, {Files: []image.File{{Path: "v", Mode: 0o644, Data: []byte("1")}}}}, Config: ocispec.ImageConfig{Cmd: []string{"/bin/b"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	if !bytes.Equal(build(base), build(turned)) {
		t.Error("the order in which files are given changed the bytes")
	}
	if n := len(build(base)); n > 2<<16 {
		t.Errorf("archive of two images over one 64 KiB layer has %d bytes: the layer is not shared", n)
	}
}

func TestWriteArchiveRefuses(t *testing.T) {
	for want, files := range map[string][]image.File{
		"given twice":  {{Path: "a"}, {Path: "/a"}},
		"no folder":    {{Path: "a"}, {Path: "a/b"}},
		"holds files,": {{Path: "s", Mode: fs.ModeSocket}},
	} {
		err := image.WriteArchive(&bytes.Buffer{}, []image.Spec{{Name: "x", Layers: []image.Layer{{Files: files}}}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	if err := image.WriteArchive(&bytes.Buffer{}, []image.Spec{{Name: "Bad Name"}}); err == nil {
		t.Error("a bad name was accepted")
	}
}

func TestDirFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sub", "f"), []byte("hi"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("sub/f", filepath.Join(dir, "l")); err != nil {
		t.Fatal(err)
	}
	files, err := image.DirFiles(dir, "/opt")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, f.Path+" "+f.Mode.String()+" "+f.Link)
	}
	if want := "/opt drwxr-xr-x ,/opt/l Lrwxrwxrwx sub/f,/opt/sub drwxr-x--- ,/opt/sub/f -rw-r----- "; strings.Join(got, ",") != want {
		t.Errorf("got  %q\nwant %q", strings.Join(got, ","), want)
	}
}
