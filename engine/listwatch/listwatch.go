package listwatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// Source is one kind of object that is listed once and followed from there.
type Source struct {
	// List reads every object, hands them to the listener as the complete truth, and returns the version of the list.
	List func(ctx context.Context) (resourceVersion string, err error)
	// Watch opens a stream of changes after options.ResourceVersion.
	Watch func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
	// Changed takes one event of the stream: Added, Modified or Deleted.
	Changed func(watch.Event)
}

const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// Follow keeps a listener up to date until ctx ends: list, watch from there, and list again when the server has forgotten our
// version (410 Gone) or the stream broke in a way that may have lost something. It holds no copy of the objects: the
// listener has them already.
func (s *Source) Follow(ctx context.Context) error {
	delay := firstRetry
	for {
		began := time.Now()
		err := s.listAndWatch(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil || time.Since(began) > lastRetry {
			delay = firstRetry
		}
		if !Wait(ctx, delay) {
			return ctx.Err()
		}
		delay = min(2*delay, lastRetry)
	}
}

func (s *Source) listAndWatch(ctx context.Context) error {
	version, err := s.List(ctx)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	for ctx.Err() == nil {
		stream, err := s.Watch(ctx, metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true})
		if err != nil {
			return fmt.Errorf("watch from %s: %w", version, err)
		}
		before := version
		version, err = s.drain(ctx, stream, version)
		if err != nil {
			return err
		}
		if version == before && !Wait(ctx, firstRetry) { // a server that hangs up at once must not be hammered
			break
		}
	}
	return ctx.Err()
}

// drain hands the stream's events on until it ends, and returns the version to continue from.
func (s *Source) drain(ctx context.Context, stream watch.Interface, version string) (string, error) {
	defer stream.Stop()
	for {
		select {
		case <-ctx.Done():
			return version, ctx.Err()
		case event, open := <-stream.ResultChan():
			if !open {
				return version, nil
			}
			if event.Type == watch.Error {
				return version, watchError(event)
			}
			if object, ok := event.Object.(metav1.Object); ok {
				version = object.GetResourceVersion()
			}
			if event.Type != watch.Bookmark {
				s.Changed(event)
			}
		}
	}
}

func watchError(event watch.Event) error {
	if status, ok := event.Object.(*metav1.Status); ok {
		return &apierrors.StatusError{ErrStatus: *status}
	}
	return errors.New("the watch ended with an unknown error")
}

// Wait sleeps for d; false means ctx ended first.
func Wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
