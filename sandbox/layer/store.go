package layer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/core/snapshots"
	"github.com/containerd/containerd/v2/core/snapshots/storage"
	"github.com/containerd/containerd/v2/plugins/snapshots/overlay"
	"github.com/containerd/errdefs"
	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// Backing says how writable snapshots are made.
type Backing string

const (
	// Overlay mounts an overlayfs whose upper folder is on the store's own file system.
	Overlay Backing = "overlay"
	// OverlayOnTmpfs is the same on a tmpfs over the store's folder: what is written takes memory and ends with the node.
	OverlayOnTmpfs Backing = "overlay on tmpfs"
	// Copies makes a whole copy of the layers for each snapshot: slow and large, but it works everywhere.
	Copies Backing = "copies"
)

// Options say where a Store lives.
type Options struct {
	// Root is the store's folder; it is made when missing and belongs to one Store at a time.
	Root string
	// Seed is a folder that BuildSeed filled, shared read-only by many stores; empty for none.
	Seed string
	// Use forces a backing, for tests; empty tries them in the order above.
	Use Backing
}

// Store holds layers and snapshots. Its methods may be called at the same time.
type Store struct {
	// set once in Open
	root    string
	backing Backing
	options []string // overlay mount options besides the folders
	tmpfs   bool     // a tmpfs was mounted on root
	snaps   snapshots.Snapshotter
}

// Open makes or reopens the store in o.Root. Writable snapshots left by an earlier run are removed: no container outlives
// its node. It needs CAP_SYS_ADMIN in its user namespace.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := os.MkdirAll(o.Root, 0o700); err != nil {
		return nil, fmt.Errorf("make snapshot folder: %w", err)
	}
	s := &Store{root: o.Root}
	if err := s.choose(o.Use); err != nil {
		return nil, err
	}
	err := s.plant(o.Seed)
	if err == nil {
		s.snaps, err = openSnapshotter(s.root, s.options)
	}
	if err == nil {
		err = s.Sweep(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open snapshots in %q: %w", o.Root, err), s.Close())
	}
	return s, nil
}

// Close frees the database, and a tmpfs that Open mounted. Mounted snapshots stay mounted.
func (s *Store) Close() error {
	var errs []error
	if s.snaps != nil {
		errs = append(errs, s.snaps.Close())
	}
	if s.tmpfs {
		errs = append(errs, unix.Unmount(s.root, unix.MNT_DETACH))
	}
	return errors.Join(errs...)
}

// Backing tells what Open found to work.
func (s *Store) Backing() Backing { return s.backing }

// openSnapshotter opens containerd's overlay snapshotter without fsync: what a crash of the machine could tear is only a
// cache of unpacked layers, and plant throws it away after a reboot.
func openSnapshotter(root string, options []string) (snapshots.Snapshotter, error) {
	ms, err := storage.NewMetaStore(filepath.Join(root, databaseName), func(o *bolt.Options) error {
		o.NoSync, o.NoFreelistSync = true, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return overlay.NewSnapshotter(root, overlay.WithMetaStore(ms), overlay.WithMountOptions(options))
}

// Prepare makes a writable snapshot called key on top of the layer parent ("" for an empty one).
func (s *Store) Prepare(ctx context.Context, key, parent string) error {
	if _, err := s.snaps.Prepare(ctx, key, parent); err != nil {
		return fmt.Errorf("prepare snapshot %q on %q: %w", key, parent, err)
	}
	return nil
}

// Mount makes the snapshot's file tree appear on the folder target, which must exist.
func (s *Store) Mount(ctx context.Context, key, target string) error {
	mounts, err := s.snaps.Mounts(ctx, key)
	if err != nil {
		return fmt.Errorf("mount snapshot %q: %w", key, err)
	}
	if s.backing == Copies {
		mounts, err = s.copyMounts(ctx, mounts)
	} else {
		err = forgetVolatile(mounts)
	}
	if err == nil {
		err = mount.All(mounts, target)
	}
	if err != nil {
		return fmt.Errorf("mount snapshot %q on %q: %w", key, target, err)
	}
	return nil
}

// Unmount is the inverse of Mount. It detaches: processes still inside keep their files until they end.
func (s *Store) Unmount(target string) error {
	err := unix.Unmount(target, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW)
	if err == nil || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) { // not mounted: umount(2)
		return nil
	}
	return fmt.Errorf("unmount %q: %w", target, err)
}

// Commit turns the writable snapshot key into the layer name. It must not be mounted any more.
func (s *Store) Commit(ctx context.Context, name, key string) error {
	var err error
	if s.backing == Copies {
		err = s.copyDiff(ctx, key)
	}
	if err == nil {
		err = s.snaps.Commit(ctx, name, key)
	}
	if err != nil {
		return fmt.Errorf("commit snapshot %q as %q: %w", key, name, err)
	}
	return nil
}

// Remove deletes a snapshot or a layer that nothing stands on; removing one that does not exist is no error.
func (s *Store) Remove(ctx context.Context, name string) error {
	if err := s.snaps.Remove(ctx, name); err != nil && !errdefs.IsNotFound(err) {
		return fmt.Errorf("remove snapshot %q: %w", name, err)
	}
	return nil
}

// Has tells whether a layer or snapshot of that name exists.
func (s *Store) Has(ctx context.Context, name string) bool {
	_, err := s.snaps.Stat(ctx, name)
	return err == nil
}

// Usage is what the snapshot or layer itself takes, without what is below it. It walks a writable snapshot's files.
func (s *Store) Usage(ctx context.Context, name string) (bytes, inodes int64, err error) {
	u, err := s.snaps.Usage(ctx, name)
	if err != nil {
		return 0, 0, fmt.Errorf("measure snapshot %q: %w", name, err)
	}
	return u.Size, u.Inodes, nil
}

// Layers lists the committed layers' names and, for each, its parent's.
func (s *Store) Layers(ctx context.Context) (map[string]string, error) {
	return s.walk(ctx, snapshots.KindCommitted)
}

// Sweep removes every writable snapshot.
func (s *Store) Sweep(ctx context.Context) error {
	active, err := s.walk(ctx, snapshots.KindActive)
	if err != nil {
		return err
	}
	for name := range active {
		if err := s.Remove(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) walk(ctx context.Context, kind snapshots.Kind) (map[string]string, error) {
	found := map[string]string{}
	err := s.snaps.Walk(ctx, func(_ context.Context, info snapshots.Info) error {
		if info.Kind == kind {
			found[info.Name] = info.Parent
		}
		return nil
	})
	if errdefs.IsNotFound(err) { // an empty database
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	return found, nil
}

// forgetVolatile lets a snapshot that was mounted before be mounted again. The kernel refuses a second mount of a volatile
// upper folder, because after a crash it may be torn; here the machine has not crashed, or plant would have thrown the
// snapshot away (Documentation/filesystems/overlayfs.rst, "Volatile mount").
func forgetVolatile(mounts []mount.Mount) error {
	for _, m := range mounts {
		for _, opt := range m.Options {
			if work, ok := strings.CutPrefix(opt, "workdir="); ok {
				return os.RemoveAll(filepath.Join(work, "work", "incompat"))
			}
		}
	}
	return nil
}
