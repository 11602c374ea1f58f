package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	databaseName  = "metadata.db"
	snapshotsName = "snapshots"
	// originName is a file in the store's folder that says from which seed and in which boot it was made.
	originName = "origin"
	bootIDPath = "/proc/sys/kernel/random/boot_id"
)

// Builder extracts layers into a new seed folder. It needs no privilege and mounts nothing, so that it can run outside of
// any lab.
type Builder struct{ s *Store }

// BuildSeed starts a seed in dir, which should be empty.
func BuildSeed(dir string) (*Builder, error) {
	// The options are never used for a mount here; naming userxattr keeps containerd from probing for it.
	snaps, err := openSnapshotter(dir, []string{"userxattr"})
	if err != nil {
		return nil, fmt.Errorf("start seed in %q: %w", dir, err)
	}
	return &Builder{&Store{root: dir, backing: Overlay, snaps: snaps}}, nil
}

// Apply is Store.Apply.
func (b *Builder) Apply(ctx context.Context, name, parent string, diff io.Reader) error {
	return b.s.Apply(ctx, name, parent, diff)
}

// Has is Store.Has.
func (b *Builder) Has(ctx context.Context, name string) bool { return b.s.Has(ctx, name) }

// Close ends the building; afterwards nothing may write in the folder any more.
func (b *Builder) Close() error { return b.s.Close() }

// plant makes the store's folder start from the seed, unless it already does. A store that was made from another seed, or
// before the machine was restarted (its database is written without fsync), is thrown away: its layers can be unpacked again.
func (s *Store) plant(seed string) error {
	origin, err := originOf(seed)
	if err != nil {
		return err
	}
	if old, err := os.ReadFile(filepath.Join(s.root, originName)); err == nil && string(old) == origin {
		return nil
	}
	for _, name := range []string{originName, databaseName, snapshotsName} {
		if err := os.RemoveAll(filepath.Join(s.root, name)); err != nil {
			return fmt.Errorf("clear old snapshots: %w", err)
		}
	}
	if err := os.Mkdir(filepath.Join(s.root, snapshotsName), 0o700); err != nil {
		return fmt.Errorf("make snapshot folder: %w", err)
	}
	if seed != "" {
		if err := s.linkSeed(seed); err != nil {
			return fmt.Errorf("start from seed %q: %w", seed, err)
		}
	}
	// Written last: a store that was interrupted in the middle is made anew.
	if err := os.WriteFile(filepath.Join(s.root, originName), []byte(origin), 0o600); err != nil {
		return fmt.Errorf("note the origin of snapshots: %w", err)
	}
	return nil
}

// originOf tells seeds and boots apart. A seed's database does not change once it is built, so its identity is the file's.
func originOf(seed string) (string, error) {
	boot, err := os.ReadFile(bootIDPath)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read boot id: %w", err)
	}
	origin := "boot " + strings.TrimSpace(string(boot)) + "\n"
	if seed == "" {
		return origin, nil
	}
	info, err := os.Stat(filepath.Join(seed, databaseName))
	if err != nil {
		return "", fmt.Errorf("look at seed: %w", err)
	}
	return origin + fmt.Sprintf("seed %s %d %d\n", seed, info.Size(), info.ModTime().UnixNano()), nil
}

func (s *Store) linkSeed(seed string) error {
	layers := filepath.Join(seed, snapshotsName)
	entries, err := os.ReadDir(layers)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Symlink(filepath.Join(layers, e.Name()), filepath.Join(s.root, snapshotsName, e.Name())); err != nil {
			return err
		}
	}
	data, err := os.ReadFile(filepath.Join(seed, databaseName))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.root, databaseName), data, 0o600)
}
