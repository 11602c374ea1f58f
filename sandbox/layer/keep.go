package layer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// What was written into a writable snapshot can be copied away and be put into another one later, over the same layers. The
// copies share their blocks with the originals where the file system can do that (ioctl_ficlonerange(2), by way of
// copy_file_range(2)).

// written is the folder that holds what was written into the snapshot key: the overlay's upper folder, or, with Copies, the
// whole tree.
func (s *Store) written(ctx context.Context, key string) (string, error) {
	mounts, err := s.snaps.Mounts(ctx, key)
	if err != nil {
		return "", fmt.Errorf("find snapshot %q: %w", key, err)
	}
	f := foldersOf(mounts)
	if s.backing == Copies && len(f.lower) > 0 {
		return filepath.Join(filepath.Dir(f.upper), mergedName), nil
	}
	return f.upper, nil
}

// Keep copies what was written into the snapshot key to the folder dir, which must not exist. The snapshot may be in use; of a file that
// is being written the copy has what was there when its turn came.
func (s *Store) Keep(ctx context.Context, key, dir string) error {
	from, err := s.written(ctx, key)
	if err == nil {
		err = CopyTree(dir, from)
	}
	if err != nil {
		return fmt.Errorf("keep what was written into snapshot %q: %w", key, err)
	}
	return nil
}

// Fill puts what Keep has copied into the snapshot key, which was prepared and not mounted yet.
func (s *Store) Fill(ctx context.Context, key, dir string) error {
	to, err := s.written(ctx, key)
	if err == nil {
		err = CopyTree(to, dir)
	}
	if err != nil {
		return fmt.Errorf("fill snapshot %q: %w", key, err)
	}
	return nil
}

// Kept tells whether what was written into the snapshot key is still what Keep copied to dir, as far as names, sizes and times tell.
func (s *Store) Kept(ctx context.Context, key, dir string) (bool, error) {
	now, err := s.written(ctx, key)
	if err != nil {
		return false, err
	}
	return SameTree(dir, now)
}

// SameTree compares two trees as rsync(1) does: by names, types, modes, sizes, targets of links, and the times of files. Times of
// folders say nothing: copying into them changes them.
func SameTree(a, b string) (bool, error) {
	first, err := os.ReadDir(a)
	if err != nil {
		return false, err
	}
	second, err := os.ReadDir(b)
	if err != nil {
		return false, err
	}
	if !slices.EqualFunc(first, second, func(x, y fs.DirEntry) bool { return x.Name() == y.Name() }) {
		return false, nil
	}
	for _, d := range first {
		same, err := sameFile(filepath.Join(a, d.Name()), filepath.Join(b, d.Name()))
		if !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

func sameFile(a, b string) (bool, error) {
	x, err := os.Lstat(a)
	if err != nil {
		return false, err
	}
	y, err := os.Lstat(b)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	switch {
	case err != nil:
		return false, err
	case x.Mode() != y.Mode():
		return false, nil
	case x.IsDir():
		return SameTree(a, b)
	case x.Mode()&fs.ModeSymlink != 0:
		return sameLink(a, b)
	}
	return x.Size() == y.Size() && x.ModTime().Equal(y.ModTime()), nil
}

func sameLink(a, b string) (bool, error) {
	x, err := os.Readlink(a)
	if err != nil {
		return false, err
	}
	y, err := os.Readlink(b)
	return x == y, err
}
