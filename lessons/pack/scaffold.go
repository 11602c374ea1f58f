package pack

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

//go:embed all:scaffold
var scaffold embed.FS

// New writes a small pack that already passes into a folder, which must not be there yet. The folder's name becomes the
// pack's id.
func New(dir string) error {
	id, err := begin(dir)
	if err != nil {
		return err
	}
	files, err := fs.Sub(scaffold, "scaffold")
	if err != nil {
		return err
	}
	return finish(dir, writeAll(dir, files, func(_ string, data []byte) []byte {
		return bytes.Replace(data, []byte("id: PACK"), []byte("id: "+id), 1)
	}))
}

// begin makes the folder of a new pack and returns the pack's id.
func begin(dir string) (string, error) {
	id := filepath.Base(filepath.Clean(dir))
	if !isID(id) {
		return "", fmt.Errorf("make a pack named %q: %s", id, idRule)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("make a pack: %w", err)
	}
	return id, nil
}

// finish takes the folder away again when it could not be written.
func finish(dir string, err error) error {
	if err != nil {
		return fmt.Errorf("make a pack: %w", errors.Join(err, os.RemoveAll(dir)))
	}
	return nil
}

// writeAll writes files below a folder, as edit makes them.
func writeAll(dir string, files fs.FS, edit func(name string, data []byte) []byte) error {
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return write(dir, name, edit(name, data))
	})
}

// write writes one file below a folder.
func write(dir, name string, data []byte) error {
	target := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, data, 0o644)
}
