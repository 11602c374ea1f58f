package apiserver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"drydock/engine/store"
)

// shortestWatch is how long a watch lasts at least when the client does not say; up to twice as long, at random, so that
// not all clients come back at once.
const shortestWatch = 30 * time.Minute

// watchStream is one watch being served. The request's goroutine owns it.
type watchStream struct {
	s    *Server
	q    *call
	sel  selection
	out  *eventWriter
	skip int64 // events up to this revision are not for the client

	bookmarks bool
	deadline  time.Time
}

func (s *Server) watch(q *call) error {
	options, err := q.listOptions()
	if err != nil {
		return err
	}
	if q.form.media == mediaYAML {
		return notAcceptable([]string{mediaJSON + ";stream=watch", mediaProtobuf + ";stream=watch"})
	}
	begin, err := s.watchBegin(options)
	if err != nil {
		return err
	}
	out, err := newEventWriter(s, q)
	if err != nil {
		return err
	}
	stream := &watchStream{
		s: s, q: q, sel: selectionOf(q, options), out: out, skip: begin.after,
		bookmarks: options.AllowWatchBookmarks, deadline: time.Now().Add(watchTimeout(options)),
	}
	ctx, cancel := context.WithDeadline(q.ctx(), stream.deadline)
	defer cancel()
	// From here on the answer is 200 and errors are events.
	out.start()
	if err := stream.run(ctx, begin); err != nil && ctx.Err() == nil {
		out.fail(err)
	}
	return nil
}

func watchTimeout(options *internalversion.ListOptions) time.Duration {
	if seconds := options.TimeoutSeconds; seconds != nil && *seconds > 0 {
		return time.Duration(*seconds) * time.Second
	}
	return shortestWatch + rand.N(shortestWatch)
}

// beginning is where a watch starts: with the present state as ADDED events, or after a revision.
type beginning struct {
	state    bool  // send what is there first
	announce bool  // and say with a bookmark when that is done (KEP-3157)
	after    int64 // without state: the revision after which events count; 0 is now
}

func (s *Server) watchBegin(options *internalversion.ListOptions) (beginning, error) {
	asked, err := parseVersion(options.ResourceVersion)
	if err != nil {
		return beginning{}, err
	}
	initial := options.SendInitialEvents
	switch {
	case initial != nil && *initial:
		if current := s.store.Revision(); asked > current {
			return beginning{}, tooLargeVersion(asked, current)
		}
		return beginning{state: true, announce: options.AllowWatchBookmarks}, nil
	case initial == nil && asked == 0:
		return beginning{state: true}, nil
	}
	return beginning{after: asked}, nil
}

func (st *watchStream) run(ctx context.Context, begin beginning) error {
	revision := begin.after
	if begin.state {
		var err error
		if revision, err = st.sendState(ctx, begin.announce); err != nil {
			return err
		}
	}
	current := st.s.store.Revision()
	if revision == 0 || revision > current {
		revision = current // a moment to come: wait for it, passing over what happens before
	}
	watcher, err := st.s.store.Watch(st.sel.prefix(), revision)
	if errors.Is(err, store.ErrCompacted) {
		return apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: %d (%d)", revision, current))
	}
	if err != nil {
		return err
	}
	defer watcher.Close()
	if err := st.out.flush(); err != nil {
		return err
	}
	return st.follow(ctx, watcher)
}

// sendState sends every selected object as ADDED, as all of them were at one revision, which it returns.
func (st *watchStream) sendState(ctx context.Context, announce bool) (int64, error) {
	items, header, err := st.s.listPage(ctx, st.sel, &internalversion.ListOptions{})
	if err != nil {
		return 0, err
	}
	for _, e := range items {
		if err := st.out.entry(watch.Added, e); err != nil {
			return 0, err
		}
	}
	revision, err := strconv.ParseInt(header.ResourceVersion, 10, 64)
	if err != nil {
		return 0, err
	}
	if announce {
		err = st.bookmark(revision, map[string]string{metav1.InitialEventsAnnotationKey: "true"})
	}
	return revision, err
}

// follow sends changes until ctx ends or the client falls too far behind.
func (st *watchStream) follow(ctx context.Context, watcher store.Watcher) error {
	timer := time.NewTimer(st.nextBookmark())
	defer timer.Stop()
	for {
		events, ready, err := watcher.Poll()
		switch {
		case errors.Is(err, store.ErrClosed):
			return nil // the cluster is going down: to the client the stream just ends
		case err != nil:
			return apierrors.NewResourceExpired(watchExpired)
		}
		if len(events) > 0 {
			if err := st.sendEvents(events); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ready:
		case <-timer.C:
			timer.Reset(st.nextBookmark())
			if !st.bookmarks {
				continue
			}
			if err := st.bookmark(max(watcher.Revision(), st.skip), nil); err != nil {
				return err
			}
			if err := st.out.flush(); err != nil {
				return err
			}
		}
	}
}

// nextBookmark is a while from now, but the last one comes two seconds before the end, so that the client's next watch
// begins where this one stopped.
func (st *watchStream) nextBookmark() time.Duration {
	interval := st.s.options.BookmarkInterval
	if last := time.Until(st.deadline) - 2*time.Second; last > 0 {
		return min(interval, last)
	}
	return interval
}

func (st *watchStream) sendEvents(events []store.Event) error {
	for _, event := range events {
		if event.Revision <= st.skip {
			continue
		}
		if err := st.sendEvent(event); err != nil {
			return err
		}
	}
	return st.out.flush()
}

// sendEvent tells the client what a change means to its selection: an object that stops matching is DELETED to it, one
// that starts matching is ADDED.
func (st *watchStream) sendEvent(event store.Event) error {
	now, matches, err := st.side(event.KV)
	if err != nil {
		return err
	}
	_, matched, err := st.side(event.Prev)
	if err != nil {
		return err
	}
	switch {
	case matches && matched:
		return st.out.entry(watch.Modified, now)
	case matches:
		return st.out.entry(watch.Added, now)
	case matched:
		gone, err := st.s.goneEntry(st.sel.kind, event.Prev, event.Revision)
		if err != nil {
			return err
		}
		if gone, err = st.s.shownAs(st.sel.kind, gone); err != nil {
			return err
		}
		return st.out.entry(watch.Deleted, gone)
	}
	return nil
}

// side decodes one side of an event and tells whether it is selected; nil is not.
func (st *watchStream) side(kv *store.KV) (*entry, bool, error) {
	if kv == nil {
		return nil, false, nil
	}
	e, err := st.s.entryOf(st.sel.kind, kv)
	if err != nil {
		return nil, false, err
	}
	matches, err := st.sel.matches(e)
	if err != nil || !matches {
		return nil, false, err
	}
	e, err = st.s.shownAs(st.sel.kind, e)
	return e, true, err
}

// bookmark sends an object that is empty but for its version.
func (st *watchStream) bookmark(revision int64, annotations map[string]string) error {
	obj := st.sel.kind.New()
	accessor, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	accessor.SetResourceVersion(strconv.FormatInt(revision, 10))
	accessor.SetAnnotations(annotations)
	e, err := newEntry(st.sel.kind, obj, revision)
	if err != nil {
		return err
	}
	return st.out.entry(watch.Bookmark, e)
}

// startHeaders is what a stream begins with.
func startHeaders(w http.ResponseWriter, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
}
