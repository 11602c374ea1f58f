package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

var _ = register("cp", "[-rRapfnv] SOURCE... TARGET", cp) && register("mv", "[-fnv] SOURCE... TARGET", mv)

// destination is where each source goes: into the directory target, or onto target itself.
func (p *process) destination(words []string) (sources []string, place func(string) string, ok bool) {
	if len(words) < 2 {
		p.misuse()
		return nil, nil, false
	}
	sources, target := words[:len(words)-1], words[len(words)-1]
	if isDir(target) {
		return sources, func(source string) string { return filepath.Join(target, filepath.Base(source)) }, true
	}
	if len(sources) > 1 {
		p.failf("target '%s' is not a directory", target)
		return nil, nil, false
	}
	return sources, func(string) string { return target }, true
}

// copier is one run of cp.
type copier struct {
	recursive, preserve, keep, links bool
}

func cp(p *process) int {
	o, ok := p.options("rRapfnvdPLHi", "recursive=r", "archive=a", "force=f")
	if !ok {
		return p.misuse()
	}
	sources, place, ok := p.destination(o.rest)
	if !ok {
		return 1
	}
	c := copier{
		recursive: o.has('r') || o.has('R') || o.has('a'), preserve: o.has('p') || o.has('a'),
		keep: o.has('n'), links: o.has('a') || o.has('d') || o.has('P') || o.has('r') || o.has('R'),
	}
	p.args = sources
	return p.each(1, func(source string) error {
		if o.has('v') {
			fmt.Fprintf(p.stdout, "'%s' -> '%s'\n", source, place(source))
		}
		return c.copy(source, place(source))
	})
}

func (c copier) copy(from, to string) error {
	stat := os.Stat
	if c.links {
		stat = os.Lstat
	}
	info, err := stat(from)
	if err != nil {
		return fmt.Errorf("can't stat '%s': %s", from, reason(err))
	}
	if there, err := os.Stat(to); err == nil {
		switch {
		case os.SameFile(info, there):
			return fmt.Errorf("'%s' and '%s' are the same file", from, to)
		case c.keep:
			return nil
		}
	}
	switch {
	case info.IsDir() && !c.recursive:
		return fmt.Errorf("omitting directory '%s'", from)
	case info.IsDir():
		err = c.directory(from, to, info)
	case info.Mode()&fs.ModeSymlink != 0:
		err = copyLink(from, to)
	default:
		err = copyFile(from, to, info)
	}
	if err == nil && c.preserve && info.Mode()&fs.ModeSymlink == 0 {
		err = preserve(to, info)
	}
	return err
}

func (c copier) directory(from, to string, info fs.FileInfo) error {
	if inside, err := filepath.Rel(from, to); err == nil && filepath.IsLocal(inside) {
		return fmt.Errorf("can't copy '%s' into itself", from)
	}
	if err := os.Mkdir(to, info.Mode().Perm()|0o700); err != nil && !isDir(to) {
		return fmt.Errorf("can't create directory '%s': %s", to, reason(err))
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		errs = append(errs, c.copy(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())))
	}
	return errors.Join(errs...)
}

func copyLink(from, to string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, to)
}

func copyFile(from, to string, info fs.FileInfo) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("can't open '%s': %s", from, reason(err))
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return fmt.Errorf("can't create '%s': %s", to, reason(err))
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

func preserve(name string, info fs.FileInfo) error {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(name, int(stat.Uid), int(stat.Gid)) // only root may, and only to ids of the map
	}
	if err := os.Chmod(name, info.Mode()); err != nil {
		return err
	}
	return os.Chtimes(name, info.ModTime(), info.ModTime())
}

func mv(p *process) int {
	o, ok := p.options("fniv", "force=f")
	if !ok {
		return p.misuse()
	}
	sources, place, ok := p.destination(o.rest)
	if !ok {
		return 1
	}
	p.args = sources
	return p.each(1, func(source string) error {
		to := place(source)
		if _, err := os.Lstat(to); err == nil && o.has('n') {
			return nil
		}
		if o.has('v') {
			fmt.Fprintf(p.stdout, "'%s' -> '%s'\n", source, to)
		}
		err := unix.Rename(source, to)
		if errors.Is(err, unix.EXDEV) { // another file system, such as a volume
			if err := (copier{recursive: true, preserve: true, links: true}).copy(source, to); err != nil {
				return err
			}
			return os.RemoveAll(source)
		}
		if err != nil {
			return fmt.Errorf("can't rename '%s': %s", source, reason(err))
		}
		return nil
	})
}
