package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

var _ = register("cat", "[-n] [FILE...]", cat) &&
	register("mkdir", "[-p] [-m MODE] DIR...", mkdir) &&
	register("rmdir", "[-p] DIR...", rmdir) &&
	register("rm", "[-rfiv] FILE...", rm) &&
	register("unlink", "FILE", func(p *process) int { return p.each(1, func(name string) error { return os.Remove(name) }) }) &&
	register("touch", "[-c] [-d TIME] FILE...", touch) &&
	register("ln", "[-sfn] TARGET... [LINK|DIR]", ln) &&
	register("readlink", "[-f] FILE...", readlink) &&
	register("realpath", "FILE...", realpath) &&
	register("mktemp", "[-d] [-p DIR] [TEMPLATE]", mktemp) &&
	register("mkfifo", "[-m MODE] NAME...", mkfifo) &&
	register("truncate", "-s SIZE FILE...", truncate) &&
	register("sync", "", func(*process) int { unix.Sync(); return 0 })

// each runs fn for every word; with fewer than least the usage is shown.
func (p *process) each(least int, fn func(string) error) int {
	if len(p.args) < least {
		return p.misuse()
	}
	status := 0
	for _, word := range p.args {
		if err := fn(word); err != nil {
			status = p.fail(err)
		}
	}
	return status
}

func cat(p *process) int {
	o, ok := p.options("nuv")
	if !ok {
		return p.misuse()
	}
	if !o.has('n') {
		return p.eachInput(o.rest, func(_ string, r io.Reader) error {
			_, err := io.Copy(p.stdout, r)
			return err
		})
	}
	out, flush := p.buffered()
	n := 0
	return flush(p.eachInput(o.rest, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string) error {
			n++
			_, err := fmt.Fprintf(out, "%6d\t%s\n", n, line)
			return err
		})
	}))
}

func mkdir(p *process) int {
	o, ok := p.options("pm:v", "parents=p", "mode=m")
	if !ok || len(o.rest) == 0 {
		return p.misuse()
	}
	mode, err := strconv.ParseUint(o.value('m', "777"), 8, 12)
	if err != nil {
		return p.failf("invalid mode '%s'", o.value('m', ""))
	}
	p.args = o.rest
	return p.each(1, func(name string) error {
		var err error
		if o.has('p') {
			err = os.MkdirAll(name, 0o777)
		} else {
			err = os.Mkdir(name, 0o777)
		}
		if err == nil && o.has('m') {
			err = os.Chmod(name, fs.FileMode(mode))
		}
		if err != nil {
			return fmt.Errorf("can't create directory '%s': %s", name, reason(err))
		}
		return nil
	})
}

func rmdir(p *process) int {
	o, ok := p.options("p")
	if !ok {
		return p.misuse()
	}
	p.args = o.rest
	return p.each(1, func(name string) error {
		for {
			if err := unix.Rmdir(name); err != nil {
				return fmt.Errorf("'%s': %s", name, reason(err))
			}
			if name = filepath.Dir(name); !o.has('p') || name == "." || name == "/" {
				return nil
			}
		}
	})
}

func rm(p *process) int {
	o, ok := p.options("rRfiv", "recursive=r", "force=f")
	if !ok || len(o.rest) == 0 && !o.has('f') {
		return p.misuse()
	}
	p.args = o.rest
	return p.each(0, func(name string) error {
		if base := filepath.Base(filepath.Clean(name)); name == "/" || base == ".." || base == "." {
			return errors.New("refusing to remove '.' or '..' or '/'")
		}
		info, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) && o.has('f') {
			return nil
		}
		switch {
		case err != nil:
		case o.has('i') && !p.confirm(fmt.Sprintf("rm: remove '%s'? ", name)):
			return nil
		case info.IsDir() && !o.has('r') && !o.has('R'):
			return fmt.Errorf("'%s' is a directory", name)
		case info.IsDir():
			err = os.RemoveAll(name)
		default:
			err = unix.Unlink(name)
		}
		if err != nil {
			return fmt.Errorf("can't remove '%s': %s", name, reason(err))
		}
		if o.has('v') {
			fmt.Fprintf(p.stdout, "removed '%s'\n", name)
		}
		return nil
	})
}

// confirm asks; anything that begins with y is a yes.
func (p *process) confirm(question string) bool {
	fmt.Fprint(p.stderr, question)
	var answer string
	_, err := fmt.Fscanln(p.stdin, &answer)
	return err == nil && (answer[0] == 'y' || answer[0] == 'Y')
}

func touch(p *process) int {
	o, ok := p.options("cd:mar:")
	if !ok {
		return p.misuse()
	}
	at := time.Now()
	if o.has('d') {
		var err error
		if at, err = parseTime(o.value('d', "")); err != nil {
			return p.fail(err)
		}
	}
	p.args = o.rest
	return p.each(1, func(name string) error {
		err := os.Chtimes(name, at, at)
		if errors.Is(err, fs.ErrNotExist) && !o.has('c') {
			var f *os.File
			if f, err = os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o666); err == nil {
				f.Close()
				err = os.Chtimes(name, at, at)
			}
		} else if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

func ln(p *process) int {
	o, ok := p.options("sfnv", "symbolic=s", "force=f")
	if !ok || len(o.rest) == 0 {
		return p.misuse()
	}
	targets, place := o.rest, "."
	if len(o.rest) > 1 {
		targets, place = o.rest[:len(o.rest)-1], o.rest[len(o.rest)-1]
	}
	into := isDir(place) && (!o.has('n') || !isLink(place))
	if len(targets) > 1 && !into {
		return p.failf("%s: Not a directory", place)
	}
	p.args = targets
	return p.each(1, func(target string) error {
		name := place
		if into {
			name = filepath.Join(place, filepath.Base(target))
		}
		if o.has('f') {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		if o.has('s') {
			return os.Symlink(target, name)
		}
		return os.Link(target, name)
	})
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

func isLink(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

func readlink(p *process) int {
	o, ok := p.options("fnm")
	if !ok || len(o.rest) == 0 {
		return p.misuse()
	}
	status := 0
	for _, name := range o.rest {
		target, err := os.Readlink(name)
		if o.has('f') {
			target, err = filepath.EvalSymlinks(name)
			if err == nil {
				target, err = filepath.Abs(target)
			}
		}
		if err != nil {
			status = 1 // silently, as everywhere
			continue
		}
		fmt.Fprintln(p.stdout, target)
	}
	return status
}

func realpath(p *process) int {
	return p.each(1, func(name string) error {
		target, err := filepath.EvalSymlinks(name)
		if err != nil {
			return fmt.Errorf("%s: %s", name, reason(err))
		}
		if target, err = filepath.Abs(target); err != nil {
			return err
		}
		_, err = fmt.Fprintln(p.stdout, target)
		return err
	})
}

func mktemp(p *process) int {
	o, ok := p.options("dp:qt")
	if !ok || len(o.rest) > 1 {
		return p.misuse()
	}
	dir, pattern := o.value('p', os.TempDir()), "tmp.*"
	if len(o.rest) == 1 {
		template := o.rest[0]
		trimmed := len(template)
		for trimmed > 0 && template[trimmed-1] == 'X' {
			trimmed--
		}
		if len(template)-trimmed < 6 {
			return p.failf("%s: Invalid argument", template)
		}
		pattern = filepath.Base(template[:trimmed] + "*")
		if !o.has('p') && !o.has('t') {
			dir = filepath.Dir(template)
		}
	}
	var name string
	var err error
	if o.has('d') {
		name, err = os.MkdirTemp(dir, pattern)
	} else {
		var f *os.File
		if f, err = os.CreateTemp(dir, pattern); err == nil {
			name = f.Name()
			f.Close()
		}
	}
	if err != nil {
		return p.fail(err)
	}
	fmt.Fprintln(p.stdout, name)
	return 0
}

func mkfifo(p *process) int {
	o, ok := p.options("m:")
	mode, err := strconv.ParseUint(o.value('m', "666"), 8, 12)
	if !ok || err != nil {
		return p.misuse()
	}
	p.args = o.rest
	return p.each(1, func(name string) error {
		if err := unix.Mkfifo(name, uint32(mode)); err != nil {
			return fmt.Errorf("%s: %s", name, reason(err))
		}
		return nil
	})
}

func truncate(p *process) int {
	o, ok := p.options("cs:", "size=s")
	if !ok || !o.has('s') {
		return p.misuse()
	}
	size, err := count(o.value('s', ""))
	if err != nil {
		return p.fail(err)
	}
	p.args = o.rest
	return p.each(1, func(name string) error {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Truncate(size)
	})
}
