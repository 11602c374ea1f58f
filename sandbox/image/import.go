package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images/archive"
	"github.com/containerd/containerd/v2/pkg/archive/compression"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Import reads images from an archive, an OCI image layout or what "docker save" writes, plain or compressed, unpacks them
// and returns them. Either all of them are there afterwards or none.
func (s *Store) Import(ctx context.Context, r io.Reader) ([]Image, error) {
	names, err := s.importAll(ctx, r)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("import images: %w", err), s.GC(context.WithoutCancel(ctx)))
	}
	var list []Image
	for name := range names {
		img, err := s.Resolve(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("import images: %w", err)
		}
		list = append(list, img)
	}
	return list, nil
}

func (s *Store) importAll(ctx context.Context, r io.Reader) (index, error) {
	// One at a time: the importer files unfinished blobs under their names in the archive, which two archives may share.
	s.importing.Lock()
	defer s.importing.Unlock()
	s.writing.RLock()
	defer s.writing.RUnlock()
	names, err := readArchive(ctx, s.own, r)
	if err != nil {
		return nil, err
	}
	for name, desc := range names {
		if _, err := s.unpack(ctx, desc); err != nil {
			return nil, fmt.Errorf("image %s: %w", Familiar(name), err)
		}
	}
	for name, desc := range names {
		desc.Annotations = map[string]string{importedKey: "yes"}
		names[name] = desc
	}
	return names, s.name(names)
}

// importedKey marks the names that came in an archive.
const importedKey = "drydock.local/imported"

// readArchive stores the archive's blobs and returns the named manifests in it.
func readArchive(ctx context.Context, store content.Store, r io.Reader) (index, error) {
	plain, err := compression.DecompressStream(r)
	if err != nil {
		return nil, fmt.Errorf("decompress archive: %w", err)
	}
	defer plain.Close()
	desc, err := archive.ImportIndex(ctx, store, plain)
	if err != nil {
		return nil, err
	}
	data, err := content.ReadBlob(ctx, store, desc)
	if err != nil {
		return nil, fmt.Errorf("read index of archive: %w", err)
	}
	var idx ocispec.Index
	if err := json.Unmarshal(data, &idx); err != nil {
		return nil, fmt.Errorf("read index of archive: %w", err)
	}
	names := index{}
	for _, m := range idx.Manifests {
		name, err := nameInArchive(m)
		if err != nil {
			return nil, err
		}
		m.Annotations = nil
		names[name] = m
	}
	if len(names) == 0 {
		return nil, errors.New("the archive holds no image")
	}
	return names, nil
}

// nameInArchive is the full name that whoever wrote the archive gave to a manifest: containerd and we write it whole, the
// OCI layout of other tools has the name or only a tag.
func nameInArchive(desc ocispec.Descriptor) (string, error) {
	name := desc.Annotations[annotationName]
	if name == "" {
		name = desc.Annotations[ocispec.AnnotationRefName]
	}
	if name == "" {
		return "", fmt.Errorf("image %s in the archive has no name: save it with one, for example drydock/mine:1", desc.Digest)
	}
	return Normalize(name)
}
