package image

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// File is one entry of a layer. Owner and group are always 0.
type File struct {
	// Path in the image, with slashes; a leading slash may be left out.
	Path string
	// Mode holds the permissions and the type: a regular file, fs.ModeDir or fs.ModeSymlink. fs.ModeSticky, ModeSetuid and
	// ModeSetgid are kept.
	Mode fs.FileMode
	// Link is a symbolic link's target, used as it is; or, for a regular file, the path in the image of an earlier file of
	// the same layer to link to (a hard link).
	Link string
	// Data is a regular file's content; when it is nil, the content is read from Source, a path on this machine.
	Data   []byte
	Source string
}

// DirFiles lists a folder of this machine as files below prefix in the image, with the permissions found there. The
// content is read later, by WriteArchive. Sockets, devices and pipes are refused.
func DirFiles(dir, prefix string) ([]File, error) {
	var files []File
	err := filepath.WalkDir(dir, func(p string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		f, err := fileOf(p, entry)
		f.Path = path.Join(prefix, filepath.ToSlash(rel))
		files = append(files, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list files of %q: %w", dir, err)
	}
	return files, nil
}

func fileOf(p string, entry fs.DirEntry) (File, error) {
	info, err := entry.Info()
	if err != nil {
		return File{}, err
	}
	switch f := (File{Mode: info.Mode()}); {
	case info.IsDir():
		return f, nil
	case info.Mode().IsRegular():
		f.Source = p
		return f, nil
	case info.Mode()&fs.ModeSymlink != 0:
		f.Link, err = os.Readlink(p)
		return f, err
	default:
		return File{}, fmt.Errorf("%q is a %s: an image holds files, folders and links", p, info.Mode().Type())
	}
}

// writeTo adds the file to a layer's tar.
func (f File) writeTo(tw *tar.Writer) error {
	hdr := &tar.Header{Name: f.Path, Linkname: f.Link, Mode: tarMode(f.Mode), ModTime: epoch, Format: tar.FormatPAX}
	switch {
	case f.Mode.IsDir():
		hdr.Typeflag = tar.TypeDir
		hdr.Name += "/"
		hdr.Linkname = ""
		return tw.WriteHeader(hdr)
	case f.Mode&fs.ModeSymlink != 0:
		hdr.Typeflag, hdr.Mode = tar.TypeSymlink, 0o777
		return tw.WriteHeader(hdr)
	case f.Link != "":
		hdr.Typeflag = tar.TypeLink
		hdr.Linkname = path.Clean("/" + f.Link)[1:]
		return tw.WriteHeader(hdr)
	case f.Mode.IsRegular():
		hdr.Typeflag = tar.TypeReg
		return f.writeContent(tw, hdr)
	default:
		return fmt.Errorf("mode %s: an image holds files, folders and links", f.Mode)
	}
}

func (f File) writeContent(tw *tar.Writer, hdr *tar.Header) error {
	if f.Data != nil || f.Source == "" {
		hdr.Size = int64(len(f.Data))
		if err := tw.WriteHeader(hdr); err != nil {
			return err
		}
		_, err := tw.Write(f.Data)
		return err
	}
	src, err := os.Open(f.Source)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	hdr.Size = info.Size()
	if err := tw.WriteHeader(hdr); err != nil {
		return err
	}
	_, err = io.Copy(tw, src)
	return err
}

// tarMode is the permission word as tar(5) writes it.
func tarMode(m fs.FileMode) int64 {
	mode := int64(m.Perm())
	if m&fs.ModeSetuid != 0 {
		mode |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		mode |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		mode |= 0o1000
	}
	return mode
}
