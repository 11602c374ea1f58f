package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/containerd/errdefs"
	"github.com/containerd/log"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sys/unix"
)

// openBlobs opens containerd's content store in a folder. It logs what it could not find out about the file system; here
// whatever matters comes back as an error, so the library's log stays silent.
func openBlobs(dir string) (content.Store, error) {
	silence()
	if err := os.MkdirAll(filepath.Join(dir, "blobs"), 0o700); err != nil && !errors.Is(err, unix.EROFS) {
		return nil, fmt.Errorf("make blob folder: %w", err)
	}
	store, err := local.NewStore(dir)
	if err != nil {
		return nil, fmt.Errorf("open blobs in %q: %w", dir, err)
	}
	return store, nil
}

var silence = sync.OnceFunc(func() { log.L.Logger.SetOutput(io.Discard) }) //nolint:forbidigo // it is turned off here

// union looks for a blob in several stores, the first that has it wins. Writing goes to the first one only, by its own name.
type union []content.Store

// ReaderAt implements content.Provider.
func (u union) ReaderAt(ctx context.Context, desc ocispec.Descriptor) (content.ReaderAt, error) {
	for _, store := range u {
		ra, err := store.ReaderAt(ctx, desc)
		if err == nil || !errdefs.IsNotFound(err) {
			return ra, err
		}
	}
	return nil, fmt.Errorf("blob %s: %w", desc.Digest, errdefs.ErrNotFound)
}

// Info implements content.InfoProvider.
func (u union) Info(ctx context.Context, d digest.Digest) (content.Info, error) {
	for _, store := range u {
		info, err := store.Info(ctx, d)
		if err == nil || !errdefs.IsNotFound(err) {
			return info, err
		}
	}
	return content.Info{}, fmt.Errorf("blob %s: %w", d, errdefs.ErrNotFound)
}

// parsedManifest is a manifest with its config, read once.
type parsedManifest struct {
	image  Image // without names
	config ocispec.Descriptor
	layers []ocispec.Descriptor
}

// parse reads what a name leads to: a manifest, or an index of which the part for this machine is taken.
func (s *Store) parse(ctx context.Context, desc ocispec.Descriptor) (parsedManifest, error) {
	s.mu.Lock()
	m, ok := s.known[desc.Digest]
	s.mu.Unlock()
	if ok {
		return m, nil
	}
	m, err := parseManifest(ctx, s.blobs, desc)
	if err != nil {
		return m, err
	}
	s.mu.Lock()
	s.known[desc.Digest] = m
	s.mu.Unlock()
	return m, nil
}

func parseManifest(ctx context.Context, blobs content.Provider, desc ocispec.Descriptor) (parsedManifest, error) {
	manifest, err := images.Manifest(ctx, blobs, desc, platforms.Default())
	if err != nil {
		return parsedManifest{}, fmt.Errorf("read image manifest %s: %w", desc.Digest, err)
	}
	data, err := content.ReadBlob(ctx, blobs, manifest.Config)
	if err != nil {
		return parsedManifest{}, fmt.Errorf("read image config %s: %w", manifest.Config.Digest, err)
	}
	var config ocispec.Image
	if err := json.Unmarshal(data, &config); err != nil {
		return parsedManifest{}, fmt.Errorf("read image config %s: %w", manifest.Config.Digest, err)
	}
	if got, want := len(config.RootFS.DiffIDs), len(manifest.Layers); got != want {
		return parsedManifest{}, fmt.Errorf("image config %s names %d layers, its manifest %d", manifest.Config.Digest, got, want)
	}
	m := parsedManifest{config: manifest.Config, layers: manifest.Layers, image: Image{
		ID: manifest.Config.Digest.String(), Config: config.Config, Layers: config.RootFS.DiffIDs,
		Size: desc.Size + manifest.Config.Size, manifest: desc,
	}}
	if config.Created != nil {
		m.image.Created = *config.Created
	}
	for _, l := range manifest.Layers {
		m.image.Size += l.Size
	}
	return m, nil
}
