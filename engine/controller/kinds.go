package controller

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Kind is one kind that the API server serves.
type Kind struct {
	Resource   schema.GroupVersionResource
	Kind       schema.GroupVersionKind
	Namespaced bool
	Verbs      metav1.Verbs
}

// Kinds asks the API server for the kinds that support all of the verbs; each once, in its first version. Events are left
// out: nothing owns them, and they are too many.
func Kinds(client discovery.DiscoveryInterface, verbs ...string) ([]Kind, error) {
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		return nil, fmt.Errorf("discover kinds: %w", err)
	}
	var kinds []Kind
	var errs []error
	seen := map[schema.GroupResource]bool{}
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		errs = append(errs, err)
		for _, r := range list.APIResources {
			id := schema.GroupResource{Group: gv.Group, Resource: r.Name}
			lacks := slices.ContainsFunc(verbs, func(verb string) bool { return !slices.Contains(r.Verbs, verb) })
			if seen[id] || lacks || r.Name == "events" || strings.Contains(r.Name, "/") {
				continue
			}
			seen[id] = true
			kinds = append(kinds, Kind{
				Resource: gv.WithResource(r.Name), Kind: gv.WithKind(r.Kind), Namespaced: r.Namespaced, Verbs: r.Verbs,
			})
		}
	}
	return kinds, errors.Join(errs...)
}
