package listwatch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"drydock/engine/listwatch"
)

func pod(name, version string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, ResourceVersion: version}}
}

// server plays a script: each watch gets the next list of events and then ends.
type server struct {
	script [][]watch.Event
	log    []string
	down   int // so many lists fail first
}

func (s *server) source() *listwatch.Source {
	return &listwatch.Source{
		List: func(context.Context) (string, error) {
			if s.down > 0 {
				s.down--
				s.log = append(s.log, "list fails")
				return "", errors.New("connection refused")
			}
			s.log = append(s.log, "list")
			return "10", nil
		},
		Watch: func(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
			s.log = append(s.log, "watch from "+options.ResourceVersion)
			if len(s.script) == 0 {
				return watch.NewFake(), nil // stays open and silent
			}
			stream := watch.NewFakeWithOptions(watch.FakeOptions{ChannelSize: 10})
			for _, event := range s.script[0] {
				stream.Action(event.Type, event.Object)
			}
			stream.Stop()
			s.script = s.script[1:]
			return stream, nil
		},
		Changed: func(event watch.Event) {
			s.log = append(s.log, fmt.Sprintf("%s %s", event.Type, event.Object.(*corev1.Pod).Name))
		},
	}
}

func TestFollow(t *testing.T) {
	gone := apierrors.NewResourceExpired("too old").Status()
	for _, test := range []struct {
		name   string
		script [][]watch.Event
		down   int
		want   []string
	}{
		{
			"a stream that ends is continued",
			[][]watch.Event{{{Type: watch.Added, Object: pod("a", "11")}}, {{Type: watch.Deleted, Object: pod("a", "12")}}},
			0,
			[]string{"list", "watch from 10", "ADDED a", "watch from 11", "DELETED a", "watch from 12"},
		},
		{
			"a bookmark moves the version and nothing else",
			[][]watch.Event{{{Type: watch.Bookmark, Object: pod("", "50")}}},
			0,
			[]string{"list", "watch from 10", "watch from 50"},
		},
		{
			"410 Gone lists again",
			[][]watch.Event{{{Type: watch.Error, Object: &gone}}},
			0,
			[]string{"list", "watch from 10", "list", "watch from 10"},
		},
		{"a server that is down is asked again", nil, 2, []string{"list fails", "list fails", "list", "watch from 10"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{script: test.script, down: test.down}
				ctx, cancel := context.WithCancel(context.Background())
				done := make(chan error, 1)
				go func() { done <- s.source().Follow(ctx) }()
				<-time.After(time.Minute)
				synctest.Wait()
				cancel()
				if err := <-done; !errors.Is(err, context.Canceled) {
					t.Errorf("Follow returned %v", err)
				}
				if diff := cmp.Diff(test.want, s.log); diff != "" {
					t.Errorf("conversation (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestServerThatHangsUpIsNotHammered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{script: make([][]watch.Event, 10000)}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := s.source().Follow(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Follow returned %v", err)
		}
		if n := len(s.log); n > 50 {
			t.Errorf("%d requests in one second", n)
		}
	})
}
