package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// Names of an image beside a pack: the first is containerd's, which its importer and ours read; the second is OCI's.
const (
	imageNote = "io.containerd.image.name"
	refNote   = "org.opencontainers.image.ref.name"
)

// Media types of manifests: those that lead to other blobs.
var (
	indexTypes    = []string{indexType, "application/vnd.docker.distribution.manifest.list.v2+json"}
	manifestTypes = []string{manifestType, "application/vnd.docker.distribution.manifest.v2+json"}
)

// bundled begins the names of the images that every drydock carries.
const bundled = "drydock/"

// NeedsImages are the images that the lessons start with and that drydock does not carry, in order and each once.
func (p *Pack) NeedsImages() []string {
	all := slices.Clone(p.Images)
	for _, lesson := range p.Lessons {
		all = append(all, lesson.World.Images...)
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return strings.HasPrefix(name, bundled) })
}

// NeedsImages are the images that the lesson's world names and that drydock does not carry: those of world.images, and those
// of the pack that its manifests use. They are there only when they lie beside the pack.
func (l *Lesson) NeedsImages() []string {
	all := slices.Clone(l.World.Images)
	for _, m := range l.World.Manifests {
		for _, name := range manifestImages(m.Content) {
			if slices.Contains(l.pack.Images, name) {
				all = append(all, name)
			}
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(name string) bool { return strings.HasPrefix(name, bundled) })
}

// manifestImages are the images of all containers of a manifest.
func manifestImages(manifest string) []string {
	objects, err := Objects(manifest)
	if err != nil {
		return nil // Load has said so
	}
	var out []string
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				visit(one)
			}
		case map[string]any:
			for key, one := range v {
				if name, ok := one.(string); ok && key == "image" && v["name"] != nil {
					out = append(out, name)
				}
				visit(one)
			}
		}
	}
	for _, o := range objects {
		visit(o["spec"])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// images finds images that a lab will not have: nothing is pulled there, because a lab has no way to the internet.
func (l *linter) images(lesson *Lesson) {
	named := slices.Concat(l.pack.Images, lesson.World.Images)
	for _, image := range lesson.World.Images {
		if !strings.HasPrefix(image, bundled) && !strings.Contains(image, "@sha256:") {
			l.warn(lesson, "image %s has no digest: what it holds may change", image)
		}
	}
	for _, m := range lesson.World.Manifests {
		for _, image := range manifestImages(m.Content) {
			if !strings.HasPrefix(image, bundled) && !slices.Contains(named, image) {
				l.warn(lesson, "%s: image %s is none that drydock carries, and a lab pulls nothing; name it in images of pack.yaml, with its digest, and build the pack --with-images", m.Path, image)
			}
		}
	}
}

// ImageName is what the pack calls an image beside it: NAME@DIGEST.
func ImageName(d Descriptor) string { return d.Annotations[imageNote] }

// AddImage puts an image beside the pack, with all its parts; from must have them for as long as the Artifact is used. The
// name ends in the digest of root: what is under a name cannot be exchanged.
func (a *Artifact) AddImage(name string, root Descriptor, from Source) error {
	if a.from != nil && a.from != from {
		return fmt.Errorf("add image %s: all images of a pack come from one source", name)
	}
	a.from = from
	root = Descriptor{
		MediaType: root.MediaType, Digest: root.Digest, Size: root.Size, Annotations: map[string]string{imageNote: name, refNote: name},
	}
	return a.image(root)
}

// image takes an image that the index names.
func (a *Artifact) image(root Descriptor) error {
	name := ImageName(root)
	if !strings.HasSuffix(name, "@"+root.Digest) {
		return fmt.Errorf("%w: it holds an image named %q that is %s; a name must end in @ and the digest", ErrDamaged, name, root.Digest)
	}
	if slices.ContainsFunc(a.Images, func(d Descriptor) bool { return ImageName(d) == name }) {
		return nil
	}
	if err := a.parts(root, 2); err != nil {
		return fmt.Errorf("image %s: %w", name, err)
	}
	a.Images = append(a.Images, root)
	return nil
}

// parts reads manifests down to what they are made of. An index leads to manifests, and those to blobs.
func (a *Artifact) parts(d Descriptor, depth int) error {
	isIndex, isManifest := slices.Contains(indexTypes, d.MediaType), slices.Contains(manifestTypes, d.MediaType)
	if depth == 0 || !isIndex && !isManifest {
		return fmt.Errorf("%w: %s is no image, but a %s", ErrDamaged, d.Digest, d.MediaType)
	}
	raw, err := a.get(d)
	if err != nil {
		return err
	}
	var m struct {
		Manifests []Descriptor `json:"manifests"`
		Config    Descriptor   `json:"config"`
		Layers    []Descriptor `json:"layers"`
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return fmt.Errorf("%w: read %s: %w", ErrDamaged, d.Digest, err)
	}
	if isIndex {
		for _, one := range m.Manifests {
			if err := a.parts(one, depth-1); err != nil {
				return err
			}
		}
		return nil
	}
	for _, part := range append(m.Layers, m.Config) {
		if !slices.ContainsFunc(a.large, func(l Descriptor) bool { return l.Digest == part.Digest }) {
			a.large = append(a.large, part)
		}
	}
	return nil
}

// sum counts a digest along.
type sum struct{ hash.Hash }

func newSum() sum { return sum{sha256.New()} }

func (s sum) digest() string { return "sha256:" + hex.EncodeToString(s.Sum(nil)) }
