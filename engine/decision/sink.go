package decision

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	sinkMemory = 2048 // records kept while the ring cannot be reached; the oldest go first
	sinkBatch  = 256  // records in one request
	sinkPause  = 5 * time.Second
)

// Sink carries records over HTTP to the ring of another process, in order and in batches. It is how the parts of a node
// record: POST /drydock/decisions of the API server.
type Sink struct {
	client *http.Client // set once in NewSink
	url    string       // set once in NewSink
	wake   chan struct{}

	mu sync.Mutex
	// guarded by mu
	waiting []Record
}

// NewSink makes a sink that posts to url. Nothing is sent before Run.
func NewSink(client *http.Client, url string) *Sink {
	return &Sink{client: client, url: url, wake: make(chan struct{}, 1)}
}

// Record queues rec. It never blocks; when the queue is full the oldest record is lost.
func (s *Sink) Record(rec Record) {
	if rec.Time.IsZero() {
		rec.Time = time.Now()
	}
	s.mu.Lock()
	if len(s.waiting) >= sinkMemory {
		s.waiting = append(s.waiting[:0], s.waiting[1:]...)
	}
	s.waiting = append(s.waiting, rec)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run posts what is queued until ctx ends. Records of a batch that the server refuses are lost; while it cannot be reached
// they wait.
func (s *Sink) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		}
		for batch := s.next(); len(batch) > 0; batch = s.next() {
			if err := s.post(ctx, batch); err == nil {
				continue
			}
			s.giveBack(batch)
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(sinkPause):
			}
		}
	}
}

func (s *Sink) next() []Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.waiting), sinkBatch)
	batch := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	return batch
}

// giveBack puts a batch in front of what has come since.
func (s *Sink) giveBack(batch []Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append(batch, s.waiting...)
	s.waiting = append([]Record(nil), all[max(0, len(all)-sinkMemory):]...)
}

func (s *Sink) post(ctx context.Context, batch []Record) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	for _, rec := range batch {
		if err := encoder.Encode(rec); err != nil {
			return nil //nolint:nilerr // a record that cannot be encoded never will be: trying again would hold up the others
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, &body)
	if err != nil {
		return fmt.Errorf("post decisions to %s: %w", s.url, err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(request)
	if err != nil {
		return fmt.Errorf("post decisions to %s: %w", s.url, err)
	}
	answer.Body.Close()
	if answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("post decisions to %s: %s", s.url, answer.Status)
	}
	return nil
}
