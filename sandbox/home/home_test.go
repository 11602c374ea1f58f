package home_test

import (
	"bytes"
	"errors"
	"os"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"

	"drydock/sandbox/home"
)

func compressed(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestUnpackOnceByManyAtATime(t *testing.T) {
	t.Setenv("DRYDOCK_HOME", t.TempDir()+"/deep/home")
	h, err := home.Find()
	if err != nil {
		t.Fatal(err)
	}
	assets := fstest.MapFS{
		"digest":      {Data: []byte("v1")},
		"runtime.zst": {Data: compressed(t, "a program")},
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			programs, err := h.Unpack(assets)
			if err != nil {
				t.Error(err)
				return
			}
			if text, err := os.ReadFile(programs.Path("runtime")); err != nil || string(text) != "a program" {
				t.Errorf("unpacked %q, %v", text, err)
			}
		})
	}
	all.Wait()
	left, err := os.ReadDir(string(h) + "/bin")
	if err != nil || len(left) != 1 {
		t.Errorf("%d directories in bin, want 1 (%v)", len(left), err)
	}
}

func TestUnpackWithoutAssetsSaysSo(t *testing.T) {
	if _, err := home.Home(t.TempDir()).Unpack(fstest.MapFS{}); !errors.Is(err, home.ErrNoAssets) {
		t.Errorf("got %v, want ErrNoAssets", err)
	}
}

func TestLabNames(t *testing.T) {
	for name, ok := range map[string]bool{"lab": true, "a-1": true, "": false, "..": false, "A": false, "a/b": false, "1a": false} {
		if _, err := home.Home("/x").Lab(name); (err == nil) != ok {
			t.Errorf("Lab(%q): %v", name, err)
		}
	}
}
