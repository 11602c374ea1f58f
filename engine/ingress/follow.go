package ingress

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// stock is a copy of all objects of one kind, T a pointer to it.
type stock[T object] struct {
	// set once
	path    string        // of the list
	fresh   func() T      // a new, empty object
	changed func()        // hears of every change; must not block
	listed  chan struct{} // closed after the first list

	mu sync.Mutex
	// guarded by mu
	objects map[string]T // by Key; replaced, never changed
}

func newStock[T object](path string, fresh func() T, changed func()) *stock[T] {
	return &stock[T]{path: path, fresh: fresh, changed: changed, listed: make(chan struct{}), objects: map[string]T{}}
}

// all is a copy of the map; the objects are shared and must not be changed.
func (s *stock[T]) all() map[string]T {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := make(map[string]T, len(s.objects))
	for key, object := range s.objects {
		copied[key] = object
	}
	return copied
}

const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// follow keeps the stock up to date until ctx ends: a list, a watch from there, and a list again when the watch breaks. What went wrong is told.
func (s *stock[T]) follow(ctx context.Context, api *API, tell func(error)) {
	delay := firstRetry
	for ctx.Err() == nil {
		began := time.Now()
		err := s.listAndWatch(ctx, api)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > lastRetry {
			delay = firstRetry
		}
		if err != nil {
			tell(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(delay):
		}
		delay = min(2*delay, lastRetry)
	}
}

func (s *stock[T]) listAndWatch(ctx context.Context, api *API) error {
	version, err := s.list(ctx, api)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		before := version
		if version, err = s.watch(ctx, api, version); err != nil {
			return err
		}
		if version == before {
			return nil // a server that hangs up at once is left alone for a moment
		}
	}
	return nil
}

func (s *stock[T]) list(ctx context.Context, api *API) (version string, err error) {
	body, err := api.do(ctx, http.MethodGet, s.path, nil)
	if err != nil {
		return "", err
	}
	defer body.Close()
	var page list
	if err := json.NewDecoder(body).Decode(&page); err != nil {
		return "", fmt.Errorf("read the list %s: %w", s.path, err)
	}
	objects := make(map[string]T, len(page.Items))
	for _, item := range page.Items {
		object := s.fresh()
		if err := json.Unmarshal(item, object); err != nil {
			return "", fmt.Errorf("read the list %s: %w", s.path, err)
		}
		objects[object.meta().Key()] = object
	}
	s.mu.Lock()
	s.objects = objects
	s.mu.Unlock()
	select {
	case <-s.listed:
	default:
		close(s.listed)
	}
	s.changed()
	return page.Metadata.ResourceVersion, nil
}

// watch takes in changes after version until the stream ends, and returns the version to go on from.
func (s *stock[T]) watch(ctx context.Context, api *API, version string) (string, error) {
	mark := "?"
	if strings.Contains(s.path, "?") {
		mark = "&"
	}
	body, err := api.do(ctx, http.MethodGet, s.path+mark+"watch=1&allowWatchBookmarks=1&resourceVersion="+version, nil)
	if err != nil {
		return version, err
	}
	defer body.Close()
	stream := json.NewDecoder(body)
	for {
		var event struct {
			Type   string          `json:"type"`
			Object json.RawMessage `json:"object"`
		}
		err := stream.Decode(&event)
		if errors.Is(err, io.EOF) || ctx.Err() != nil {
			return version, nil
		}
		if err != nil {
			return version, fmt.Errorf("watch %s: %w", s.path, err)
		}
		if version, err = s.take(event.Type, event.Object); err != nil {
			return version, fmt.Errorf("watch %s: %w", s.path, err)
		}
	}
}

func (s *stock[T]) take(what string, text json.RawMessage) (version string, err error) {
	if what == "ERROR" { // most often 410 Gone: the server has forgotten our version
		status := struct{ Message string }{}
		_ = json.Unmarshal(text, &status) // whatever it says, the list comes next
		return "", fmt.Errorf("the server ended it: %s", status.Message)
	}
	object := s.fresh()
	if err := json.Unmarshal(text, object); err != nil {
		return "", err
	}
	version = object.meta().ResourceVersion
	if what == "BOOKMARK" {
		return version, nil
	}
	s.mu.Lock()
	if what == "DELETED" {
		delete(s.objects, object.meta().Key())
	} else {
		s.objects[object.meta().Key()] = object
	}
	s.mu.Unlock()
	s.changed()
	return version, nil
}
