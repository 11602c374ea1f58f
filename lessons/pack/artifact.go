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
)

// A built pack is one file: an OCI image layout (image-spec, image-layout.md) in a tar archive. Its index names a manifest
// that has the pack's folder as its layer, and beside it the images that the pack needs and drydock does not carry, if
// they were put in. Every blob is named by its digest, so that a damaged file is noticed, and any registry can carry it. The
// same folder gives the same bytes. A signature is of the pack's manifest; the images are pinned by the pack itself, which
// names them by their digests.

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

// Source opens the blob that a descriptor names. What it gives is not to be trusted.
type Source interface {
	Open(d Descriptor) (io.ReadCloser, error)
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
	Images   []Descriptor // those beside the pack, each with its name among its annotations
	Files    fs.FS

	blobs map[string][]byte // the pack's own parts, and the manifests of images
	large []Descriptor      // the other parts of images
	from  Source            // which has the large parts
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
