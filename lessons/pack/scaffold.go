package pack

import (
	"bytes"
	"embed"
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
	id := filepath.Base(filepath.Clean(dir))
	if !isID(id) {
		return fmt.Errorf("make a pack named %q: %s", id, idRule)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return fmt.Errorf("make a pack: %w", err)
	}
	files, err := fs.Sub(scaffold, "scaffold")
	if err != nil {
		return err
	}
	return fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return fmt.Errorf("make a pack: %w", err)
		}
		data = bytes.Replace(data, []byte("id: PACK"), []byte("id: "+id), 1)
		if err := os.WriteFile(target, data, 0o644); err != nil {
			return fmt.Errorf("make a pack: %w", err)
		}
		return nil
	})
}
