package pack

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
	"os"
	"slices"
	"strings"
	"testing/fstest"
)

// Index is the content of the layout's index.json, which is also what a registry keeps of a built pack under its tag.
func (a *Artifact) Index() ([]byte, error) {
	return json.Marshal(index{SchemaVersion: 2, MediaType: indexType, Manifests: append([]Descriptor{a.Manifest}, a.Images...)})
}

// Open implements Source for every part of the built pack.
func (a *Artifact) Open(d Descriptor) (io.ReadCloser, error) {
	if data, ok := a.blobs[d.Digest]; ok {
		return io.NopCloser(bytes.NewReader(data)), nil
	}
	if a.from == nil {
		return nil, fmt.Errorf("%w: the part %s is missing", ErrDamaged, d.Digest)
	}
	return a.from.Open(d)
}

// WriteTo writes the one file, implementing io.WriterTo but for the count, which is always 0. The pack's own parts come
// first, so that a reader who holds only so much has them.
func (a *Artifact) WriteTo(w io.Writer) (int64, error) {
	ix, err := a.Index()
	if err != nil {
		return 0, err
	}
	return 0, a.write(w, ix)
}

func (a *Artifact) write(w io.Writer, ix []byte) error {
	t := tar.NewWriter(w)
	errs := []error{
		addFile(t, "oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)),
		addFile(t, "index.json", ix),
	}
	for _, digest := range slices.Sorted(maps.Keys(a.blobs)) {
		errs = append(errs, addFile(t, blobFile(digest), a.blobs[digest]))
	}
	for _, d := range a.large {
		errs = append(errs, a.addLarge(t, d))
	}
	return errors.Join(append(errs, t.Close())...)
}

// WriteImages writes the images beside the pack as an OCI layout of their own, as a container runtime imports it.
func (a *Artifact) WriteImages(w io.Writer) error {
	only := &Artifact{blobs: map[string][]byte{}, from: a.from}
	for _, d := range a.Images {
		if err := only.image(d); err != nil {
			return err
		}
	}
	ix, err := json.Marshal(index{SchemaVersion: 2, MediaType: indexType, Manifests: only.Images})
	if err != nil {
		return err
	}
	return only.write(w, ix)
}

func blobFile(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }

func (a *Artifact) addLarge(t *tar.Writer, d Descriptor) error {
	from, err := a.from.Open(d)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	h := &tar.Header{Typeflag: tar.TypeReg, Name: blobFile(d.Digest), Mode: 0o644, Size: d.Size, Format: tar.FormatPAX}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(t, from)
	return err
}

// OpenArtifact reads a built pack and holds every digest against its content. Errors wrap ErrDamaged. The large parts of
// images are looked at and not kept: only OpenFile gives an Artifact that can be written with them.
func OpenArtifact(r io.Reader) (*Artifact, error) {
	files, err := readLayout(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	a, err := Assemble(files.index, files)
	if err != nil {
		return nil, err
	}
	for _, d := range a.large {
		if size, ok := files.sizes[d.Digest]; !ok || size != d.Size {
			return nil, fmt.Errorf("%w: the part %s is missing", ErrDamaged, d.Digest)
		}
	}
	return a, nil
}

// Assemble makes a built pack of its index and a source of the parts that the index leads to. What it reads it holds
// against its digest; the large parts of images it reads only when they are written. Errors wrap ErrDamaged.
func Assemble(raw []byte, from Source) (*Artifact, error) {
	var ix index
	if err := json.Unmarshal(raw, &ix); err != nil {
		return nil, fmt.Errorf("%w: read its index: %w", ErrDamaged, err)
	}
	a := &Artifact{blobs: map[string][]byte{}, from: from}
	packs := 0
	for _, d := range ix.Manifests {
		if d.ArtifactType == ArtifactType || len(ix.Manifests) == 1 {
			a.Manifest = d
			packs++
			continue
		}
		if err := a.image(d); err != nil {
			return nil, err
		}
	}
	if packs != 1 {
		return nil, fmt.Errorf("%w: its index does not name one pack", ErrDamaged)
	}
	return a, a.unpack()
}

// get is a blob, if it is what the descriptor says. It is kept.
func (a *Artifact) get(d Descriptor) ([]byte, error) {
	if d.Size < 0 || d.Size > largestArtifact {
		return nil, fmt.Errorf("%w: the part %s is larger than %d MiB", ErrDamaged, d.Digest, largestArtifact>>20)
	}
	data, ok := a.blobs[d.Digest]
	if !ok {
		from, err := a.Open(d)
		if err != nil {
			return nil, err
		}
		defer func() { _ = from.Close() }() // it was only read
		if data, err = io.ReadAll(io.LimitReader(from, d.Size+1)); err != nil {
			return nil, fmt.Errorf("%w: read the part %s: %w", ErrDamaged, d.Digest, err)
		}
	}
	if digestOfBytes(data) != d.Digest || int64(len(data)) != d.Size {
		return nil, fmt.Errorf("%w: the part %s is not what its digest says", ErrDamaged, d.Digest)
	}
	a.blobs[d.Digest] = data
	return data, nil
}

func (a *Artifact) unpack() error {
	raw, err := a.get(a.Manifest)
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(raw, &m); err != nil || m.ArtifactType != ArtifactType || len(m.Layers) != 1 {
		return fmt.Errorf("%w: this is an artefact, but not a pack", ErrDamaged)
	}
	config, err := a.get(m.Config)
	if err == nil {
		err = json.Unmarshal(config, &a.About)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	layer, err := a.get(m.Layers[0])
	if err != nil {
		return err
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(layer))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	files, err := readTar(unzipped)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	out := fstest.MapFS{}
	for name, data := range files {
		out[name] = &fstest.MapFile{Data: data, Mode: 0o644}
	}
	a.Files = out
	digest, err := digestOf(a.Files)
	if err == nil && digest != a.About.Digest {
		err = fmt.Errorf("%w: its files are not those that its digest names", ErrDamaged)
	}
	return err
}

// layout is what was read of the one file.
type layout struct {
	index []byte
	blobs map[string][]byte // as many as there was room for
	sizes map[string]int64  // of all
}

// Open implements Source.
func (l *layout) Open(d Descriptor) (io.ReadCloser, error) {
	data, ok := l.blobs[d.Digest]
	switch {
	case ok:
		return io.NopCloser(bytes.NewReader(data)), nil
	case l.sizes[d.Digest] > 0:
		return nil, fmt.Errorf("%w: the part %s is larger than %d MiB", ErrDamaged, d.Digest, largestArtifact>>20)
	default:
		return nil, fmt.Errorf("%w: the part %s is missing", ErrDamaged, d.Digest)
	}
}

// readLayout reads a layout's files and holds each blob against its name. It keeps blobs until they are largestArtifact
// together, and of the others the size.
func readLayout(r io.Reader) (*layout, error) {
	l := &layout{blobs: map[string][]byte{}, sizes: map[string]int64{}}
	room := int64(largestArtifact)
	return l, eachFile(r, func(h *tar.Header, content io.Reader) error {
		name, blob := strings.CutPrefix(h.Name, "blobs/")
		digest := strings.Replace(name, "/", ":", 1)
		if !blob && h.Name != "index.json" {
			return nil
		}
		sum := newSum()
		var kept bytes.Buffer
		to := io.Writer(sum)
		if h.Size <= room {
			room -= h.Size
			to = io.MultiWriter(sum, &kept)
		}
		if _, err := io.Copy(to, content); err != nil {
			return err
		}
		switch {
		case !blob:
			l.index = kept.Bytes()
		case sum.digest() != digest:
			return fmt.Errorf("the part %s is not what its digest says", digest)
		default:
			l.sizes[digest] = h.Size
			if int64(kept.Len()) == h.Size {
				l.blobs[digest] = kept.Bytes()
			}
		}
		return nil
	})
}

// readTar reads the regular files of an archive, whose names must stay within it.
func readTar(r io.Reader) (map[string][]byte, error) {
	limited := &io.LimitedReader{R: r, N: largestArtifact}
	out := map[string][]byte{}
	err := eachFile(limited, func(h *tar.Header, content io.Reader) (err error) {
		out[h.Name], err = io.ReadAll(content)
		return err
	})
	if err != nil && limited.N <= 0 {
		return nil, fmt.Errorf("it is larger than %d MiB", largestArtifact>>20)
	}
	return out, err
}

// eachFile visits the regular files of an archive, whose names must stay within it.
func eachFile(r io.Reader, visit func(*tar.Header, io.Reader) error) error {
	t := tar.NewReader(r)
	for files := 0; ; {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case h.Typeflag == tar.TypeDir:
			continue
		case h.Typeflag != tar.TypeReg || !fs.ValidPath(h.Name):
			return fmt.Errorf("it holds %q, which is not a plain file within it", h.Name)
		case files == mostFiles:
			return fmt.Errorf("it holds more than %d files", mostFiles)
		}
		files++
		if err := visit(h, t); err != nil {
			return err
		}
	}
}

// fileSource finds parts in the one file, again for each.
type fileSource string

var errFound = errors.New("found")

// Open implements Source.
func (name fileSource) Open(d Descriptor) (io.ReadCloser, error) {
	f, err := os.Open(string(name))
	if err != nil {
		return nil, fmt.Errorf("open the pack: %w", err)
	}
	var part io.Reader
	err = eachFile(f, func(h *tar.Header, content io.Reader) error {
		if h.Name != blobFile(d.Digest) {
			return nil
		}
		part = content
		return errFound
	})
	if !errors.Is(err, errFound) {
		return nil, errors.Join(fmt.Errorf("%w: the part %s is missing", ErrDamaged, d.Digest), err, f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{part, f}, nil
}
