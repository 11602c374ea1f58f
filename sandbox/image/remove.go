package image

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
)

// Remove takes away one name of an image, or all of them when ref is its ID, and deletes what nothing leads to any more.
// Layers under a container stay until it is gone. Removing an image that is not here gives ErrNotFound.
func (s *Store) Remove(ctx context.Context, ref string) error {
	img, err := s.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	if err := s.unname(s.namesOf(img, ref)); err != nil {
		return err
	}
	return s.GC(ctx)
}

// namesOf is what a removal by ref takes away.
func (s *Store) namesOf(img Image, ref string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name, err := Normalize(ref); err == nil {
		if _, ok := s.names[name]; ok {
			return []string{name}
		}
	}
	var names []string
	for name, desc := range s.names {
		if m, ok := s.known[desc.Digest]; ok && m.image.ID == img.ID {
			names = append(names, name)
		}
	}
	return names
}

// GC deletes blobs and layers that no name leads to. It waits until no image is arriving.
func (s *Store) GC(ctx context.Context) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	blobs, layers, err := s.mark(ctx)
	if err != nil {
		return fmt.Errorf("collect garbage of images: %w", err)
	}
	if err := errors.Join(s.sweepIngests(ctx), s.sweepBlobs(ctx, blobs), s.sweepLayers(ctx, layers)); err != nil {
		return fmt.Errorf("collect garbage of images: %w", err)
	}
	return nil
}

// mark follows every name to the blobs and layers behind it.
func (s *Store) mark(ctx context.Context) (blobs map[digest.Digest]bool, layers map[string]bool, err error) {
	s.mu.Lock()
	names := s.names.clone()
	s.mu.Unlock()
	blobs, layers = map[digest.Digest]bool{}, map[string]bool{}
	for _, desc := range names {
		m, err := s.parse(ctx, desc)
		if err != nil {
			return nil, nil, err
		}
		if err := s.markBlobs(ctx, m, blobs); err != nil {
			return nil, nil, err
		}
		for i := range m.image.Layers {
			layers[topLayer(m.image.Layers[:i+1])] = true
		}
	}
	return blobs, layers, nil
}

// sweepIngests drops blobs that were begun and not finished. Left there, the next import that has a file of the same name
// would go on from the middle of it.
func (s *Store) sweepIngests(ctx context.Context) error {
	begun, err := s.own.ListStatuses(ctx)
	if err != nil {
		return fmt.Errorf("list unfinished blobs: %w", err)
	}
	for _, st := range begun {
		if err := s.own.Abort(ctx, st.Ref); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("drop unfinished blob %q: %w", st.Ref, err)
		}
	}
	return nil
}

func (s *Store) sweepBlobs(ctx context.Context, keep map[digest.Digest]bool) error {
	var drop []digest.Digest
	err := s.own.Walk(ctx, func(info content.Info) error {
		if !keep[info.Digest] {
			drop = append(drop, info.Digest)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list blobs: %w", err)
	}
	for _, d := range drop {
		if err := s.own.Delete(ctx, d); err != nil && !errdefs.IsNotFound(err) {
			return fmt.Errorf("delete blob %s: %w", d, err)
		}
	}
	return nil
}

// sweepLayers removes from the top down: a layer goes when nothing stands on it any more.
func (s *Store) sweepLayers(ctx context.Context, keep map[string]bool) error {
	layers, err := s.layers.Layers(ctx)
	if err != nil {
		return err
	}
	for progress := true; progress; {
		progress = false
		below := map[string]bool{}
		for _, parent := range layers {
			below[parent] = true
		}
		for name := range layers {
			if keep[name] || below[name] {
				continue
			}
			err := s.layers.Remove(ctx, name)
			if err != nil && !errdefs.IsFailedPrecondition(err) { // a container stands on it: it goes at a later GC
				return err
			}
			delete(layers, name)
			progress = err == nil || progress
		}
	}
	return nil
}
