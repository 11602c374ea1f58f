package image

import (
	"fmt"
	"strings"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// annotationName is where an OCI archive carries an image's full name.
const annotationName = images.AnnotationImageName

// Normalize gives an image's full name: "nginx" is docker.io/library/nginx:latest, "drydock/web:1" is
// docker.io/drydock/web:1. A name with both a tag and a digest keeps the digest only, as containerd does.
func Normalize(name string) (string, error) {
	named, err := reference.ParseDockerRef(name)
	if err != nil {
		return "", fmt.Errorf("parse image name %q: %w", name, err)
	}
	return named.String(), nil
}

// Familiar is the inverse of Normalize, the shortest name that means the same: "drydock/web:1". A name that does not parse
// is returned as it is.
func Familiar(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.FamiliarString(named)
}

// tagOf is the part of a full name behind the repository: "1" of docker.io/drydock/web:1.
func tagOf(name string) string {
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		return name[i+1:]
	}
	return name
}

// withDigest is the repository of a full name with a digest: docker.io/drydock/web@sha256:….
func withDigest(name string, d digest.Digest) string {
	named, err := reference.ParseDockerRef(name)
	if err != nil {
		return ""
	}
	return reference.TrimNamed(named).Name() + "@" + d.String()
}
