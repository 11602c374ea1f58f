package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Spec is one image to build.
type Spec struct {
	// Name is what people type: "drydock/web:1".
	Name string
	// Layers from the bottom up. Layers with equal files become one blob, also across images.
	Layers []Layer
	// Config is what a container of this image runs: Entrypoint, Cmd, Env, WorkingDir, User, ExposedPorts, StopSignal.
	Config ocispec.ImageConfig
	// Architecture is a GOARCH word; empty means the one this program runs on.
	Architecture string
}

// Layer is one set of files laid over the ones below.
type Layer struct {
	// Comment is shown by "image history".
	Comment string
	// Files may come in any order; missing parent folders are made with mode 0755.
	Files []File
}

// epoch is the time of everything in a built image: the same input must give the same bytes.
var epoch = time.Unix(0, 0).UTC()

// WriteArchive builds the images and writes them as one OCI archive (a tar holding an OCI image layout), which Import,
// Seed, "ctr images import", "docker load" and "skopeo" read. The bytes depend on the specs and the files alone.
// Layers are held in memory while they are built.
func WriteArchive(w io.Writer, images []Spec) error {
	b := &builder{blobs: map[digest.Digest][]byte{}}
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for _, spec := range images {
		desc, err := b.image(spec)
		if err != nil {
			return fmt.Errorf("build image %q: %w", spec.Name, err)
		}
		index.Manifests = append(index.Manifests, desc)
	}
	return b.write(w, index)
}

// builder collects blobs, each once.
type builder struct {
	blobs map[digest.Digest][]byte
}

func (b *builder) image(spec Spec) (ocispec.Descriptor, error) {
	name, err := Normalize(spec.Name)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	arch := spec.Architecture
	if arch == "" {
		arch = runtime.GOARCH
	}
	config := ocispec.Image{
		Created:  &epoch,
		Platform: ocispec.Platform{OS: "linux", Architecture: arch},
		Config:   spec.Config,
		RootFS:   ocispec.RootFS{Type: "layers"},
	}
	manifest := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
	for _, l := range spec.Layers {
		data, err := layerTar(l.Files)
		if err != nil {
			return ocispec.Descriptor{}, err
		}
		// Layers stay uncompressed: the whole bundle is compressed once, and so its diff ID and its digest are one.
		desc := b.add(ocispec.MediaTypeImageLayer, data)
		manifest.Layers = append(manifest.Layers, desc)
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, desc.Digest)
		config.History = append(config.History, ocispec.History{Created: &epoch, CreatedBy: l.Comment})
	}
	if manifest.Config, err = b.addJSON(ocispec.MediaTypeImageConfig, config); err != nil {
		return ocispec.Descriptor{}, err
	}
	desc, err := b.addJSON(ocispec.MediaTypeImageManifest, manifest)
	desc.Platform = &ocispec.Platform{OS: "linux", Architecture: arch}
	desc.Annotations = map[string]string{annotationName: name, ocispec.AnnotationRefName: tagOf(name)}
	return desc, err
}

func (b *builder) add(mediaType string, data []byte) ocispec.Descriptor {
	d := digest.FromBytes(data)
	b.blobs[d] = data
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))}
}

func (b *builder) addJSON(mediaType string, v any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("encode %s: %w", mediaType, err)
	}
	return b.add(mediaType, data), nil
}

// write lays the blobs out as an OCI image layout, in the order of their digests.
func (b *builder) write(w io.Writer, index ocispec.Index) error {
	data, err := json.Marshal(index)
	if err != nil {
		return fmt.Errorf("encode image index: %w", err)
	}
	layout, err := json.Marshal(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err != nil {
		return fmt.Errorf("encode image layout: %w", err)
	}
	tw := tar.NewWriter(w)
	put := func(name string, data []byte) {
		if err == nil {
			err = tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: epoch, Typeflag: tar.TypeReg})
		}
		if err == nil {
			_, err = tw.Write(data)
		}
	}
	put(ocispec.ImageLayoutFile, layout)
	put(ocispec.ImageIndexFile, data)
	digests := make([]digest.Digest, 0, len(b.blobs))
	for d := range b.blobs {
		digests = append(digests, d)
	}
	slices.Sort(digests)
	for _, d := range digests {
		put(path.Join(ocispec.ImageBlobsDir, d.Algorithm().String(), d.Encoded()), b.blobs[d])
	}
	if err == nil {
		err = tw.Close()
	}
	if err != nil {
		return fmt.Errorf("write image archive: %w", err)
	}
	return nil
}

// layerTar is the layer's change set as a tar, parents before children, in path order.
func layerTar(files []File) ([]byte, error) {
	files, err := withParents(files)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, f := range files {
		if err := f.writeTo(tw); err != nil {
			return nil, fmt.Errorf("add %q: %w", f.Path, err)
		}
	}
	if err := tw.Close(); err != nil {
		return nil, fmt.Errorf("write layer: %w", err)
	}
	return buf.Bytes(), nil
}

// withParents cleans the paths, adds missing folders, sorts, and refuses a path that is given twice.
func withParents(files []File) ([]File, error) {
	known := map[string]File{}
	for _, f := range files {
		f.Path = path.Clean("/" + f.Path)[1:]
		if f.Path == "" {
			continue // the root of the file system is there already
		}
		if _, twice := known[f.Path]; twice {
			return nil, fmt.Errorf("path %q is given twice", f.Path)
		}
		known[f.Path] = f
	}
	for p := range known {
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if parent, ok := known[dir]; !ok {
				known[dir] = File{Path: dir, Mode: os.ModeDir | 0o755}
			} else if !parent.Mode.IsDir() {
				return nil, fmt.Errorf("path %q lies below %q, which is no folder", p, dir)
			}
		}
	}
	sorted := make([]File, 0, len(known))
	for _, f := range known {
		sorted = append(sorted, f)
	}
	slices.SortFunc(sorted, func(a, b File) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	return sorted, nil
}
