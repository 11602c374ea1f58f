package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/content"
	"golang.org/x/sys/unix"

	"drydock/sandbox/layer"
)

// Seed unpacks an archive of images into the new folder dir, for many Stores to share. It needs no privilege. When dir is
// there already, nothing is read. Several processes may do it at once: one unpacks, the others wait for it. dir appears in
// one step, when it is complete and on disk.
func Seed(ctx context.Context, dir string, archive io.Reader) error {
	if seeded(dir) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("make folder for images: %w", err)
	}
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return err
	}
	defer unlock()
	if seeded(dir) {
		return nil
	}
	tmp := dir + ".new" // only the holder of the lock touches it; what is there was left by a crash
	err = os.RemoveAll(tmp)
	if err == nil {
		err = fill(ctx, tmp, archive)
	}
	if err == nil {
		err = os.Rename(tmp, dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("unpack images into %q: %w", dir, err), os.RemoveAll(tmp))
	}
	return nil
}

func seeded(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, indexName))
	return err == nil
}

// lock waits until no other process holds the file's lock (flock(2)); the kernel frees it when a process dies.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %q: %w", path, err), f.Close())
	}
	return func() { f.Close() }, nil
}

func fill(ctx context.Context, dir string, archive io.Reader) error {
	if err := os.MkdirAll(filepath.Join(dir, layersName), 0o700); err != nil {
		return err
	}
	blobs, err := openBlobs(filepath.Join(dir, contentName))
	if err != nil {
		return err
	}
	names, err := readArchive(ctx, blobs, archive)
	if err != nil {
		return err
	}
	if err := fillLayers(ctx, filepath.Join(dir, layersName), blobs, names); err != nil {
		return err
	}
	if err := names.write(dir); err != nil {
		return err
	}
	return syncFolder(dir)
}

func fillLayers(ctx context.Context, dir string, blobs content.Store, names index) (err error) {
	to, err := layer.BuildSeed(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	for _, desc := range names {
		m, err := parseManifest(ctx, blobs, desc)
		if err != nil {
			return err
		}
		if _, err := unpack(ctx, blobs, to, m); err != nil {
			return err
		}
	}
	return nil
}

// syncFolder writes everything of the folder's file system to disk: after a power cut there must not be a complete-looking
// seed with empty files in it. This happens once per machine and version.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("sync %q: %w", dir, err)
	}
	return nil
}
