package pack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settled is how long a folder must be left alone before it is read again: editors write a file in several steps.
const settled = 80 * time.Millisecond

// Watch reads the pack in a folder again each time something in it was saved, and tells what it read or what is wrong with it,
// until ctx ends. It calls changed from its own goroutine, one at a time. The pack is of the moment: later changes of the
// folder do not reach it.
func Watch(ctx context.Context, dir string, changed func(*Pack, error)) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch %s: %w", dir, err)
	}
	defer func() { _ = w.Close() }() // it only reads
	if err := watchBelow(w, dir); err != nil {
		return err
	}
	quiet := time.NewTimer(settled)
	quiet.Stop()
	defer quiet.Stop()
	for {
		select {
		case e := <-w.Events:
			if strings.HasPrefix(filepath.Base(e.Name), ".") || e.Op == fsnotify.Chmod {
				continue
			}
			if e.Has(fsnotify.Create) {
				if err := watchBelow(w, e.Name); err != nil {
					return err
				}
			}
			quiet.Reset(settled)
		case err := <-w.Errors:
			return fmt.Errorf("watch %s: %w", dir, err)
		case <-quiet.C:
			changed(LoadNow(dir))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// watchBelow watches a folder and those in it: inotify(7) does not look into them by itself. A file, or what is gone already, is
// nothing to watch.
func watchBelow(w *fsnotify.Watcher, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil || !d.IsDir():
			return err
		}
		if err := w.Add(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("watch %s: %w", path, err)
		}
		return nil
	})
}

// LoadNow reads the pack in a folder as it is at this moment.
func LoadNow(dir string) (*Pack, error) {
	now, count := fstest.MapFS{}, 0
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		if count++; count > mostFiles {
			return fmt.Errorf("%s holds more than %d files", dir, mostFiles)
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		now[name] = &fstest.MapFile{Data: data, Mode: 0o644}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the pack: %w", err)
	}
	return Load(now)
}
