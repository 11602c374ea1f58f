package image_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func untar(t testing.TB, dir string, data []byte) {
	t.Helper()
	tr := tar.NewReader(bytes.NewReader(data))
	for {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		must(t, err)
		path := filepath.Join(dir, hdr.Name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		content, err := io.ReadAll(tr)
		must(t, err)
		must(t, os.WriteFile(path, content, 0o600))
	}
}
