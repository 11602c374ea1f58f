package distribution

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// The ways to write a place that is no registry, as skopeo(1) and podman(1) have them.
const (
	folderPrefix  = "oci:"
	archivePrefix = "oci-archive:"
)

// ErrNotAPlace is the error of a text that names no place.
var ErrNotAPlace = errors.New("not a place for packs")

// latest is the tag of what was asked for without one.
const latest = "latest"

// Place is where a pack can be sent to or fetched from: HOST/NAME[:TAG] or HOST/NAME@DIGEST in a registry, oci:FOLDER[:TAG]
// or oci-archive:FILE[:TAG].
type Place struct {
	kind string // folderPrefix, archivePrefix, or "" for a registry
	path string // of a folder or archive
	repo registry.Reference
	tag  string // or digest; "" when none was given
}

// IsPlace reports whether a text is meant as a place rather than a file: it has a prefix, or begins with a host.
func IsPlace(text string) bool {
	_, err := ParsePlace(text)
	return err == nil
}

// ParsePlace reads a place. Errors wrap ErrNotAPlace.
func ParsePlace(text string) (Place, error) {
	for _, kind := range []string{folderPrefix, archivePrefix} {
		if rest, ok := strings.CutPrefix(text, kind); ok {
			return parseLayout(kind, rest)
		}
	}
	ref, err := registry.ParseReference(text)
	if err != nil || !isHost(ref.Registry) {
		return Place{}, fmt.Errorf("%q: %w; write a registry's host and a name, such as ghcr.io/you/demo:1.0.0, or oci:FOLDER, or oci-archive:FILE",
			text, ErrNotAPlace)
	}
	return Place{repo: ref, tag: ref.Reference}, nil
}

func parseLayout(kind, rest string) (Place, error) {
	path, tag := rest, ""
	if i := strings.LastIndex(rest, ":"); i > strings.LastIndex(rest, "/") {
		path, tag = rest[:i], rest[i+1:]
	}
	if path == "" {
		return Place{}, fmt.Errorf("%q: %w: a path is missing", kind+rest, ErrNotAPlace)
	}
	return Place{kind: kind, path: path, tag: tag}, nil
}

// isHost tells a host from the first part of a path: it has a dot or a port, or is localhost.
func isHost(name string) bool { return name == "localhost" || strings.ContainsAny(name, ".:") }

// String is the place as it was written, with a tag.
func (p Place) String() string {
	switch {
	case p.kind != "":
		return p.kind + p.path + ":" + p.reference()
	default:
		ref := p.repo
		ref.Reference = p.reference()
		return ref.String()
	}
}

func (p Place) reference() string {
	if p.tag == "" {
		return latest
	}
	return p.tag
}

// reading opens a place to fetch from.
func (p Place) reading(ctx context.Context) (oras.ReadOnlyTarget, error) {
	switch p.kind {
	case folderPrefix:
		if _, err := os.Stat(p.path); err != nil {
			return nil, err // New would make it
		}
		return oci.NewFromFS(ctx, os.DirFS(p.path))
	case archivePrefix:
		return oci.NewFromTar(ctx, p.path)
	default:
		return p.remote()
	}
}

// remote is the registry's repository. A registry on this machine speaks plain HTTP, as docker(1) and oras have it; names and
// passwords are those that `docker login` keeps.
func (p Place) remote() (*remote.Repository, error) {
	repo, err := remote.NewRepository(p.repo.Registry + "/" + p.repo.Repository)
	if err != nil {
		return nil, err
	}
	repo.PlainHTTP = isLocal(p.repo.Registry)
	client := &auth.Client{Client: retry.DefaultClient, Cache: auth.NewCache()}
	client.SetUserAgent("drydock")
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return nil, fmt.Errorf("read docker's credentials: %w", err)
	}
	client.Credential = credentials.Credential(store)
	repo.Client = client
	return repo, nil
}

// said puts what to do next behind an error of a registry that wants to know who asks.
func (p Place) said(err error) error {
	var answer *errcode.ErrorResponse
	if errors.Is(err, auth.ErrBasicCredentialNotFound) ||
		errors.As(err, &answer) && (answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden) {
		return fmt.Errorf("%w; `docker login %s`, or another tool that keeps passwords where docker does, opens the registry", err, p.repo.Registry)
	}
	return err
}

func isLocal(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || ip != nil && ip.IsLoopback()
}
