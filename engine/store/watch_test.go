package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/engine/store"
)

// TestWatchersSeeEveryEventInOrder lets many writers and many watchers run at once.
func TestWatchersSeeEveryEventInOrder(t *testing.T) {
	const writers, writes, watchers = 8, 200, 50
	s := open(t, store.Options{})
	results := make([][]store.Event, watchers)
	var wg sync.WaitGroup
	for i := range watchers {
		w, err := s.Watch("/pods/", 1)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer w.Close()
			for len(results[i]) < writers*writes {
				events, err := w.Next(context.Background())
				if err != nil {
					t.Error(err)
					return
				}
				results[i] = append(results[i], events...)
			}
		})
	}
	for i := range writers {
		wg.Go(func() {
			for j := range writes {
				for _, prefix := range []string{"/pods/", "/other/"} {
					if _, err := s.Create(context.Background(), fmt.Sprintf("%s%d-%d", prefix, i, j), []byte("v")); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for i, events := range results {
		if diff := cmp.Diff(results[0], events); diff != "" {
			t.Fatalf("watcher %d saw something else than watcher 0:\n%s", i, diff)
		}
	}
	for i, e := range results[0] {
		if i > 0 && e.Revision <= results[0][i-1].Revision {
			t.Fatalf("revision %d after %d", e.Revision, results[0][i-1].Revision)
		}
	}
}

// TestSlowWatcherEndsAndQuietWatcherDoesNot: events a watcher does not ask for must not end it.
func TestSlowWatcherEndsAndQuietWatcherDoesNot(t *testing.T) {
	s := open(t, store.Options{Window: store.Window{Events: 10}})
	slow, _ := s.Watch("/busy/", 1)
	quiet, _ := s.Watch("/quiet/", 1)
	for i := range 100 {
		if _, err := s.Create(context.Background(), fmt.Sprintf("/busy/%d", i), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := slow.Next(context.Background()); !errors.Is(err, store.ErrSlow) {
		t.Errorf("slow watcher: %v, want ErrSlow", err)
	}
	if got := quiet.Revision(); got != s.Revision() {
		t.Errorf("quiet watcher's bookmark is %d, want %d", got, s.Revision())
	}
	want, err := s.Create(context.Background(), "/quiet/1", []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	events, err := quiet.Next(context.Background())
	if diff := cmp.Diff([]store.Event{{Revision: want.ModRevision, KV: want}}, events); err != nil || diff != "" {
		t.Errorf("quiet watcher: %v (-want +got):\n%s", err, diff)
	}
	for _, revision := range []int64{0, 1} {
		if _, err := s.Watch("/busy/", revision); !errors.Is(err, store.ErrCompacted) {
			t.Errorf("watch after revision %d: %v, want ErrCompacted", revision, err)
		}
	}
	if _, err := s.Watch("/busy/", s.Revision()+1); !errors.Is(err, store.ErrFuture) {
		t.Errorf("watch after a future revision: %v, want ErrFuture", err)
	}
}

func TestCloseEndsWatchers(t *testing.T) {
	s := open(t, store.Options{})
	w, err := s.Watch("", 1)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() {
		_, err := w.Next(context.Background())
		ended <- err
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, store.ErrClosed) {
		t.Errorf("watcher ended with %v, want ErrClosed", err)
	}
	w.Close()
	w.Close()
	if _, err := s.Create(context.Background(), "/k", nil); !errors.Is(err, store.ErrClosed) {
		t.Errorf("create after close: %v, want ErrClosed", err)
	}
}
