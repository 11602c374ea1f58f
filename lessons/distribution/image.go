package distribution

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/distribution/reference"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry"

	"drydock/lessons/pack"
)

// AddImages puts the images that a pack needs beside it, by their digests: out of the layouts in from when one of them has
// it, else from the registry that the name says. The returned function gives back the room that they take until the pack
// was written.
func AddImages(ctx context.Context, a *pack.Artifact, names []string, from []Place) (done func() error, err error) {
	dir, err := os.MkdirTemp("", "dockpack-")
	if err != nil {
		return nil, fmt.Errorf("make room for images: %w", err)
	}
	done = func() error { return os.RemoveAll(dir) }
	store, err := oci.NewStorage(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make room for images: %w", err), done())
	}
	source := &blobs{ctx, store}
	for _, name := range names {
		root, err := fetchImage(ctx, store, name, from)
		if err == nil {
			err = a.AddImage(name, root, source)
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("add image %s: %w", name, err), done())
		}
	}
	return done, nil
}

func fetchImage(ctx context.Context, store *oci.Storage, name string, from []Place) (pack.Descriptor, error) {
	_, digest, ok := strings.Cut(name, "@")
	if !ok {
		return pack.Descriptor{}, errors.New("it has no digest; write NAME@sha256:…, so that everybody gets the same")
	}
	home, err := homeOf(name)
	if err != nil {
		return pack.Descriptor{}, err
	}
	var errs []error
	for _, place := range append(from, home) {
		source, err := place.reading(ctx)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		root, err := source.Resolve(ctx, digest)
		if err == nil {
			err = oras.CopyGraph(ctx, source, store, root, bounded())
		}
		if err == nil {
			return pack.Descriptor{MediaType: root.MediaType, Digest: root.Digest.String(), Size: root.Size}, nil
		}
		errs = append(errs, fmt.Errorf("look in %s: %w", place, err))
	}
	return pack.Descriptor{}, errors.Join(errs...)
}

// homeOf is the registry that an image's name means: nginx@… is docker.io/library/nginx@….
func homeOf(name string) (Place, error) {
	named, err := reference.ParseDockerRef(name)
	if err != nil {
		return Place{}, err
	}
	ref, err := registry.ParseReference(named.String())
	if err != nil {
		return Place{}, err
	}
	return Place{repo: ref, tag: ref.Reference}, nil
}
