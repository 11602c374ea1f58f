package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"

	"drydock/engine/decision"
)

// The pauses before a failed key is tried again.
//
// Kubernetes: up to 1,000 s, and at most 10 retries per second over all keys of a queue; a learner would not wait for that.
const (
	firstRetry = 5 * time.Millisecond
	lastRetry  = time.Minute
)

// Loop calls reconcile for the keys in its queue. A key is reconciled by one worker at a time; keys added meanwhile are
// reconciled once more, once.
type Loop[K comparable] struct {
	*Voice // set once in NewLoop

	// set once in NewLoop
	reconcile func(context.Context, K) error
	queue     workqueue.TypedRateLimitingInterface[K]
	// set before Run
	synced  []cache.DoneChecker
	Workers int // how many keys are reconciled at the same time; 5 unless changed
}

// NewLoop makes the loop of the controller called name, as in "replicaset-controller". Nothing runs before Run.
func NewLoop[K comparable](name string, cfg Config, reconcile func(context.Context, K) error) *Loop[K] {
	limiter := workqueue.NewTypedItemExponentialFailureRateLimiter[K](firstRetry, lastRetry)
	return &Loop[K]{
		Voice:     NewVoice(name, cfg),
		reconcile: reconcile,
		queue:     workqueue.NewTypedRateLimitingQueue(limiter),
		Workers:   5,
	}
}

// Add puts keys into the queue.
func (l *Loop[K]) Add(keys ...K) {
	for _, key := range keys {
		l.queue.Add(key)
	}
}

// AddAfter puts a key into the queue after a pause. The pauses of one key do not replace each other.
func (l *Loop[K]) AddAfter(key K, pause time.Duration) { l.queue.AddAfter(key, pause) }

// Follow makes the informer tell handler what changes; Run waits until the handler has been told of what exists.
func (l *Loop[K]) Follow(informer cache.SharedInformer, handler cache.ResourceEventHandler) error {
	registration, err := informer.AddEventHandler(handler)
	if err != nil {
		return fmt.Errorf("follow for %s: %w", l.Name, err)
	}
	l.synced = append(l.synced, registration.HasSyncedChecker())
	return nil
}

// FollowAll is Follow with one function for all changes: what it returns for the object is added to the queue. After an
// update it is asked for the old state and for the new one.
func (l *Loop[K]) FollowAll(informer cache.SharedInformer, keys func(obj any) []K) error {
	return l.Follow(informer, cache.ResourceEventHandlerFuncs{
		AddFunc: func(obj any) { l.Add(keys(obj)...) },
		UpdateFunc: func(old, obj any) {
			l.Add(keys(old)...)
			l.Add(keys(obj)...)
		},
		DeleteFunc: func(obj any) {
			if obj, ok := Object[runtime.Object](obj); ok {
				l.Add(keys(obj)...)
			}
		},
	})
}

// Needs makes Run wait for an informer that is only read.
func (l *Loop[K]) Needs(informers ...cache.SharedInformer) {
	for _, informer := range informers {
		l.synced = append(l.synced, informer.HasSyncedChecker())
	}
}

// Run waits for the informers and reconciles until ctx ends; then it waits for its workers. A loop runs once.
func (l *Loop[K]) Run(ctx context.Context) error {
	stop := l.speak(ctx)
	defer stop()
	var workers sync.WaitGroup
	defer workers.Wait()
	defer l.queue.ShutDown()
	for _, informer := range l.synced {
		select {
		case <-informer.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for range l.Workers {
		workers.Go(func() {
			for l.next(ctx) {
			}
		})
	}
	<-ctx.Done()
	return ctx.Err()
}

// next reconciles one key; false when the queue has been shut down.
func (l *Loop[K]) next(ctx context.Context) bool {
	key, shutdown := l.queue.Get()
	if shutdown {
		return false
	}
	defer l.queue.Done(key)
	err := l.reconcile(ctx, key)
	var terminal *terminalError
	switch {
	case err == nil:
		l.queue.Forget(key)
	case ctx.Err() != nil: // on the way out; the next Run starts from the whole world anyway
	case errors.As(err, &terminal):
		l.queue.Forget(key)
		l.Decide(decision.Record{Object: l.object(key), Action: "GiveUp", Reason: "Terminal", Message: err.Error()})
	default:
		l.queue.AddRateLimited(key)
		l.Decide(decision.Record{Object: l.object(key), Action: "Retry", Reason: "ReconcileError", Message: err.Error()})
	}
	return true
}

// object is the key as decisions name it.
func (l *Loop[K]) object(key K) decision.Object {
	o := decision.Object{Resource: l.Resource, Name: fmt.Sprint(key)}
	if key, ok := any(key).(Key); ok {
		o.Namespace, o.Name = key.Namespace, key.Name
	}
	return o
}

type terminalError struct{ cause error }

func (e *terminalError) Error() string { return e.cause.Error() }
func (e *terminalError) Unwrap() error { return e.cause }

// Terminal marks an error that a retry cannot mend: the user must edit something. nil stays nil.
func Terminal(err error) error {
	if err == nil {
		return nil
	}
	return &terminalError{cause: err}
}
