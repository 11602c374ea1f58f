package cri

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// hub passes events to every listener. Each listener has its own queue, so that none is lost and nobody waits for a slow one.
type hub struct {
	mu        sync.Mutex
	listeners map[*listener]bool // guarded by mu
	closed    bool               // guarded by mu
}

type listener struct {
	mu    sync.Mutex
	queue []*runtimeapi.ContainerEventResponse // guarded by mu
	wake  chan struct{}                        // capacity 1
	done  chan struct{}                        // closed by hub.close
}

func newHub() *hub { return &hub{listeners: map[*listener]bool{}} }

func (h *hub) listen() *listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := &listener{wake: make(chan struct{}, 1), done: make(chan struct{})}
	if h.closed {
		close(l.done)
	} else {
		h.listeners[l] = true
	}
	return l
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
}

// close ends all listeners.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for l := range h.listeners {
		close(l.done)
		delete(h.listeners, l)
	}
}

func (h *hub) send(e *runtimeapi.ContainerEventResponse) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		l.push(e)
	}
}

func (l *listener) push(e *runtimeapi.ContainerEventResponse) {
	l.mu.Lock()
	l.queue = append(l.queue, e)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // woken already
	}
}

// next blocks until there are events, and returns false when there will be no more.
func (l *listener) next(ctx context.Context) ([]*runtimeapi.ContainerEventResponse, bool) {
	select {
	case <-ctx.Done():
		return nil, false
	case <-l.done:
		return nil, false
	case <-l.wake:
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.queue
	l.queue = nil
	return events, true
}

// GetContainerEvents implements RuntimeService: it streams what happens from now on, until the client goes away. The
// response's header is sent at once: a client that has it knows that nothing after it will be missed.
func (s *Server) GetContainerEvents(_ *runtimeapi.GetEventsRequest, stream grpc.ServerStreamingServer[runtimeapi.ContainerEventResponse]) error {
	l := s.events.listen()
	defer s.events.leave(l)
	if err := stream.SendHeader(nil); err != nil {
		return err
	}
	for {
		events, ok := l.next(stream.Context())
		if !ok {
			return stream.Context().Err()
		}
		for _, e := range events {
			if err := stream.Send(e); err != nil {
				return err
			}
		}
	}
}

// tell sends an event about a container, or about a sandbox when id is the sandbox's, with the whole pod's state.
func (s *Server) tell(p *pod, id string, kind runtimeapi.ContainerEventType) {
	e := &runtimeapi.ContainerEventResponse{
		ContainerId: id, ContainerEventType: kind, CreatedAt: time.Now().UnixNano(), PodSandboxStatus: s.podStatus(p),
	}
	for _, c := range s.containersOf(p) {
		e.ContainersStatuses = append(e.ContainersStatuses, c.status())
	}
	s.events.send(e)
}
