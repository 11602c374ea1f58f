package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"drydock/engine/store"
)

var ctx = context.Background()

// filled is a store with n keys of 1 kB.
func filled(b *testing.B, opts store.Options, n int) *store.Memory {
	s := open(b, opts)
	for i := range n {
		if _, err := s.Create(ctx, fmt.Sprintf("/registry/configmaps/default/%06d", i), make([]byte, 1000)); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

func BenchmarkPut(b *testing.B) {
	for _, kind := range []string{"memory", "journal", "sync"} {
		b.Run(kind, func(b *testing.B) {
			opts := store.Options{Sync: kind == "sync"}
			if kind != "memory" {
				opts.Path = filepath.Join(b.TempDir(), "journal.db")
			}
			s := filled(b, opts, 1)
			for b.Loop() {
				if _, err := s.Update(ctx, "/registry/configmaps/default/000000", make([]byte, 2000), store.Any); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPutTogether is 32 writers at once: how much group commit gains.
func BenchmarkPutTogether(b *testing.B) {
	for _, sync := range []bool{false, true} {
		b.Run(fmt.Sprintf("sync=%v", sync), func(b *testing.B) {
			s := filled(b, store.Options{Path: filepath.Join(b.TempDir(), "journal.db"), Sync: sync}, 1)
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Update(ctx, "/registry/configmaps/default/000000", make([]byte, 2000), store.Any); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkCreateAmong100k(b *testing.B) {
	s := filled(b, store.Options{}, 100_000)
	for i := 0; b.Loop(); i++ {
		if _, err := s.Create(ctx, fmt.Sprintf("/registry/configmaps/default/%06d-new-%d", i*7919%100_000, i), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := filled(b, store.Options{}, 10_000)
	for b.Loop() {
		if _, err := s.Get(ctx, "/registry/configmaps/default/005000"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList1000(b *testing.B) {
	s := filled(b, store.Options{}, 1000)
	for b.Loop() {
		if _, err := s.List(ctx, store.ListOptions{Prefix: "/registry/configmaps/"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFanOut is one write and every watcher of its prefix having read it.
func BenchmarkFanOut(b *testing.B) {
	for _, watchers := range []int{1, 100, 1000, 5000} {
		b.Run(fmt.Sprint(watchers), func(b *testing.B) {
			s := filled(b, store.Options{}, 1)
			ctx, cancel := context.WithCancel(ctx)
			var seen, all sync.WaitGroup
			for range watchers {
				w, err := s.Watch("/registry/configmaps/", s.Revision())
				if err != nil {
					b.Fatal(err)
				}
				all.Go(func() {
					defer w.Close()
					for {
						events, err := w.Next(ctx)
						if err != nil {
							return
						}
						seen.Add(-len(events))
					}
				})
			}
			for b.Loop() {
				seen.Add(watchers)
				if _, err := s.Update(ctx, "/registry/configmaps/default/000000", nil, store.Any); err != nil {
					b.Fatal(err)
				}
				seen.Wait()
			}
			cancel()
			all.Wait()
		})
	}
}
