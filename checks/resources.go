package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// ErrNoKind is returned for a kind that the API server does not serve.
var ErrNoKind = errors.New("the API server does not know this kind")

// errAway says that who serves a group of kinds cannot be reached by the API server.
var errAway = errors.New("503 Service Unavailable")

// Resource is what an API server says of one kind.
type Resource struct {
	Kind       schema.GroupVersionKind
	Resource   schema.GroupVersionResource
	Namespaced bool
	Verbs      []string
}

// Can reports whether the server serves a verb of the resource.
func (r Resource) Can(verb string) bool { return slices.Contains(r.Verbs, verb) }

// Resources knows which kinds an API server serves. It asks for each group once, and again only after a kind was not
// found. Safe for use by several goroutines.
//
// It stands in for client-go's discovery client and RESTMapper, which link the protobuf form of OpenAPI.
type Resources struct {
	// set once in NewResources
	client  *http.Client
	base    *url.URL
	dynamic dynamic.Interface

	mu sync.Mutex
	// guarded by mu
	groups map[schema.GroupVersion][]Resource
}

// NewResources talks to the API server of cfg. It does not connect yet.
func NewResources(cfg *rest.Config) (*Resources, error) {
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1 // client-go would hold back after five requests a second
	cfg.UserAgent = "drydock"
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("prepare a client for %s: %w", cfg.Host, err)
	}
	base, _, err := rest.DefaultServerURL(cfg.Host, cfg.APIPath, schema.GroupVersion{}, cfg.TLSClientConfig.CAData != nil || cfg.TLSClientConfig.CAFile != "")
	if err != nil {
		return nil, fmt.Errorf("read the server's address %q: %w", cfg.Host, err)
	}
	dyn, err := dynamic.NewForConfigAndClient(cfg, client)
	if err != nil {
		return nil, fmt.Errorf("prepare a client for %s: %w", cfg.Host, err)
	}
	return &Resources{client: client, base: base, dynamic: dyn, groups: map[schema.GroupVersion][]Resource{}}, nil
}

// Client is a dynamic client for the same server, without a limit on requests.
func (r *Resources) Client() dynamic.Interface { return r.dynamic }

// Find is the resource of a kind; ErrNoKind when the server does not serve it.
func (r *Resources) Find(ctx context.Context, kind schema.GroupVersionKind) (Resource, error) {
	list, err := r.group(ctx, kind.GroupVersion())
	if err != nil {
		return Resource{}, err
	}
	for _, res := range list {
		if res.Kind == kind {
			return res, nil
		}
	}
	r.mu.Lock()
	delete(r.groups, kind.GroupVersion()) // a CustomResourceDefinition may bring it
	r.mu.Unlock()
	return Resource{}, fmt.Errorf("%s %s: %w", kind.GroupVersion(), kind.Kind, ErrNoKind)
}

// All lists what the server serves in the preferred version of each group, without subresources, and without groups whose own
// server cannot be reached.
func (r *Resources) All(ctx context.Context) ([]Resource, error) {
	var groups metav1.APIGroupList
	if err := r.get(ctx, "/apis", &groups); err != nil {
		return nil, err
	}
	versions := []schema.GroupVersion{{Version: "v1"}}
	for _, g := range groups.Groups {
		gv, err := schema.ParseGroupVersion(g.PreferredVersion.GroupVersion)
		if err == nil && gv.Version != "" {
			versions = append(versions, gv)
		}
	}
	var all []Resource
	for _, gv := range versions {
		list, err := r.group(ctx, gv)
		if errors.Is(err, errAway) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

func (r *Resources) group(ctx context.Context, gv schema.GroupVersion) ([]Resource, error) {
	r.mu.Lock()
	list, known := r.groups[gv]
	r.mu.Unlock()
	if known {
		return list, nil
	}
	path := "/apis/" + gv.String()
	if gv.Group == "" {
		path = "/api/" + gv.Version
	}
	var found metav1.APIResourceList
	if err := r.get(ctx, path, &found); err != nil {
		return nil, err
	}
	for _, a := range found.APIResources {
		if a.Name == "" || slices.Contains([]byte(a.Name), '/') {
			continue
		}
		list = append(list, Resource{
			Kind: gv.WithKind(a.Kind), Resource: gv.WithResource(a.Name), Namespaced: a.Namespaced, Verbs: a.Verbs,
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.groups[gv] = list
	return list, nil
}

func (r *Resources) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base.JoinPath(path).String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	res, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("ask the API server for %s: %w", path, err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s: %w", path, ErrNoKind)
	case res.StatusCode == http.StatusServiceUnavailable:
		return fmt.Errorf("ask the API server for %s: %w", path, errAway)
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("ask the API server for %s: %s", path, res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("read the API server's answer for %s: %w", path, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read the API server's answer for %s: %w", path, err)
	}
	return nil
}
