package kubelet

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// source is one kind of object that is listed once and followed from there.
type source struct {
	// list reports every object by calling replace, and returns the version of the list.
	list func(ctx context.Context) (resourceVersion string, err error)
	// watch opens a stream of changes after options.ResourceVersion.
	watch func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error)
	// changed takes one event of the stream.
	changed func(watch.Event)
}

const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 10 * time.Second
)

// follow keeps a listener up to date until ctx ends: list, watch from there, and list again when the server has forgotten our
// version (410 Gone) or the stream broke in a way that may have lost something. It holds no copy of the objects: the
// listener has them already.
func (s *source) follow(ctx context.Context) error {
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
		if !wait(ctx, delay) {
			return ctx.Err()
		}
		delay = min(2*delay, lastRetry)
	}
}

func (s *source) listAndWatch(ctx context.Context) error {
	version, err := s.list(ctx)
	if err != nil {
		return fmt.Errorf("list: %w", err)
	}
	for ctx.Err() == nil {
		stream, err := s.watch(ctx, metav1.ListOptions{ResourceVersion: version, AllowWatchBookmarks: true})
		if err != nil {
			return fmt.Errorf("watch from %s: %w", version, err)
		}
		before := version
		version, err = s.drain(ctx, stream, version)
		if err != nil {
			return err
		}
		if version == before && !wait(ctx, firstRetry) { // a server that hangs up at once must not be hammered
			break
		}
	}
	return ctx.Err()
}

// drain hands the stream's events on until it ends, and returns the version to continue from.
func (s *source) drain(ctx context.Context, stream watch.Interface, version string) (string, error) {
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
				s.changed(event)
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

// wait sleeps for d; false means ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
