package cluster

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"golang.org/x/sys/unix"
)

// ofThePresent are the entries of the learner's folder that a snapshot leaves alone: what was typed was typed, and kubectl's cache
// is nobody's work.
var ofThePresent = []string{".bash_history", ".kube"}

// A snapshot keeps this much of the learner's folder at most.
const (
	mostFiles = 20_000
	mostBytes = 256 << 20
)

// errTooLarge says what to do about a folder that is larger.
var errTooLarge = fmt.Errorf("it has more than %d files or %d MiB; a snapshot keeps no more", mostFiles, mostBytes>>20)

// mirrorFolder makes dst hold what src holds, but for what is of the present. The learner's programs may be at work in either, so
// both are opened below their roots: a link that leads outside leads nowhere. The folder itself stays, with the shells that are in it.
func mirrorFolder(dst, src string) error {
	to, err := os.OpenRoot(dst)
	if err != nil {
		return err
	}
	defer func() { _ = to.Close() }()
	from, err := os.OpenRoot(src)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	return (&mirror{to: to, from: from}).folder(".")
}

type mirror struct {
	to, from *os.Root
	files    int
	bytes    int64
}

func (m *mirror) folder(dir string) error {
	wanted, err := list(m.from, dir)
	if err != nil {
		return err
	}
	there, err := list(m.to, dir)
	if err != nil {
		return err
	}
	for name := range there {
		if _, ok := wanted[name]; !ok {
			if err := m.to.RemoveAll(path.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	for name, info := range wanted {
		if err := m.entry(path.Join(dir, name), info, there[name]); err != nil {
			return err
		}
	}
	return nil
}

// list is what a folder holds, by name. Pipes, sockets and devices are nobody's work either.
func list(root *os.Root, dir string) (map[string]fs.FileInfo, error) {
	f, err := root.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	infos := map[string]fs.FileInfo{}
	for _, e := range entries {
		kind := e.Type()
		if dir == "." && slices.Contains(ofThePresent, e.Name()) || !kind.IsDir() && !kind.IsRegular() && kind != fs.ModeSymlink {
			continue
		}
		info, err := root.Lstat(path.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		infos[e.Name()] = info
	}
	return infos, nil
}

// entry makes one name what it is in the source; there is what it is now, nil for nothing.
func (m *mirror) entry(name string, info, there fs.FileInfo) error {
	if m.files, m.bytes = m.files+1, m.bytes+info.Size(); m.files > mostFiles || m.bytes > mostBytes {
		return errTooLarge
	}
	if there != nil && (there.Mode().Type() != info.Mode().Type() || !info.IsDir() && !m.same(name, info, there)) {
		if err := m.to.RemoveAll(name); err != nil {
			return err
		}
		there = nil
	}
	switch {
	case info.IsDir():
		if there == nil {
			if err := m.to.Mkdir(name, 0o700); err != nil {
				return err
			}
		}
		if err := m.folder(name); err != nil {
			return err
		}
		return m.to.Chmod(name, info.Mode().Perm())
	case there != nil:
		return nil
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := m.from.Readlink(name)
		if err != nil {
			return err
		}
		return m.to.Symlink(target, name)
	}
	return m.file(name, info)
}

// same compares files of one type as rsync(1) does.
func (m *mirror) same(name string, a, b fs.FileInfo) bool {
	if a.Mode()&fs.ModeSymlink != 0 {
		x, err := m.from.Readlink(name)
		y, err2 := m.to.Readlink(name)
		return err == nil && err2 == nil && x == y
	}
	return a.Mode() == b.Mode() && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

func (m *mirror) file(name string, info fs.FileInfo) error {
	from, err := m.from.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it went a moment ago
	}
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := m.to.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// A file that grows while it is read must not grow here without end.
	_, err = io.Copy(to, io.LimitReader(from, info.Size()))
	if err := errors.Join(err, to.Chmod(info.Mode().Perm()), to.Close()); err != nil {
		return err
	}
	return m.to.Chtimes(name, info.ModTime(), info.ModTime())
}
