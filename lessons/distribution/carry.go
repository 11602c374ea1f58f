package distribution

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"

	"drydock/lessons/pack"
)

// Bounds of what is fetched: nobody may fill a disk by what their registry answers.
const (
	largestIndex = 4 << 20
	largestFetch = 8 << 30
)

// Push sends a built pack to a place and returns the digest by which the place knows it. Without a tag of its own it gets
// two: the pack's version, and latest.
func Push(ctx context.Context, a *pack.Artifact, to Place) (string, error) {
	tags := []string{to.tag}
	if to.tag == "" {
		tags = []string{a.About.Version, latest}
	}
	found, err := push(ctx, a, to, tags)
	if err != nil {
		return "", fmt.Errorf("push %s to %s: %w", a.About.ID, to, to.said(err))
	}
	return found, nil
}

func push(ctx context.Context, a *pack.Artifact, to Place, tags []string) (string, error) {
	switch to.kind {
	case folderPrefix:
		store, err := oci.New(to.path)
		if err != nil {
			return "", err
		}
		return send(ctx, a, store, tags)
	case archivePrefix:
		return pushArchive(ctx, a, to.path, tags)
	default:
		repo, err := to.remote()
		if err != nil {
			return "", err
		}
		return send(ctx, a, repo, tags)
	}
}

// send copies everything the index leads to, and the index last: a tag never names what is not all there.
func send(ctx context.Context, a *pack.Artifact, to oras.Target, tags []string) (string, error) {
	raw, err := a.Index()
	if err != nil {
		return "", err
	}
	for _, d := range append([]pack.Descriptor{a.Manifest}, a.Images...) {
		if err := oras.CopyGraph(ctx, parts{a}, to, descriptor(d), oras.DefaultCopyGraphOptions); err != nil {
			return "", err
		}
	}
	root := content.NewDescriptorFromBytes(ocispec.MediaTypeImageIndex, raw)
	there, err := to.Exists(ctx, root)
	if err == nil && !there {
		err = to.Push(ctx, root, bytes.NewReader(raw))
	}
	for _, tag := range tags {
		if err == nil {
			err = to.Tag(ctx, root, tag)
		}
	}
	return root.Digest.String(), err
}

// pushArchive writes a layout beside the archive first, and replaces the archive in one step.
func pushArchive(ctx context.Context, a *pack.Artifact, file string, tags []string) (found string, err error) {
	dir, err := os.MkdirTemp("", "dockpack-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := oci.New(dir)
	if err != nil {
		return "", err
	}
	if found, err = send(ctx, a, store, tags); err != nil {
		return "", err
	}
	return found, replace(file, func(w io.Writer) error {
		t := tar.NewWriter(w)
		return errors.Join(t.AddFS(os.DirFS(dir)), t.Close())
	})
}

// replace writes a file beside the one it replaces, which stays as it is when something goes wrong.
func replace(file string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".dockpack-")
	if err != nil {
		return err
	}
	if err = errors.Join(write(f), f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Pull fetches a built pack from a place into a new file and opens it. Nothing is left there when something goes wrong.
func Pull(ctx context.Context, from Place, file string) (*pack.Artifact, error) {
	a, err := pull(ctx, from, file)
	if err != nil {
		return nil, fmt.Errorf("pull %s: %w", from, from.said(err))
	}
	return a, nil
}

func pull(ctx context.Context, from Place, file string) (_ *pack.Artifact, err error) {
	source, err := from.reading(ctx)
	if err != nil {
		return nil, err
	}
	root, err := source.Resolve(ctx, from.reference())
	if err != nil {
		return nil, err
	}
	if root.MediaType != ocispec.MediaTypeImageIndex || root.Size > largestIndex {
		return nil, fmt.Errorf("%w: it is a %s of %d bytes, not a pack", pack.ErrDamaged, root.MediaType, root.Size)
	}
	raw, err := content.FetchAll(ctx, source, root)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "dockpack-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	store, err := oci.NewStorage(dir)
	if err != nil {
		return nil, err
	}
	if err := oras.CopyGraph(ctx, source, store, root, bounded()); err != nil {
		return nil, err
	}
	a, err := pack.Assemble(raw, blobs{ctx, store})
	if err != nil {
		return nil, err
	}
	if err := replace(file, func(w io.Writer) error { _, err := a.WriteTo(w); return err }); err != nil {
		return nil, err
	}
	return pack.OpenFile(file)
}

// bounded stops a copy that grows beyond what a pack can be.
func bounded() oras.CopyGraphOptions {
	var fetched atomic.Int64
	o := oras.DefaultCopyGraphOptions
	o.PreCopy = func(_ context.Context, d ocispec.Descriptor) error {
		if fetched.Add(d.Size) > largestFetch {
			return fmt.Errorf("it is larger than %d GiB", largestFetch>>30)
		}
		return nil
	}
	return o
}

func descriptor(d pack.Descriptor) ocispec.Descriptor {
	return ocispec.Descriptor{
		MediaType: d.MediaType, ArtifactType: d.ArtifactType, Digest: digest.Digest(d.Digest), Size: d.Size, Annotations: d.Annotations,
	}
}

// parts shows a built pack to oras.
type parts struct{ a *pack.Artifact }

// Fetch implements content.Fetcher.
func (p parts) Fetch(_ context.Context, d ocispec.Descriptor) (io.ReadCloser, error) {
	return p.a.Open(pack.Descriptor{MediaType: d.MediaType, Digest: d.Digest.String(), Size: d.Size})
}

// Exists implements content.ReadOnlyStorage.
func (p parts) Exists(ctx context.Context, d ocispec.Descriptor) (bool, error) {
	r, err := p.Fetch(ctx, d)
	if err != nil {
		return false, nil //nolint:nilerr // what cannot be opened is not there
	}
	return true, r.Close()
}

// blobs shows what oras fetched to a built pack.
type blobs struct {
	ctx   context.Context //nolint:containedctx // pack.Source has none: its other sources are files
	store content.Fetcher
}

// Open implements pack.Source.
func (b blobs) Open(d pack.Descriptor) (io.ReadCloser, error) {
	return b.store.Fetch(b.ctx, descriptor(d))
}
