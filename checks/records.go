package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"drydock/engine/decision"
)

// ErrNoRecords is the error of asking for decisions where nobody records them: in a cluster that is not drydock's.
var ErrNoRecords = errors.New("this cluster does not record who decided what")

// mostRecords bounds what is remembered here; the lab's own memory is smaller.
const mostRecords = 20_000

// decisionsPath is where a lab's API server tells what was decided (engine/apiserver).
const decisionsPath = "/drydock/decisions"

// recordLog implements Records.
type recordLog struct {
	mu sync.Mutex
	// guarded by mu
	ready   bool
	err     error
	newest  uint64 // the number of the newest record
	records []decision.Record
}

func (l *recordLog) known() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ready
}

// List implements Records.
func (l *recordLog) List() ([]decision.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.err != nil:
		return nil, l.err
	case !l.ready:
		return nil, errNotYet
	}
	return slices.Clip(l.records), nil
}

func (l *recordLog) add(records ...decision.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = nil
	l.records = append(l.records, records...)
	if len(records) > 0 {
		l.newest = records[len(records)-1].Seq
	}
	if over := len(l.records) - mostRecords; over > 0 {
		l.records = slices.Clone(l.records[over:])
	}
}

// covers reports whether the record with this number has been read. Records that cannot be read have their error for an answer.
func (l *recordLog) covers(number uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return number == 0 || l.ready && (l.err != nil || l.newest >= number)
}

func (l *recordLog) settle(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ready, l.err = true, err
}

// recordReader follows the decisions of a lab.
type recordReader struct {
	resources *Resources
	log       *recordLog
	changed   func(context.Context)
	last      uint64 // the number of the newest record
}

func (r *recordReader) run(ctx context.Context) {
	wait := firstWait
	for ctx.Err() == nil {
		began := time.Now()
		err := r.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		r.log.settle(err)
		r.changed(ctx)
		if errors.Is(err, ErrNoRecords) {
			return // nobody will begin to
		}
		if time.Since(began) > lastWait {
			wait = firstWait
		}
		pause(ctx, wait)
		wait = min(2*wait, lastWait)
	}
}

// follow reads everything that is remembered, says that it is known, and goes on with what comes.
func (r *recordReader) follow(ctx context.Context) error {
	if err := r.read(ctx, ""); err != nil {
		return err
	}
	r.log.settle(nil)
	r.changed(ctx)
	return r.read(ctx, "?watch=1")
}

func (r *recordReader) read(ctx context.Context, query string) error {
	body, err := r.resources.openRecords(ctx, query)
	if err != nil {
		return err
	}
	defer body.Close()
	lines := json.NewDecoder(body)
	for first := true; ; first = false {
		var rec decision.Record
		switch err := lines.Decode(&rec); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read decisions: %w", err)
		}
		if first && rec.Seq < r.last && query == "" {
			r.last = 0 // the lab was started again and counts afresh
		}
		if rec.Seq <= r.last {
			continue
		}
		r.last = rec.Seq
		r.log.add(rec)
		if query != "" {
			r.changed(ctx)
		}
	}
}

// newestRecord is the number of the newest decision; 0 when there is none, or nobody tells.
func (r *Resources) newestRecord(ctx context.Context) uint64 {
	body, err := r.openRecords(ctx, "")
	if err != nil {
		return 0 // the reader of records tells why
	}
	defer body.Close()
	var newest struct{ Seq uint64 }
	lines := json.NewDecoder(body)
	for lines.Decode(&newest) == nil {
	}
	return newest.Seq
}

func (r *Resources) openRecords(ctx context.Context, query string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base.JoinPath(decisionsPath).String()+query, nil)
	if err != nil {
		return nil, err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask for decisions: %w", err)
	}
	if res.StatusCode == http.StatusOK {
		return res.Body, nil
	}
	res.Body.Close()
	if res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusForbidden {
		return nil, ErrNoRecords
	}
	return nil, fmt.Errorf("ask for decisions: %s", res.Status)
}
