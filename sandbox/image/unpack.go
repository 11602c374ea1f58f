package image

import (
	"context"
	"fmt"
	"io"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// unpacker is a place that layers can be extracted into: a layer.Store or a layer.Builder.
type unpacker interface {
	Has(ctx context.Context, name string) bool
	Apply(ctx context.Context, name, parent string, diff io.Reader) error
}

// Unpack makes sure that the image's layers are extracted, and returns the name of the uppermost one, on which a container's
// snapshot is prepared. It is quick when they are.
func (s *Store) Unpack(ctx context.Context, img Image) (string, error) {
	s.writing.RLock()
	defer s.writing.RUnlock()
	return s.unpack(ctx, img.manifest)
}

// unpack is Unpack for callers that hold s.writing.
func (s *Store) unpack(ctx context.Context, desc ocispec.Descriptor) (string, error) {
	m, err := s.parse(ctx, desc)
	if err != nil {
		return "", err
	}
	return unpack(ctx, s.blobs, s.layers, m)
}

func unpack(ctx context.Context, blobs content.Provider, to unpacker, m parsedManifest) (string, error) {
	top := topLayer(m.image.Layers)
	if to.Has(ctx, top) {
		return top, nil
	}
	parent := ""
	for i, desc := range m.layers {
		name := topLayer(m.image.Layers[:i+1])
		if err := unpackLayer(ctx, blobs, to, step{desc, m.image.Layers[i], name, parent}); err != nil {
			return "", err
		}
		parent = name
	}
	return parent, nil
}

// topLayer names the layer that results from the diffs: their chain ID, or "" for none.
func topLayer(diffs []digest.Digest) string { return identity.ChainID(diffs).String() }

// step is one layer to extract: its blob, the digest of its uncompressed bytes, its name, and the layer below.
type step struct {
	blob         ocispec.Descriptor
	diff         digest.Digest
	name, parent string
}

func unpackLayer(ctx context.Context, blobs content.Provider, to unpacker, st step) error {
	if to.Has(ctx, st.name) {
		return nil
	}
	ra, err := blobs.ReaderAt(ctx, st.blob)
	if err != nil {
		return fmt.Errorf("open layer %s: %w", st.blob.Digest, err)
	}
	defer ra.Close()
	plain, err := compression.DecompressStream(content.NewReader(ra))
	if err != nil {
		return fmt.Errorf("decompress layer %s: %w", st.blob.Digest, err)
	}
	defer plain.Close()
	return to.Apply(ctx, st.name, st.parent, verify(plain, st.diff))
}

// verify passes a stream through and fails at its end, instead of io.EOF, when its digest is not want.
func verify(r io.Reader, want digest.Digest) io.Reader {
	if err := want.Validate(); err != nil {
		return io.MultiReader(failing{fmt.Errorf("layer digest %q: %w", want, err)})
	}
	return &verifier{r: r, want: want, digester: want.Algorithm().Digester()}
}

type verifier struct {
	r        io.Reader
	want     digest.Digest
	digester digest.Digester
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	_, _ = v.digester.Hash().Write(p[:n]) // never fails: hash.Hash
	if err == io.EOF {
		if got := v.digester.Digest(); got != v.want {
			return n, fmt.Errorf("layer has digest %s, the image's config says %s", got, v.want)
		}
	}
	return n, err
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
