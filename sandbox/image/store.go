package image

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"drydock/sandbox/layer"
)

// ErrNotFound is wrapped by every error that says an image is not here.
var ErrNotFound = errors.New("image not found")

// Image is one image, under all of its names.
type Image struct {
	// ID is the digest of the config: "sha256:…". Two names with one ID are the same image.
	ID string
	// RepoTags are full names with a tag, RepoDigests full names with the manifest's digest; both sorted.
	RepoTags    []string
	RepoDigests []string
	// Size is the bytes of the manifest, the config and the layers as they were handed over.
	Size   int64
	Config ocispec.ImageConfig
	// Layers are the diff IDs from the bottom up.
	Layers  []digest.Digest
	Created time.Time
	// Bundled images came with drydock: they can be pulled again without a network.
	Bundled bool
	// Imported images came in an archive: no registry need know them.
	Imported bool

	manifest ocispec.Descriptor
}

// Options say where a Store keeps its things.
type Options struct {
	// Root is the store's own folder; it is made when missing.
	Root string
	// Seed is a folder made by Seed, shared read-only; empty for none.
	Seed string
	// Backing is passed on to the layers; empty finds one.
	Backing layer.Backing
}

// Store is the images of one node. Its methods may be called at the same time.
type Store struct {
	// set once in Open
	root    string
	layers  *layer.Store
	own     content.Store
	blobs   union
	bundled index

	// writing is held shared while blobs arrive that no name leads to yet, and alone while garbage is collected.
	writing   sync.RWMutex
	importing sync.Mutex // held while an archive is read

	mu    sync.Mutex
	names index                            // guarded by mu: full name with tag or digest → manifest
	known map[digest.Digest]parsedManifest // guarded by mu: manifests read so far
}

// Names of what lies in a Store's folder and in a seed.
const (
	contentName = "content"
	layersName  = "layers"
)

// Open opens the store in o.Root, which one process at a time may do. Images that the seed holds are there at once.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := os.MkdirAll(o.Root, 0o700); err != nil {
		return nil, fmt.Errorf("make image folder: %w", err)
	}
	s := &Store{root: o.Root, known: map[digest.Digest]parsedManifest{}}
	layerSeed := ""
	if o.Seed != "" {
		layerSeed = filepath.Join(o.Seed, layersName)
	}
	var err error
	if s.layers, err = layer.Open(ctx, layer.Options{Root: filepath.Join(o.Root, layersName), Seed: layerSeed, Use: o.Backing}); err != nil {
		return nil, err
	}
	if err := s.openContent(o.Seed); err != nil {
		return nil, errors.Join(fmt.Errorf("open images in %q: %w", o.Root, err), s.layers.Close())
	}
	return s, nil
}

func (s *Store) openContent(seed string) (err error) {
	if s.own, err = openBlobs(filepath.Join(s.root, contentName)); err != nil {
		return err
	}
	s.blobs = union{s.own}
	if seed != "" {
		shared, err := openBlobs(filepath.Join(seed, contentName))
		if err != nil {
			return err
		}
		s.blobs = append(s.blobs, shared)
		if s.bundled, err = readIndex(seed); err != nil {
			return err
		}
	}
	s.names, err = readIndex(s.root)
	if errors.Is(err, os.ErrNotExist) {
		s.names, err = s.bundled.clone(), nil
	}
	if s.names == nil {
		s.names = index{}
	}
	// A newer drydock brings newer images under the same names, and new ones; the old ones are gone with their seed.
	maps.DeleteFunc(s.names, func(_ string, desc ocispec.Descriptor) bool { return !s.holds(desc) })
	for name, desc := range s.bundled {
		if _, ok := s.names[name]; !ok {
			s.names[name] = desc
		}
	}
	return err
}

// holds tells whether the manifest itself is still there: it may have been in an older seed.
func (s *Store) holds(desc ocispec.Descriptor) bool {
	_, err := s.blobs.Info(context.Background(), desc.Digest)
	return err == nil
}

// Close frees the store. Mounted snapshots stay mounted.
func (s *Store) Close() error { return s.layers.Close() }

// Layers is the store of unpacked layers, where containers get their snapshots.
func (s *Store) Layers() *layer.Store { return s.layers }

// List returns all images, by ID.
func (s *Store) List(ctx context.Context) ([]Image, error) {
	s.mu.Lock()
	names := s.names.clone()
	s.mu.Unlock()
	byID := map[string]*Image{}
	for name, desc := range names {
		m, err := s.parse(ctx, desc)
		if err != nil {
			return nil, fmt.Errorf("list images: %w", err)
		}
		img, ok := byID[m.image.ID]
		if !ok {
			fresh := m.image
			img = &fresh
			byID[img.ID] = img
		}
		img.addName(name, desc.Digest)
		_, bundled := s.bundled[name]
		img.Bundled = img.Bundled || bundled
		img.Imported = img.Imported || desc.Annotations[importedKey] != ""
	}
	list := make([]Image, 0, len(byID))
	for _, img := range byID {
		slices.Sort(img.RepoTags)
		slices.Sort(img.RepoDigests)
		list = append(list, *img)
	}
	slices.SortFunc(list, func(a, b Image) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

func (img *Image) addName(name string, manifest digest.Digest) {
	if !strings.Contains(name, "@") {
		img.RepoTags = append(img.RepoTags, name)
	}
	if d := withDigest(name, manifest); d != "" && !slices.Contains(img.RepoDigests, d) {
		img.RepoDigests = append(img.RepoDigests, d)
	}
}

// Resolve finds an image by a name ("nginx", "drydock/web:1", "repo@sha256:…") or by its ID or the first digits of it.
func (s *Store) Resolve(ctx context.Context, ref string) (Image, error) {
	list, err := s.List(ctx)
	if err != nil {
		return Image{}, err
	}
	for _, img := range list {
		if img.ID == ref || img.ID == "sha256:"+ref {
			return img, nil
		}
	}
	if name, err := Normalize(ref); err == nil {
		for _, img := range list {
			if slices.Contains(img.RepoTags, name) || slices.Contains(img.RepoDigests, name) {
				return img, nil
			}
		}
	}
	return byPrefix(list, ref)
}

// shortestPrefix is how many digits of an ID are taken for one.
const shortestPrefix = 6

func byPrefix(list []Image, ref string) (Image, error) {
	digits := strings.TrimPrefix(ref, "sha256:")
	var found []Image
	for _, img := range list {
		if len(digits) >= shortestPrefix && strings.HasPrefix(img.ID, "sha256:"+digits) {
			found = append(found, img)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Image{}, fmt.Errorf("%w: %q", ErrNotFound, ref)
	default:
		return Image{}, fmt.Errorf("image ID %q is the start of %d images: give more digits", ref, len(found))
	}
}

// BundledNames are the short names of the images that came with drydock, sorted.
func (s *Store) BundledNames() []string {
	var names []string
	for name := range s.bundled {
		names = append(names, Familiar(name))
	}
	slices.Sort(names)
	return names
}

// Usage is what the store's own blobs and layers take on disk, without what is shared through the seed.
func (s *Store) Usage(ctx context.Context) (bytes, inodes int64, err error) {
	err = s.own.Walk(ctx, func(info content.Info) error {
		bytes += info.Size
		inodes++
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("measure image blobs: %w", err)
	}
	layers, err := s.layers.Layers(ctx)
	if err != nil {
		return 0, 0, err
	}
	for name := range layers {
		b, n, err := s.layers.Usage(ctx, name)
		if err != nil {
			return 0, 0, err
		}
		bytes, inodes = bytes+b, inodes+n
	}
	return bytes, inodes, nil
}

// Root is the folder the store was opened in.
func (s *Store) Root() string { return s.root }
