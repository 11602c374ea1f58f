package apiserver

import (
	"context"
	"fmt"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"drydock/engine/api"
	"drydock/engine/store"
)

// Moment is all objects of the cluster as they were at one revision, in the form in which the store keeps them.
type Moment struct {
	Revision int64    `json:"revision"`
	Objects  []Stored `json:"objects"`
}

// Stored is one object of a Moment.
type Stored struct {
	Key   string `json:"key"`
	Value []byte `json:"value"`
}

// registry is the beginning of every key.
const registry = "/registry/"

// Moment reads everything at the present revision. Heartbeats and Events are left out: nobody goes back to them.
func (s *Server) Moment(ctx context.Context) (*Moment, error) {
	page, err := s.store.List(ctx, store.ListOptions{Prefix: registry})
	if err != nil {
		return nil, fmt.Errorf("read all objects: %w", err)
	}
	m := &Moment{Revision: page.Revision}
	for _, kv := range page.KVs {
		if !passing(kv.Key) {
			m.Objects = append(m.Objects, Stored{kv.Key, kv.Value})
		}
	}
	return m, nil
}

var (
	podPrefix     = prefixKey(podKind, "")
	nodePrefix    = prefixKey(nodeKind, "")
	servicePrefix = prefixKey(serviceKind, "")

	passingPrefixes = []string{
		prefixKey(api.Lookup(corev1.SchemeGroupVersion.WithResource("events")), ""),
		prefixKey(api.Lookup(coordinationv1.SchemeGroupVersion.WithResource("leases")), ""),
	}
)

// passing tells whether a key is of a kind that says what happened, or that somebody is alive: it belongs to the present.
func passing(key string) bool {
	for _, prefix := range passingPrefixes {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// thaw decodes a stored object. The caller owns the result.
func thaw[T runtime.Object](key string, value []byte) (T, error) {
	var zero T
	obj, _, err := protoDecoder.Decode(value, nil, nil)
	if err != nil {
		return zero, fmt.Errorf("decode %s: %w", key, err)
	}
	typed, ok := obj.(T)
	if !ok {
		return zero, fmt.Errorf("decode %s: a %T is there instead of a %T", key, obj, zero)
	}
	return typed, nil
}
