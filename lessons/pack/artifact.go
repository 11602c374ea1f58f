package pack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing/fstest"
)

// A built pack is one file: an OCI image layout (image-spec, image-layout.md) in a tar archive, whose one manifest has the
// pack's folder as its layer. Every blob is named by its digest, so that a damaged file is noticed, and any registry can
// carry it. The same folder gives the same bytes.

// Media types of the parts of a built pack.
const (
	ArtifactType = "application/vnd.drydock.pack.v1"
	configType   = "application/vnd.drydock.pack.config.v1+json"
	layerType    = "application/vnd.drydock.pack.layer.v1.tar+gzip"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	indexType    = "application/vnd.oci.image.index.v1+json"
)

// Variant says for whom a pack is built.
type Variant string

// The variants.
const (
	Student Variant = "student" // without the folder private
	Grader  Variant = "grader"
)

// Limits of a built pack: it holds texts.
const (
	largestArtifact = 64 << 20
	mostFiles       = 10_000
)

// ErrDamaged is the error of a built pack that is not what its digests say.
var ErrDamaged = errors.New("the pack is damaged")

// Descriptor points to a blob, as the OCI image specification has it.
type Descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType,omitempty"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}

type manifest struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	ArtifactType  string            `json:"artifactType,omitempty"`
	Config        Descriptor        `json:"config"`
	Layers        []Descriptor      `json:"layers"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []Descriptor `json:"manifests"`
}

// About is the config of a built pack: what it is, without unpacking it.
type About struct {
	ID      string  `json:"id"`
	Version string  `json:"version"`
	Format  int     `json:"format"`
	Digest  string  `json:"digest"`
	Variant Variant `json:"variant"`
}

// Artifact is a built pack, opened and whole.
type Artifact struct {
	About    About
	Manifest Descriptor
	Files    fs.FS
	blobs    map[string][]byte
}

// Build packs a folder. The folder must be a pack without mistakes.
func Build(fsys fs.FS, variant Variant) (*Artifact, error) {
	if variant == Student {
		fsys = withoutPrivate{fsys}
	}
	p, err := Load(fsys)
	if err != nil {
		return nil, err
	}
	layer, err := archive(fsys)
	if err != nil {
		return nil, err
	}
	a := &Artifact{About: About{p.ID, p.Version, Format, p.Digest, variant}, Files: fsys, blobs: map[string][]byte{}}
	config, err := json.Marshal(a.About)
	if err != nil {
		return nil, err
	}
	m := manifest{
		SchemaVersion: 2, MediaType: manifestType, ArtifactType: ArtifactType,
		Config: a.blob(configType, config), Layers: []Descriptor{a.blob(layerType, layer)},
		Annotations: map[string]string{"org.opencontainers.image.title": p.ID, "org.opencontainers.image.version": p.Version},
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	a.Manifest = a.blob(manifestType, raw)
	a.Manifest.ArtifactType = ArtifactType
	return a, nil
}

func (a *Artifact) blob(mediaType string, data []byte) Descriptor {
	digest := digestOfBytes(data)
	a.blobs[digest] = data
	return Descriptor{MediaType: mediaType, Digest: digest, Size: int64(len(data))}
}

func digestOfBytes(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// withoutPrivate hides the folder that learners must not read.
type withoutPrivate struct{ fs.FS }

// Open implements fs.FS.
func (w withoutPrivate) Open(name string) (fs.File, error) {
	if name == privateDir || strings.HasPrefix(name, privateDir+"/") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return w.FS.Open(name)
}

// ReadDir implements fs.ReadDirFS.
func (w withoutPrivate) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == privateDir || strings.HasPrefix(name, privateDir+"/") {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	entries, err := fs.ReadDir(w.FS, name)
	if name == "." {
		entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == privateDir })
	}
	return entries, err
}

// archive is the folder as a compressed tar archive, in order of names and without times or owners.
func archive(fsys fs.FS) ([]byte, error) {
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	t := tar.NewWriter(packed)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return addFile(t, name, data)
	})
	if err != nil {
		return nil, fmt.Errorf("pack the folder: %w", err)
	}
	if err := errors.Join(t.Close(), packed.Close()); err != nil {
		return nil, fmt.Errorf("pack the folder: %w", err)
	}
	return out.Bytes(), nil
}

func addFile(t *tar.Writer, name string, data []byte) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data)), Format: tar.FormatUSTAR}
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err := t.Write(data)
	return err
}

// WriteTo writes the one file, implementing io.WriterTo but for the count, which is always 0.
func (a *Artifact) WriteTo(w io.Writer) (int64, error) {
	ix, err := json.Marshal(index{SchemaVersion: 2, MediaType: indexType, Manifests: []Descriptor{a.Manifest}})
	if err != nil {
		return 0, err
	}
	t := tar.NewWriter(w)
	errs := []error{
		addFile(t, "oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`)),
		addFile(t, "index.json", ix),
	}
	for _, digest := range slices.Sorted(keysOf(a.blobs)) {
		errs = append(errs, addFile(t, "blobs/"+strings.Replace(digest, ":", "/", 1), a.blobs[digest]))
	}
	return 0, errors.Join(append(errs, t.Close())...)
}

func keysOf(m map[string][]byte) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// OpenArtifact reads a built pack and holds every digest against its content. Errors wrap ErrDamaged.
func OpenArtifact(r io.Reader) (*Artifact, error) {
	files, err := readTar(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	var ix index
	if err := json.Unmarshal(files["index.json"], &ix); err != nil || len(ix.Manifests) != 1 {
		return nil, fmt.Errorf("%w: its index does not name one manifest", ErrDamaged)
	}
	a := &Artifact{Manifest: ix.Manifests[0], blobs: map[string][]byte{}}
	for name, data := range files {
		if rest, ok := strings.CutPrefix(name, "blobs/"); ok {
			a.blobs[strings.Replace(rest, "/", ":", 1)] = data
		}
	}
	return a, a.unpack()
}

// get is a blob, if it is what the descriptor says.
func (a *Artifact) get(d Descriptor) ([]byte, error) {
	data, ok := a.blobs[d.Digest]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: the part %s is missing", ErrDamaged, d.Digest)
	case digestOfBytes(data) != d.Digest || int64(len(data)) != d.Size:
		return nil, fmt.Errorf("%w: the part %s is not what its digest says", ErrDamaged, d.Digest)
	}
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

// readTar reads the regular files of an archive, whose names must stay within it.
func readTar(r io.Reader) (map[string][]byte, error) {
	limited := &io.LimitedReader{R: r, N: largestArtifact}
	t := tar.NewReader(limited)
	out := map[string][]byte{}
	for {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil && limited.N <= 0:
			return nil, fmt.Errorf("it is larger than %d MiB", largestArtifact>>20)
		case err != nil:
			return nil, err
		case h.Typeflag == tar.TypeDir:
			continue
		case h.Typeflag != tar.TypeReg || !fs.ValidPath(h.Name):
			return nil, fmt.Errorf("it holds %q, which is not a plain file within it", h.Name)
		case len(out) == mostFiles:
			return nil, fmt.Errorf("it holds more than %d files", mostFiles)
		}
		if out[h.Name], err = io.ReadAll(t); err != nil {
			return nil, err
		}
	}
}
