package submission

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"drydock/lessons/journal"
)

// Names of the parts of a file.
const (
	aboutName   = "submission.json"
	journalName = "journal.jsonl"
	objectsDir  = "objects/"
	filesDir    = "files/"
)

// Limits of a file: whoever reads it did not write it.
const (
	largestFile = 64 << 20 // unpacked, in bytes
	mostParts   = 2000
)

// ErrNoSubmission is the error of a file that is none of ours, or damaged.
var ErrNoSubmission = errors.New("this is not a submission")

// parts are all parts but submission.json, by name.
func (f *File) parts() map[string][]byte {
	out := map[string][]byte{journalName: f.Journal}
	for lesson, data := range f.Objects {
		out[objectsDir+lesson+".yaml"] = data
	}
	for name, data := range f.Files {
		out[filesDir+name] = data
	}
	return out
}

// Write packs the file, in order of names and without times or owners.
func (f *File) Write(w io.Writer) error {
	parts := f.parts()
	f.About.Digests = map[string]string{}
	for name, data := range parts {
		f.About.Digests[name] = journal.Digest(data)
	}
	about, err := json.MarshalIndent(f.About, "", "  ")
	if err != nil {
		return fmt.Errorf("pack the submission: %w", err)
	}
	packed := gzip.NewWriter(w)
	t := tar.NewWriter(packed)
	errs := []error{add(t, aboutName, append(about, '\n'))}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		errs = append(errs, add(t, name, parts[name]))
	}
	if err := errors.Join(append(errs, t.Close(), packed.Close())...); err != nil {
		return fmt.Errorf("pack the submission: %w", err)
	}
	return nil
}

func add(t *tar.Writer, name string, data []byte) error {
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data)), Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := t.Write(data)
	return err
}

// Read unpacks a file into memory. Errors wrap ErrNoSubmission. Verify says whether its parts fit together.
func Read(r io.Reader) (*File, error) {
	f, err := read(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoSubmission, err)
	}
	return f, nil
}

func read(r io.Reader) (*File, error) {
	unpacked, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: unpacked, N: largestFile}
	parts, err := readParts(tar.NewReader(limited))
	if limited.N <= 0 {
		return nil, fmt.Errorf("it is larger than %d MiB", largestFile>>20)
	}
	if err != nil {
		return nil, err
	}
	f := &File{Journal: parts[journalName], Objects: map[string][]byte{}, Files: map[string][]byte{}}
	about := json.NewDecoder(bytes.NewReader(parts[aboutName]))
	if err := about.Decode(&f.About); err != nil {
		return nil, fmt.Errorf("read its %s: %w", aboutName, err)
	}
	if f.About.Format != Format {
		return nil, fmt.Errorf("it has format %d, and this drydock reads format %d", f.About.Format, Format)
	}
	for name, data := range parts {
		if rest, ok := strings.CutPrefix(name, objectsDir); ok {
			f.Objects[strings.TrimSuffix(rest, ".yaml")] = data
		} else if rest, ok := strings.CutPrefix(name, filesDir); ok {
			f.Files[rest] = data
		}
	}
	return f, nil
}

func readParts(t *tar.Reader) (map[string][]byte, error) {
	out := map[string][]byte{}
	for {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		case h.Typeflag == tar.TypeDir:
			continue // somebody unpacked and packed it
		case h.Typeflag != tar.TypeReg || !fs.ValidPath(path.Clean(h.Name)):
			return nil, fmt.Errorf("it holds %q, which is not a plain file within it", h.Name)
		case out[path.Clean(h.Name)] != nil:
			return nil, fmt.Errorf("it holds %q twice", h.Name)
		case len(out) == mostParts:
			return nil, fmt.Errorf("it holds more than %d files", mostParts)
		}
		data, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		out[path.Clean(h.Name)] = append([]byte{}, data...)
	}
}
