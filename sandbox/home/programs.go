package home

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// Programs is the directory of one version's unpacked programs.
type Programs string

// Path is the path of one program.
func (p Programs) Path(name string) string { return filepath.Join(string(p), name) }

// ErrNoAssets: this drydock was built without the programs it carries.
var ErrNoAssets = errors.New("this drydock carries no programs: build it with make")

// Unpack writes every name.zst of assets to the programs' directory and returns it. Several processes may call it at once.
func (h Home) Unpack(assets fs.FS) (Programs, error) {
	names, err := fs.Glob(assets, "*.zst")
	if err != nil || len(names) == 0 {
		return "", errors.Join(ErrNoAssets, err)
	}
	version, err := fs.ReadFile(assets, "digest")
	if err != nil {
		return "", errors.Join(ErrNoAssets, err)
	}
	sum := sha256.Sum256(version)
	dir := filepath.Join(string(h), "bin", hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(dir); err == nil {
		return Programs(dir), touch(dir)
	}
	return Programs(dir), unpackAll(assets, names, dir)
}

// unpackAll fills a directory beside dir and renames it: dir is there whole or not at all.
func unpackAll(assets fs.FS, names []string, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("make room for programs: %w", err)
	}
	temporary, err := os.MkdirTemp(filepath.Dir(dir), "unpacking-")
	if err != nil {
		return fmt.Errorf("make room for programs: %w", err)
	}
	defer func() { _ = os.RemoveAll(temporary) }() // what is left is found under a name that nobody reads
	for _, name := range names {
		if err := unpackOne(assets, name, temporary); err != nil {
			return fmt.Errorf("unpack %s: %w", name, err)
		}
	}
	if err := os.Rename(temporary, dir); err != nil {
		if _, statErr := os.Stat(dir); statErr == nil {
			return nil // another process was faster; its copy is as good
		}
		return fmt.Errorf("put programs in place: %w", err)
	}
	return nil
}

func unpackOne(assets fs.FS, name, dir string) error {
	packed, err := assets.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = packed.Close() }() // only read
	reader, err := zstd.NewReader(packed)
	if err != nil {
		return err
	}
	defer reader.Close()
	out, err := os.OpenFile(filepath.Join(dir, name[:len(name)-len(".zst")]), os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, reader); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
