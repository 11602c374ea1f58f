package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/pkg/archive"
	continuity "github.com/containerd/continuity/fs"
	"golang.org/x/sys/unix"
)

// mergedName is the folder beside fs and work that holds a snapshot's whole copy.
const mergedName = "merged"

// copyMounts stands in for the overlay: it lays all layers of the snapshot into one folder, bottom first, and answers with
// a bind mount of it. A snapshot mounted before is not copied again.
func (s *Store) copyMounts(_ context.Context, mounts []mount.Mount) ([]mount.Mount, error) {
	f := foldersOf(mounts)
	if len(f.lower) == 0 {
		return mounts, nil
	}
	merged := filepath.Join(filepath.Dir(f.upper), mergedName)
	if _, err := os.Stat(merged); errors.Is(err, fs.ErrNotExist) {
		if err := flatten(merged, append([]string{f.upper}, f.lower...)); err != nil {
			return nil, errors.Join(err, os.RemoveAll(merged))
		}
	}
	return []mount.Mount{{Type: "bind", Source: merged, Options: []string{"rbind", "rw"}}}, nil
}

// copyDiff brings what was changed in the whole copy back into the snapshot's own folder, as marks and files.
func (s *Store) copyDiff(ctx context.Context, key string) (err error) {
	mounts, err := s.snaps.Mounts(ctx, key)
	if err != nil {
		return err
	}
	f := foldersOf(mounts)
	dir := filepath.Dir(f.upper)
	merged, below := filepath.Join(dir, mergedName), filepath.Join(dir, "below")
	if len(f.lower) == 0 {
		return nil
	}
	if _, err := os.Stat(merged); errors.Is(err, fs.ErrNotExist) {
		return nil // never mounted, so never written
	}
	defer func() { err = errors.Join(err, os.RemoveAll(below)) }()
	if err := flatten(below, f.lower); err != nil {
		return err
	}
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(archive.WriteDiff(ctx, w, below, merged)) }()
	if err := s.extract(ctx, mounts, r); err != nil {
		return errors.Join(err, r.CloseWithError(err))
	}
	return os.RemoveAll(merged)
}

// flatten copies layers, the uppermost first in the list, into the new folder dst.
func flatten(dst string, layers []string) error {
	if err := os.Mkdir(dst, 0o755); err != nil {
		return err
	}
	for i := len(layers) - 1; i >= 0; i-- {
		if err := clearHidden(dst, layers[i]); err != nil {
			return fmt.Errorf("make way for layer %q: %w", layers[i], err)
		}
		if err := continuity.CopyDir(dst, layers[i]); err != nil {
			return fmt.Errorf("copy layer %q: %w", layers[i], err)
		}
		if err := dropWhiteouts(dst, layers[i]); err != nil {
			return fmt.Errorf("apply deletions of %q: %w", layers[i], err)
		}
	}
	return nil
}

// clearHidden deletes in dst what the layer marks as deleted, hides as opaque, or replaces by another type of file.
func clearHidden(dst, layer string) error {
	return eachEntry(dst, layer, func(p, target string, d fs.DirEntry) error {
		old, err := os.Lstat(target)
		if err != nil {
			return nil // nothing below
		}
		if isWhiteout(d) || old.Mode().Type() != d.Type() || d.IsDir() && isOpaque(p) {
			return os.RemoveAll(target)
		}
		return nil
	})
}

// dropWhiteouts deletes the marks that were copied with the rest of the layer.
func dropWhiteouts(dst, layer string) error {
	return eachEntry(dst, layer, func(_, target string, d fs.DirEntry) error {
		if isWhiteout(d) {
			return os.RemoveAll(target)
		}
		return nil
	})
}

// eachEntry calls do with each path of the layer and the path in dst that it covers.
func eachEntry(dst, layer string, do func(p, target string, d fs.DirEntry) error) error {
	return filepath.WalkDir(layer, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(layer, p)
		if err != nil || rel == "." {
			return err
		}
		return do(p, filepath.Join(dst, rel), d)
	})
}

// isWhiteout tells whether the entry is overlayfs' mark for "deleted here", a character device 0/0.
func isWhiteout(d fs.DirEntry) bool {
	info, err := d.Info()
	if err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Rdev == 0
}

// isOpaque tells whether the folder hides what lower layers have in it.
func isOpaque(dir string) bool {
	for _, class := range []string{"user", "trusted"} {
		value := make([]byte, 1)
		if n, err := unix.Getxattr(dir, class+".overlay.opaque", value); err == nil && n == 1 && value[0] == 'y' {
			return true
		}
	}
	return false
}
