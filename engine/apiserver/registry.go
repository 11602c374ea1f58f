package apiserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"

	"drydock/engine/api"
	"drydock/engine/store"
)

// target is which object a write is about.
type target struct {
	kind      *api.Resource
	namespace string
	name      string
}

func (t target) key() string { return objectKey(t.kind, t.namespace, t.name) }

// stored reads the present version of an object, as its kind shows it. NotFound in the API's words.
func (s *Server) stored(ctx context.Context, t target) (*entry, error) {
	kv, err := s.store.Get(ctx, t.key())
	if err != nil {
		return nil, storeError(err, t.kind.GroupResource(), t.name)
	}
	e, err := s.entryOf(t.kind, kv)
	if err != nil {
		return nil, err
	}
	return s.shownAs(t.kind, e)
}

// objectsOf reads all objects of a kind in a namespace, "" for all of the cluster; they may not be changed.
func (s *Server) objectsOf(ctx context.Context, kind *api.Resource, namespace string) ([]*entry, error) {
	page, err := s.store.List(ctx, store.ListOptions{Prefix: prefixKey(kind, namespace)})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", kind.Resource, err)
	}
	entries := make([]*entry, 0, len(page.KVs))
	for _, kv := range page.KVs {
		e, err := s.entryOf(kind, kv)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// leaving tells whether an object, which may be nil, has been deleted and waits for somebody.
func leaving(obj runtime.Object) bool {
	accessor, err := meta.Accessor(obj)
	return err == nil && accessor.GetDeletionTimestamp() != nil
}

// exists tells whether an object is in the store.
func (s *Server) exists(ctx context.Context, t target) (bool, error) {
	_, err := s.store.Get(ctx, t.key())
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// insert writes a new object. When it returns, the store has it.
func (s *Server) insert(ctx context.Context, t target, obj runtime.Object) (*entry, error) {
	value, err := storedForm(t.kind, obj)
	if err != nil {
		return nil, err
	}
	kv, err := s.store.Create(ctx, t.key(), value)
	if err != nil {
		return nil, storeError(err, t.kind.GroupResource(), t.name)
	}
	return s.written(t, kv)
}

// overwrite replaces the version that old is with obj; a Conflict when another version is there by now, NotFound when none
// is. Writing what is there already is no write: old is returned, and no watcher wakes.
func (s *Server) overwrite(ctx context.Context, t target, old *entry, obj runtime.Object) (*entry, error) {
	value, err := storedForm(t.kind, obj)
	if err != nil {
		return nil, err
	}
	before, err := storedForm(t.kind, old.obj)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(value, before) {
		return old, nil
	}
	kv, err := s.store.Update(ctx, t.key(), value, old.revision)
	if err != nil {
		return nil, storeError(err, t.kind.GroupResource(), t.name)
	}
	return s.written(t, kv)
}

// erase removes the version that old is and returns the object's last state.
func (s *Server) erase(ctx context.Context, t target, old *entry) (*entry, error) {
	last, revision, err := s.store.Delete(ctx, t.key(), old.revision)
	if err != nil {
		return nil, storeError(err, t.kind.GroupResource(), t.name)
	}
	gone, err := s.goneEntry(t.kind, last, revision)
	if err != nil {
		return nil, err
	}
	return s.shownAs(t.kind, gone)
}

// written decodes what has just been stored, rather than trust that the object in hand is equal to it: times lose their
// fractions and empty lists become none on the way through the bytes.
func (s *Server) written(t target, kv *store.KV) (*entry, error) {
	e, err := s.entryOf(t.kind, kv)
	if err != nil {
		return nil, err
	}
	return s.shownAs(t.kind, e)
}

// unstored is the answer to a dry run: obj as it would have been, with the version it was made from.
func unstored(t target, obj runtime.Object, old *entry) (*entry, error) {
	e, err := newEntry(t.kind, obj, 0)
	if err != nil {
		return nil, err
	}
	e.meta.SetResourceVersion("")
	if old != nil {
		e.meta.SetResourceVersion(strconv.FormatInt(old.revision, 10))
	}
	return e, nil
}

// storedForm encodes obj for the store: protobuf in upstream's envelope, without the resourceVersion, which the store
// knows better. obj is not changed.
func storedForm(kind *api.Resource, obj runtime.Object) ([]byte, error) {
	out, err := kind.ToStorage(obj)
	if err != nil {
		return nil, err
	}
	accessor, err := meta.Accessor(out)
	if err != nil {
		return nil, fmt.Errorf("read metadata of a %T: %w", obj, err)
	}
	if accessor.GetResourceVersion() != "" {
		out = out.DeepCopyObject()
		if accessor, err = meta.Accessor(out); err != nil {
			return nil, err
		}
		accessor.SetResourceVersion("")
	}
	message, ok := out.(interface{ Marshal() ([]byte, error) })
	if !ok {
		return nil, fmt.Errorf("store a %T: it has no protobuf form", obj)
	}
	raw, err := message.Marshal()
	if err != nil {
		return nil, fmt.Errorf("store a %T: %w", obj, err)
	}
	return envelope(storageKind(kind), raw), nil
}
