package layer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// CopyTree copies a tree of files to dst with their owners, modes, times and attributes; hard links stay links. Sockets are left
// out, and so is what vanishes before its turn comes: the tree may be in use. dst may be an existing folder.
func CopyTree(dst, src string) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o700); err != nil {
		return err
	}
	t := &treeCopy{links: map[uint64]string{}}
	if err := t.entry(dst, src); err != nil {
		return fmt.Errorf("copy %q to %q: %w", src, dst, err)
	}
	return nil
}

type treeCopy struct {
	links map[uint64]string // where the first name of a file with several names went, by inode
}

// entry copies whatever src is. That a name may be given to something else at any moment is why nothing follows a link.
func (t *treeCopy) entry(dst, src string) error {
	info, err := os.Lstat(src)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%q: the system does not tell its owner", src)
	}
	made, err := t.make(dst, src, info, st)
	if !made || err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return dress(dst, src, info, st)
}

// make creates the copy, and for a folder those of what it holds. false when there is nothing left to do.
func (t *treeCopy) make(dst, src string, info fs.FileInfo, st *syscall.Stat_t) (bool, error) {
	if st.Nlink > 1 && !info.IsDir() {
		if first, ok := t.links[st.Ino]; ok {
			return false, os.Link(first, dst)
		}
		t.links[st.Ino] = dst
	}
	switch mode := info.Mode(); {
	case info.IsDir():
		return true, t.folder(dst, src)
	case mode.IsRegular():
		return true, copyContent(dst, src)
	case mode&fs.ModeSymlink != 0:
		target, err := os.Readlink(src)
		if err != nil {
			return false, err
		}
		return true, os.Symlink(target, dst)
	case mode&(fs.ModeDevice|fs.ModeNamedPipe) != 0:
		return true, unix.Mknod(dst, st.Mode, int(st.Rdev))
	}
	return false, nil
}

func (t *treeCopy) folder(dst, src string) error {
	if err := os.Mkdir(dst, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	entries, err := os.ReadDir(src)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := t.entry(filepath.Join(dst, e.Name()), filepath.Join(src, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copyContent leaves the copying to the kernel where it can (copy_file_range(2), which io.Copy uses).
func copyContent(dst, src string) error {
	from, err := os.OpenFile(src, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Close())
}

// dress gives a copy the owner, attributes, mode and times of the original. The order matters: chown(2) clears set-user-ID bits,
// and everything but utimensat(2) changes times.
func dress(dst, src string, info fs.FileInfo, st *syscall.Stat_t) error {
	if err := os.Lchown(dst, int(st.Uid), int(st.Gid)); err != nil {
		return err
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		if err := copyAttributes(dst, src); err != nil {
			return err
		}
		if err := unix.Chmod(dst, st.Mode&0o7777); err != nil {
			return err
		}
	}
	times := []unix.Timespec{unix.NsecToTimespec(syscall.TimespecToNsec(st.Atim)), unix.NsecToTimespec(syscall.TimespecToNsec(st.Mtim))}
	return unix.UtimesNanoAt(unix.AT_FDCWD, dst, times, unix.AT_SYMLINK_NOFOLLOW)
}

// copyAttributes copies the extended attributes, of which overlayfs' own say what is deleted.
func copyAttributes(dst, src string) error {
	names, err := attribute(func(buf []byte) (int, error) { return unix.Llistxattr(src, buf) })
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(names), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		value, err := attribute(func(buf []byte) (int, error) { return unix.Lgetxattr(src, name, buf) })
		if err == nil {
			err = unix.Lsetxattr(dst, name, value, 0)
		}
		if err != nil && !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.ENOTSUP) {
			return fmt.Errorf("attribute %s of %q: %w", name, src, err)
		}
	}
	return nil
}

// attribute calls read with room enough; asking for the size alone would be a second call for each.
func attribute(read func([]byte) (int, error)) ([]byte, error) {
	buf := make([]byte, 256)
	for {
		n, err := read(buf)
		if errors.Is(err, unix.ERANGE) {
			buf = make([]byte, 4*len(buf))
			continue
		}
		return buf[:max(n, 0)], err
	}
}
