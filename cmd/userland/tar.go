package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

var _ = register("tar", "-c|-x|-t [-zvOpk] [-f FILE] [-C DIR] [--exclude GLOB] [PATH...]", tarApplet)

func tarApplet(p *process) int {
	if len(p.args) > 0 && p.args[0] != "" && p.args[0][0] != '-' { // tar xzf FILE
		p.args = slices.Concat([]string{"-" + p.args[0]}, p.args[1:])
	}
	o, ok := p.options("cxtzvOpkmof:C:X:", "file=f", "directory=C", "exclude=X", "extract=x", "create=c", "list=t", "gzip=z", "no-same-owner=o")
	if !ok || !o.has('c') && !o.has('x') && !o.has('t') {
		return p.misuse()
	}
	var err error
	if o.has('c') {
		err = p.createTar(o)
	} else {
		err = p.readTar(o)
	}
	if err != nil {
		return p.fail(err)
	}
	return 0
}

func (p *process) createTar(o options) (err error) {
	if len(o.rest) == 0 {
		return errors.New("empty archive")
	}
	out := p.stdout
	if name := o.value('f', "-"); name != "-" {
		f, err := os.Create(name)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	if o.has('z') {
		z := gzip.NewWriter(out)
		defer func() { err = errors.Join(err, z.Close()) }()
		out = z
	}
	w := tar.NewWriter(out)
	if dir := o.value('C', ""); dir != "" {
		if err := os.Chdir(dir); err != nil {
			return err
		}
	}
	for _, root := range o.rest {
		if err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !excluded(path, o.given['X']) {
				err = p.addToTar(w, path, d, o)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return w.Close()
}

func excluded(path string, globs []string) bool {
	return slices.ContainsFunc(globs, func(g string) bool { return globMatch(g, path) || globMatch(g, filepath.Base(path)) })
}

func (p *process) addToTar(w *tar.Writer, path string, d fs.DirEntry, o options) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	target, _ := os.Readlink(path) // only links have one
	header, err := tar.FileInfoHeader(info, target)
	if err != nil {
		return err
	}
	header.Name = strings.TrimLeft(path, "/")
	if info.IsDir() {
		header.Name += "/"
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		header.Uname, header.Gname = userName(int(stat.Uid)), groupName(int(stat.Gid))
	}
	if header.Name == "" || header.Name == "/" {
		return nil
	}
	if o.has('v') {
		fmt.Fprintln(p.stderr, header.Name)
	}
	if err := w.WriteHeader(header); err != nil || !info.Mode().IsRegular() {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

func (p *process) readTar(o options) error {
	in := p.stdin
	if name := o.value('f', "-"); name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	if o.has('z') || strings.HasSuffix(o.value('f', ""), "gz") {
		z, err := gzip.NewReader(in)
		if err != nil {
			return errors.New("invalid gzip magic")
		}
		in = z
	}
	dir := o.value('C', ".")
	// os.Root keeps names with .. and planted links from leading out of the directory.
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // nothing is written to it
	for r := tar.NewReader(in); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.New("invalid tar magic or short read")
		}
		name := strings.Trim(filepath.Clean("/"+header.Name), "/")
		if len(o.rest) > 0 && !slices.ContainsFunc(o.rest, func(want string) bool {
			want = strings.Trim(filepath.Clean("/"+want), "/")
			return name == want || strings.HasPrefix(name, want+"/")
		}) {
			continue
		}
		if err := p.oneOfTar(root, name, header, r, o); err != nil {
			return fmt.Errorf("%s: %w", header.Name, plain(err))
		}
	}
}

// oneOfTar lists, prints or extracts one entry.
func (p *process) oneOfTar(root *os.Root, name string, header *tar.Header, r io.Reader, o options) error {
	if o.has('v') && o.has('t') {
		fmt.Fprintf(p.stdout, "%s %s/%s %9d %s %s\n", modeString(header.FileInfo().Mode()), header.Uname, header.Gname, header.Size,
			header.ModTime.Format("2006-01-02 15:04:05"), header.Name)
	} else if o.has('v') || o.has('t') {
		fmt.Fprintln(p.stdout, header.Name)
	}
	switch {
	case o.has('t') || name == "":
		return nil
	case o.has('O'):
		_, err := io.Copy(p.stdout, r)
		return err
	}
	if parent := filepath.Dir(name); parent != "." {
		if err := root.MkdirAll(parent, 0o755); err != nil {
			return err
		}
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, header.FileInfo().Mode().Perm()|0o700)
	case tar.TypeSymlink:
		_ = root.Remove(name) // Symlink reports what matters
		return root.Symlink(header.Linkname, name)
	case tar.TypeLink:
		_ = root.Remove(name) // Link reports what matters
		return root.Link(strings.Trim(filepath.Clean("/"+header.Linkname), "/"), name)
	case tar.TypeReg:
		return extractFile(root, name, header, r)
	}
	return nil // devices are not for containers
}

func extractFile(root *os.Root, name string, header *tar.Header, r io.Reader) error {
	_ = root.Remove(name) // so that a running program or a link is replaced, not written through
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, header.FileInfo().Mode().Perm())
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return root.Chtimes(name, header.ModTime, header.ModTime)
}
