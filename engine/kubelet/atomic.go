package kubelet

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type volumeFile struct {
	content []byte
	mode    uint32
}

const (
	dataLink    = "..data"     // what the files a container sees point through
	dataLinkNew = "..data_tmp" // the next one, renamed over it
)

// writeAtomically makes dir hold exactly files, so that a reader sees either all old or all new content, never a mixture:
//
//	dir/app.conf -> ..data/app.conf
//	dir/..data   -> ..2026_11_20_10_30_00.123456789
//
// A change writes a new dated directory, and one rename(2) of the link moves every file at once. Paths must be local.
func writeAtomically(dir string, files map[string]volumeFile) error {
	for path := range files {
		if !filepath.IsLocal(path) || strings.HasPrefix(path, "..") {
			return fmt.Errorf("invalid path %q: it must stay inside the volume and not begin with '..'", path)
		}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	old, err := os.Readlink(filepath.Join(dir, dataLink))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if old != "" && sameFiles(filepath.Join(dir, old), files) {
		return linkFiles(dir, files)
	}
	stamp, err := os.MkdirTemp(dir, time.Now().UTC().Format("..2006_01_02_15_04_05."))
	if err != nil {
		return err
	}
	if err := writeFiles(stamp, files); err != nil {
		return errors.Join(err, os.RemoveAll(stamp))
	}
	next := filepath.Join(dir, dataLinkNew)
	_ = os.Remove(next) // left by a kubelet that was killed here
	if err := os.Symlink(filepath.Base(stamp), next); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(dir, dataLink)); err != nil {
		return err
	}
	// Order matters: links to new files only after the data is there, links of vanished files go before their data.
	if err := errors.Join(linkFiles(dir, files), unlinkOthers(dir, files)); err != nil {
		return err
	}
	if old == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(dir, old))
}

func sameFiles(dir string, files map[string]volumeFile) bool {
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		want, found := files[name]
		if err != nil || !found || !bytes.Equal(content, want.content) {
			return fs.ErrInvalid
		}
		seen++
		return nil
	})
	return err == nil && seen == len(files)
}

func writeFiles(dir string, files map[string]volumeFile) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		mode := fs.FileMode(files[name].mode & 0o777)
		if err := os.WriteFile(path, files[name].content, mode); err != nil {
			return err
		}
		if err := os.Chmod(path, mode); err != nil { // the umask has no say
			return err
		}
	}
	return nil
}

// linkFiles makes the first element of every path a link through ..data.
func linkFiles(dir string, files map[string]volumeFile) error {
	for name := range files {
		top, _, _ := strings.Cut(name, "/")
		link := filepath.Join(dir, top)
		if _, err := os.Lstat(link); err == nil {
			continue
		}
		if err := os.Symlink(filepath.Join(dataLink, top), link); err != nil {
			return err
		}
	}
	return nil
}

func unlinkOthers(dir string, files map[string]volumeFile) error {
	wanted := map[string]bool{}
	for name := range files {
		top, _, _ := strings.Cut(name, "/")
		wanted[top] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var failures []error
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "..") && !wanted[entry.Name()] {
			failures = append(failures, os.Remove(filepath.Join(dir, entry.Name())))
		}
	}
	return errors.Join(failures...)
}
