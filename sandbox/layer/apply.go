package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/containerd/v2/pkg/archive"
	"github.com/containerd/errdefs"
	"golang.org/x/sys/unix"
)

// Apply extracts an uncompressed layer tar on top of the layer parent and commits it as name. When name exists already
// nothing is read. Owners are kept when this user namespace maps more than one uid; with a single one everything belongs
// to root, as chown(2) to any other would fail with EINVAL.
//
// The files are written straight into the snapshot's folder with overlayfs' own marks for deletions, which needs neither
// a mount nor a privilege: mknod(2) of a 0/0 character device is open to all since Linux 5.8.
func (s *Store) Apply(ctx context.Context, name, parent string, diff io.Reader) error {
	if s.Has(ctx, name) {
		return nil
	}
	key := fmt.Sprintf("extract-%d %s", extraction.Add(1), name)
	mounts, err := s.snaps.Prepare(ctx, key, parent)
	if err == nil {
		if err = s.extract(ctx, mounts, diff); err == nil {
			err = s.snaps.Commit(ctx, name, key)
		}
	}
	if err == nil {
		return nil
	}
	err = errors.Join(err, s.Remove(context.WithoutCancel(ctx), key))
	if errdefs.IsAlreadyExists(err) && s.Has(ctx, name) { // somebody else was quicker
		return nil
	}
	return fmt.Errorf("unpack layer %q: %w", name, err)
}

// extraction numbers the snapshots that layers are extracted into: two callers may extract the same layer at once.
var extraction atomic.Int64

func (s *Store) extract(ctx context.Context, mounts []mount.Mount, diff io.Reader) error {
	f := foldersOf(mounts)
	opts := []archive.ApplyOpt{archive.WithConvertWhiteout(convertWhiteout)}
	if len(f.lower) > 0 {
		opts = append(opts, archive.WithParents(f.lower))
	}
	if singleUID() {
		opts = append(opts, archive.WithNoSameOwner())
	}
	if _, err := archive.Apply(ctx, f.upper, diff, opts...); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, diff) // the padding behind the tar's end belongs to the layer's digest
	return err
}

// folders are the parts of one overlay mount, the uppermost lower folder first.
type folders struct {
	upper, work string
	lower       []string
}

// foldersOf reads them from the mounts the snapshotter proposes: a bind mount when there is nothing below.
func foldersOf(mounts []mount.Mount) folders {
	f := folders{upper: mounts[0].Source}
	for _, opt := range mounts[0].Options {
		switch key, value, _ := strings.Cut(opt, "="); key {
		case "upperdir":
			f.upper = value
		case "workdir":
			f.work = value
		case "lowerdir":
			f.lower = strings.Split(value, ":")
		}
	}
	return f
}

const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
)

// convertWhiteout turns the image format's marks into overlayfs': ".wh.name" becomes a 0/0 device called name, ".wh..wh..opq"
// an attribute of its folder. The answer is whether the entry is an ordinary file.
func convertWhiteout(_ *tar.Header, path string) (bool, error) {
	dir, base := filepath.Split(path)
	if base == whiteoutOpaque {
		return false, markOpaque(dir)
	}
	if !strings.HasPrefix(base, whiteoutPrefix) {
		return true, nil
	}
	target := filepath.Join(dir, strings.TrimPrefix(base, whiteoutPrefix))
	if err := os.RemoveAll(target); err != nil {
		return false, err
	}
	if err := unix.Mknod(target, unix.S_IFCHR, 0); err != nil {
		return false, fmt.Errorf("mark %q as deleted: %w", target, err)
	}
	return false, nil
}

// markOpaque hides what lower layers have in dir. Both attribute classes are tried, so that the layer is right for overlays
// with and without userxattr; one is enough.
func markOpaque(dir string) error {
	user := unix.Setxattr(dir, "user.overlay.opaque", []byte{'y'}, 0)
	trusted := unix.Setxattr(dir, "trusted.overlay.opaque", []byte{'y'}, 0)
	if user != nil && trusted != nil {
		return fmt.Errorf("mark %q as opaque: %w", dir, user)
	}
	return nil
}

// singleUID tells whether this process may give files to one user only: it is not root, or its user namespace maps one
// uid (user_namespaces(7)).
func singleUID() bool {
	if os.Geteuid() != 0 {
		return true
	}
	data, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return true
	}
	fields := strings.Fields(string(data))
	return len(fields) == 3 && fields[2] == "1"
}
