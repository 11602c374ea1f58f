package apiserver

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"

	"drydock/engine/api"
	"drydock/engine/store"
)

// entry is one version of one object: decoded, and encoded at most once for each media type. It is shared by every request
// that reads that version, so nobody may change obj; copy first.
type entry struct {
	obj      runtime.Object // kind and apiVersion set
	meta     metav1.Object  // of obj
	gvk      schema.GroupVersionKind
	revision int64 // of the write that made it; 0 for what was never stored (dry run)

	json  func() ([]byte, error) // kind and apiVersion first, no newline
	proto func() ([]byte, error) // the bare message, without the envelope
	// fields is what field selectors match; converting to upstream's internal type makes it worth keeping.
	fields func() (fields.Set, error)
}

func newEntry(kind *api.Resource, obj runtime.Object, revision int64) (*entry, error) {
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return nil, fmt.Errorf("read metadata of a %T: %w", obj, err)
	}
	return &entry{
		obj: obj, meta: accessor, gvk: obj.GetObjectKind().GroupVersionKind(), revision: revision,
		json: sync.OnceValues(func() ([]byte, error) { return json.Marshal(obj) }),
		proto: sync.OnceValues(func() ([]byte, error) {
			message, ok := obj.(interface{ Marshal() ([]byte, error) })
			if !ok {
				return nil, fmt.Errorf("encode a %T: it has no protobuf form", obj)
			}
			return message.Marshal()
		}),
		fields: sync.OnceValues(func() (fields.Set, error) { return kind.SelectableFields(obj) }),
	}, nil
}

// version names one version of a key. gone marks the last state of a deleted or no longer matching object, which carries
// the revision of the event that took it away.
type version struct {
	key      string
	revision int64
	gone     bool
}

// cache remembers entries: the newest of every key that was read or written, and the last ones that were superseded, for
// watchers and lists that are a little behind.
type cache struct {
	mu sync.Mutex
	// guarded by mu
	entries map[version]*entry
	newest  map[string]int64
	old     []version // superseded, in a ring
	next    int       // where in old the next one goes
}

// oldEntries is how many superseded versions stay decoded. A watcher further behind decodes again.
const oldEntries = 512

func newCache() *cache {
	return &cache{entries: map[version]*entry{}, newest: map[string]int64{}, old: make([]version, oldEntries)}
}

func (c *cache) get(v version) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[v]
}

// put remembers e and returns the entry to use: an earlier one for the same version, if two readers decoded at once.
func (c *cache) put(v version, e *entry) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.entries[v]; known != nil {
		return known
	}
	c.entries[v] = e
	newest := c.newest[v.key]
	switch {
	case v.gone:
		c.supersedeLocked(v)
		if newest != 0 && newest < v.revision {
			c.supersedeLocked(version{key: v.key, revision: newest})
			delete(c.newest, v.key)
		}
	case v.revision > newest:
		c.newest[v.key] = v.revision
		if newest != 0 {
			c.supersedeLocked(version{key: v.key, revision: newest})
		}
	default:
		c.supersedeLocked(v)
	}
	return e
}

func (c *cache) supersedeLocked(v version) {
	delete(c.entries, c.old[c.next])
	c.old[c.next] = v
	c.next = (c.next + 1) % len(c.old)
}

var protoDecoder = protobuf.NewSerializer(api.Scheme, api.Scheme)

// entryOf decodes what the store holds, or finds it decoded.
func (s *Server) entryOf(kind *api.Resource, kv *store.KV) (*entry, error) {
	return s.entryAt(kind, kv, kv.ModRevision, false)
}

// goneEntry is the last state of an object that was deleted, or stopped matching, at revision.
func (s *Server) goneEntry(kind *api.Resource, last *store.KV, revision int64) (*entry, error) {
	return s.entryAt(kind, last, revision, true)
}

func (s *Server) entryAt(kind *api.Resource, kv *store.KV, revision int64, gone bool) (*entry, error) {
	v := version{key: kv.Key, revision: revision, gone: gone}
	if e := s.objects.get(v); e != nil {
		return e, nil
	}
	obj, _, err := protoDecoder.Decode(kv.Value, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("decode %s at revision %d: %w", kv.Key, kv.ModRevision, err)
	}
	obj.GetObjectKind().SetGroupVersionKind(storageKind(kind))
	e, err := newEntry(storedKind(kind), obj, revision)
	if err != nil {
		return nil, err
	}
	e.meta.SetResourceVersion(strconv.FormatInt(revision, 10))
	return s.objects.put(v, e), nil
}

// storedKind is the row of the table whose objects lie in the store: kind itself but for events.k8s.io.
func storedKind(kind *api.Resource) *api.Resource {
	if kind.Storage == kind.GroupVersionResource {
		return kind
	}
	return api.Lookup(kind.Storage)
}

// shownAs is e as kind's clients see it.
func (s *Server) shownAs(kind *api.Resource, e *entry) (*entry, error) {
	if kind.Storage == kind.GroupVersionResource {
		return e, nil
	}
	obj, err := kind.FromStorage(e.obj)
	if err != nil {
		return nil, err
	}
	obj.GetObjectKind().SetGroupVersionKind(kind.GVK())
	return newEntry(kind, obj, e.revision)
}

// storageKind is the kind that the bytes in the store have.
func storageKind(kind *api.Resource) schema.GroupVersionKind {
	return kind.Storage.GroupVersion().WithKind(kind.Kind)
}
