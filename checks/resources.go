package checks

import (
	"context"
	"errors"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
)

// Resource is what an API server says of one kind.
type Resource struct {
	Kind       schema.GroupVersionKind
	Resource   schema.GroupVersionResource
	Namespaced bool
	Verbs      []string
}

// Resources finds out which kinds an API server serves, asking each group once. Safe for use by several goroutines.
type Resources struct{}

// NewResources asks the API server of cfg.
func NewResources(cfg *rest.Config) (*Resources, error) { return nil, errors.New("not yet") }

// Find is the resource of a kind.
func (r *Resources) Find(ctx context.Context, kind schema.GroupVersionKind) (Resource, error) {
	return Resource{}, errors.New("not yet")
}

// All lists what the server serves, without subresources.
func (r *Resources) All(ctx context.Context) ([]Resource, error) { return nil, errors.New("not yet") }
