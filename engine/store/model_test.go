package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/engine/store"
)

// model is a store nobody could get wrong: a copy of everything for every revision.
type model struct {
	states []map[string]store.KV // by revision; 0 and 1 are the empty store
	events []store.Event
}

func newModel() *model {
	return &model{states: []map[string]store.KV{{}, {}}}
}

func (m *model) revision() int64 { return int64(len(m.states) - 1) }

func (m *model) now() map[string]store.KV { return m.states[len(m.states)-1] }

// write applies a change and returns the error the store should give.
func (m *model) write(op, key, value string, expected int64) error {
	old, present := m.now()[key]
	switch {
	case op == "create" && present:
		return store.ErrExists
	case op != "create" && !present:
		return store.ErrNotFound
	case op != "create" && expected != store.Any && expected != old.ModRevision:
		return store.ErrConflict
	}
	next := maps.Clone(m.now())
	revision := m.revision() + 1
	event := store.Event{Revision: revision}
	if present {
		event.Prev = &old
	}
	if op == "delete" {
		delete(next, key)
	} else {
		kv := store.KV{Key: key, Value: []byte(value), CreateRevision: revision, ModRevision: revision, Version: 1}
		if present {
			kv.CreateRevision, kv.Version = old.CreateRevision, old.Version+1
		}
		next[key], event.KV = kv, &kv
	}
	m.states = append(m.states, next)
	m.events = append(m.events, event)
	return nil
}

func (m *model) list(opts store.ListOptions) store.Page {
	revision := opts.Revision
	if revision == 0 {
		revision = m.revision()
	}
	page := store.Page{Revision: revision}
	for _, key := range slices.Sorted(maps.Keys(m.states[revision])) {
		kv := m.states[revision][key]
		switch {
		case !strings.HasPrefix(key, opts.Prefix) || key < opts.From:
		case opts.Limit > 0 && len(page.KVs) == opts.Limit:
			page.More++
		default:
			page.KVs = append(page.KVs, &kv)
		}
	}
	return page
}

func (m *model) since(prefix string, revision int64) []store.Event {
	var events []store.Event
	for _, e := range m.events {
		if e.Revision > revision && strings.HasPrefix(e.Key(), prefix) {
			events = append(events, e)
		}
	}
	return events
}

func seeded(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func open(t testing.TB, opts store.Options) *store.Memory {
	t.Helper()
	s, err := store.Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestAgainstModel does random operations on a store and on the model, closes and opens the store now and then, and
// compares every answer. The snapshot limit is low, so the journal is rewritten many times.
func TestAgainstModel(t *testing.T) {
	for round := range 5 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			random := seeded(t)
			opts := store.Options{
				Path:          filepath.Join(t.TempDir(), "journal.db"),
				Window:        store.Window{Events: 1 + random.IntN(200)},
				SnapshotBytes: 1 + random.Int64N(20_000),
			}
			w := walk{t: t, random: random, opts: opts, store: open(t, opts), model: newModel()}
			for range 3000 {
				w.step()
			}
		})
	}
}

type walk struct {
	t       *testing.T
	random  *rand.Rand
	opts    store.Options
	store   *store.Memory
	model   *model
	watcher store.Watcher
	seen    int64 // up to where the watcher has been compared
}

// prefixes nest, and hold one that nothing matches.
var prefixes = []string{"", "/a/", "/a/1", "/b/", "/c", "/none/"}

func (w *walk) step() {
	switch n := w.random.IntN(100); {
	case n < 65:
		w.write()
	case n < 70:
		w.rewrite()
	case n < 80:
		w.list()
	case n < 90:
		w.get()
	case n < 98:
		w.watch()
	default:
		w.reopen()
	}
}

func (w *walk) key() string {
	return fmt.Sprintf("/%c/%d", 'a'+w.random.IntN(4), w.random.IntN(30))
}

func (w *walk) write() {
	op, key := []string{"create", "update", "update", "delete"}[w.random.IntN(4)], w.key()
	value := strings.Repeat("x", w.random.IntN(50)) + fmt.Sprint(w.model.revision())
	expected := store.Any
	if current, ok := w.model.now()[key]; ok && w.random.IntN(2) == 0 {
		expected = current.ModRevision - w.random.Int64N(2)
	}
	var err error
	switch ctx := context.Background(); op {
	case "create":
		_, err = w.store.Create(ctx, key, []byte(value))
	case "update":
		_, err = w.store.Update(ctx, key, []byte(value), expected)
	case "delete":
		_, _, err = w.store.Delete(ctx, key, expected)
	}
	if want := w.model.write(op, key, value, expected); !errors.Is(err, want) {
		w.t.Fatalf("%s %s expecting %d: %v, want %v", op, key, expected, err, want)
	}
	if got, want := w.store.Revision(), w.model.revision(); got != want {
		w.t.Fatalf("revision %d, want %d", got, want)
	}
}

// rewrite changes up to eight keys in one go. A key may come twice.
func (w *walk) rewrite() {
	var changes []store.Change
	for range w.random.IntN(9) {
		c := store.Change{Key: w.key()}
		if w.random.IntN(3) > 0 {
			c.Value = []byte("rewritten at " + fmt.Sprint(w.model.revision()))
		}
		changes = append(changes, c)
	}
	before := w.model.list(store.ListOptions{Prefix: "/a/"})
	var seen []*store.KV
	revision, err := w.store.Rewrite(context.Background(), "/a/", func(now []*store.KV) []store.Change {
		seen = now
		return changes
	})
	if diff := cmp.Diff(before.KVs, seen); err != nil || diff != "" {
		w.t.Fatalf("rewrite: %v; what was to be decided on (-want +got):\n%s", err, diff)
	}
	for _, c := range changes {
		_, present := w.model.now()[c.Key]
		op := "update"
		switch {
		case c.Value == nil:
			op = "delete"
		case !present:
			op = "create"
		}
		_ = w.model.write(op, c.Key, string(c.Value), store.Any) // deleting what is not there is no change
	}
	if revision != w.model.revision() || w.store.Revision() != revision {
		w.t.Fatalf("rewrite ended at revision %d, the store is at %d, want %d", revision, w.store.Revision(), w.model.revision())
	}
}

func (w *walk) list() {
	opts := store.ListOptions{Prefix: prefixes[w.random.IntN(len(prefixes))], Limit: w.random.IntN(10)}
	if w.random.IntN(2) == 0 {
		opts.From = w.key()
	}
	if w.random.IntN(2) == 0 {
		opts.Revision = w.random.Int64N(w.model.revision()+3) + 1
	}
	got, err := w.store.List(context.Background(), opts)
	switch {
	case opts.Revision > w.model.revision():
		if !errors.Is(err, store.ErrFuture) {
			w.t.Fatalf("list %+v: %v, want ErrFuture", opts, err)
		}
	case opts.Revision != 0 && opts.Revision < w.store.Compacted():
		if !errors.Is(err, store.ErrCompacted) {
			w.t.Fatalf("list %+v: %v, want ErrCompacted", opts, err)
		}
	default:
		if diff := cmp.Diff(w.model.list(opts), got); err != nil || diff != "" {
			w.t.Fatalf("list %+v: %v (-want +got):\n%s", opts, err, diff)
		}
	}
}

func (w *walk) get() {
	key := w.key()
	got, err := w.store.Get(context.Background(), key)
	want, present := w.model.now()[key]
	if !present {
		if !errors.Is(err, store.ErrNotFound) {
			w.t.Fatalf("get %s: %v, want ErrNotFound", key, err)
		}
		return
	}
	if diff := cmp.Diff(&want, got); err != nil || diff != "" {
		w.t.Fatalf("get %s: %v (-want +got):\n%s", key, err, diff)
	}
}

// watch starts a watcher, or reads what the present one has and maybe closes it.
func (w *walk) watch() {
	if w.watcher == nil {
		w.seen = w.store.Compacted() + w.random.Int64N(w.model.revision()-w.store.Compacted()+1)
		watcher, err := w.store.Watch("/a/", w.seen)
		if err != nil {
			w.t.Fatalf("watch after %d: %v", w.seen, err)
		}
		w.watcher = watcher
		return
	}
	got, _, err := w.watcher.Poll()
	if errors.Is(err, store.ErrSlow) {
		if pending := w.model.since("/a/", w.seen); pending[0].Revision > w.store.Compacted() {
			w.t.Fatalf("ErrSlow, but revision %d is inside the window from %d", pending[0].Revision, w.store.Compacted())
		}
		w.endWatch()
		return
	}
	if diff := cmp.Diff(w.model.since("/a/", w.seen), got); err != nil || diff != "" {
		w.t.Fatalf("events after %d: %v (-want +got):\n%s", w.seen, err, diff)
	}
	if w.seen = w.watcher.Revision(); w.seen != w.model.revision() {
		w.t.Fatalf("watcher is at revision %d after reading all, want %d", w.seen, w.model.revision())
	}
	if w.random.IntN(4) == 0 {
		w.endWatch()
	}
}

func (w *walk) endWatch() {
	if w.watcher != nil {
		w.watcher.Close()
		w.watcher = nil
	}
}

func (w *walk) reopen() {
	w.endWatch()
	if err := w.store.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.store = open(w.t, w.opts)
	page, err := w.store.List(context.Background(), store.ListOptions{})
	if diff := cmp.Diff(w.model.list(store.ListOptions{}), page); err != nil || diff != "" {
		w.t.Fatalf("after opening again: %v (-want +got):\n%s", err, diff)
	}
}
