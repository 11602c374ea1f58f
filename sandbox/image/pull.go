package image

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/semaphore"
)

// Credentials are for the registry of one pull; the zero value is anonymous.
type Credentials struct {
	Username, Password string
	// IdentityToken is an OAuth2 refresh token and goes before a password.
	IdentityToken string
}

const (
	// dialTimeout bounds how long an unreachable registry can hold up a pod's event.
	dialTimeout = 2 * time.Second
	// resolveTimeout bounds the first question, with its sign-in and its retries.
	resolveTimeout = 15 * time.Second
	// parallelBlobs is how many blobs of one image are fetched at once.
	parallelBlobs = 3
)

// Pull makes an image available: a bundled one from the seed, without a network; any other from its registry. When that
// cannot be, the error comes within a few seconds and names the bundled images.
func (s *Store) Pull(ctx context.Context, ref string, auth Credentials) (Image, error) {
	name, err := Normalize(ref)
	if err != nil {
		return Image{}, err
	}
	if err := s.pull(ctx, name, auth); err != nil {
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("%w; bundled images: %s", err, strings.Join(s.BundledNames(), ", "))
		}
		return Image{}, fmt.Errorf("pull image %q: %w", name, err)
	}
	return s.Resolve(ctx, name)
}

func (s *Store) pull(ctx context.Context, name string, auth Credentials) error {
	s.writing.RLock()
	defer s.writing.RUnlock()
	desc, bundled := s.bundled[name]
	if !bundled {
		var err error
		if desc, err = s.fetch(ctx, name, auth); err != nil {
			return err
		}
	}
	if _, err := s.unpack(ctx, desc); err != nil {
		return err
	}
	return s.name(index{name: desc})
}

// fetch copies the image's blobs for this machine from its registry.
func (s *Store) fetch(ctx context.Context, name string, auth Credentials) (ocispec.Descriptor, error) {
	if !reachable(name) {
		return ocispec.Descriptor{}, fmt.Errorf("%w here, and a lab has no network to a registry", ErrNotFound)
	}
	resolver := newResolver(auth)
	asking, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	_, desc, err := resolver.Resolve(asking, name)
	if err != nil {
		return desc, explain(err)
	}
	fetcher, err := resolver.Fetcher(ctx, name)
	if err != nil {
		return desc, explain(err)
	}
	children := images.LimitManifests(images.FilterPlatforms(images.ChildrenHandler(s.blobs), platforms.Default()), platforms.Default(), 1)
	err = images.Dispatch(ctx, images.Handlers(remotes.FetchHandler(s.own, fetcher), children), semaphore.NewWeighted(parallelBlobs), desc)
	if err != nil {
		return desc, explain(err)
	}
	return desc, nil
}

// explain makes "no such image" and "nobody there" one kind of error for callers.
func explain(err error) error {
	var network *net.OpError
	var dns *net.DNSError
	switch {
	case errdefs.IsNotFound(err):
		return fmt.Errorf("%w in its registry: %w", ErrNotFound, err)
	case errors.As(err, &dns): // only the cause: the way to it through HTTP would hide the list of images behind it
		return fmt.Errorf("%w here, and its registry cannot be reached: %w", ErrNotFound, dns)
	case errors.As(err, &network):
		return fmt.Errorf("%w here, and its registry cannot be reached: %w", ErrNotFound, network)
	default:
		return err
	}
}

func newResolver(auth Credentials) remotes.Resolver {
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: &net.Resolver{PreferGo: true}}
	client := &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * dialTimeout,
		ResponseHeaderTimeout: 15 * dialTimeout, MaxIdleConnsPerHost: parallelBlobs,
	}}
	credentials := func(string) (string, string, error) {
		if auth.IdentityToken != "" {
			return "", auth.IdentityToken, nil
		}
		return auth.Username, auth.Password, nil
	}
	return docker.NewResolver(docker.ResolverOptions{Hosts: docker.ConfigureDefaultRegistries(
		docker.WithClient(client),
		docker.WithPlainHTTP(docker.MatchLocalhost),
		docker.WithAuthorizer(docker.NewDockerAuthorizer(docker.WithAuthClient(client), docker.WithAuthCreds(credentials))),
	)})
}

// reachable is false when it is certain that the image's registry is not: a name outside, and no way out.
func reachable(name string) bool {
	named, err := reference.ParseDockerRef(name)
	if err != nil {
		return false
	}
	host, _, err := net.SplitHostPort(reference.Domain(named))
	if err != nil {
		host = reference.Domain(named)
	}
	return host == "localhost" || net.ParseIP(host) != nil || hasProxy() || hasNameServer() && hasDefaultRoute()
}

func hasProxy() bool {
	for _, proxy := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		if os.Getenv(proxy) != "" {
			return true
		}
	}
	return false
}

// hasNameServer tells whether a name can be looked up at all. A node of a lab has an empty resolv.conf(5); Go would then ask
// localhost.
func hasNameServer() bool {
	data, err := os.ReadFile("/etc/resolv.conf")
	return err == nil && namesServer(string(data))
}

func namesServer(resolvConf string) bool {
	for line := range strings.Lines(resolvConf) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" {
			return true
		}
	}
	return false
}

// hasDefaultRoute tells whether packets can leave: /proc/net/route lists IPv4 routes, destination 00000000 with mask
// 00000000 is the default.
func hasDefaultRoute() bool {
	data, err := os.ReadFile("/proc/thread-self/net/route")
	if err != nil {
		return true
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) > 7 && f[1] == "00000000" && f[7] == "00000000" {
			return true
		}
	}
	return false
}

// markBlobs adds the blobs behind a manifest, or behind the index that led to it.
func (s *Store) markBlobs(ctx context.Context, m parsedManifest, keep map[digest.Digest]bool) error {
	return images.Walk(ctx, images.HandlerFunc(func(ctx context.Context, desc ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		keep[desc.Digest] = true
		children, err := images.Children(ctx, s.blobs, desc)
		if errdefs.IsNotFound(err) { // the parts of an index for other machines were never fetched
			return nil, nil
		}
		return children, err
	}), m.image.manifest)
}
