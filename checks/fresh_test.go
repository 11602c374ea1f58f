package checks_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"

	"drydock/checks"
	"drydock/checks/apitest"
)

// lateWatch is a connection on which watches say nothing before somebody has listed pods for the second time, as on a machine
// that is busy with something else.
type lateWatch struct {
	http.RoundTripper

	open chan struct{} // closed when watches may speak

	mu sync.Mutex
	// guarded by mu
	lists int
}

func (w *lateWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	watches := r.URL.Query().Get("watch") != ""
	res, err := w.RoundTripper.RoundTrip(r)
	if err != nil || r.URL.Path != "/api/v1/pods" && r.URL.Path != "/api/v1/namespaces/default/pods" {
		return res, err
	}
	if watches {
		res.Body = &lateBody{res.Body, w.open, r.Context()}
		return res, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lists++; w.lists == 2 {
		close(w.open)
	}
	return res, nil
}

type lateBody struct {
	io.ReadCloser

	open <-chan struct{}
	ctx  context.Context //nolint:containedctx // of the request
}

func (b *lateBody) Read(p []byte) (int, error) {
	select {
	case <-b.open:
		return b.ReadCloser.Read(p)
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

// What was done before Ask counts for its answer, however late the watch is.
func TestAskIsNotOlderThanTheCluster(t *testing.T) {
	for name, change := range map[string]struct {
		before, after func(*apitest.Server)
		passes        bool
	}{
		"something was made": {func(*apitest.Server) {}, func(api *apitest.Server) { api.Set(webRunning) }, true},
		"something was deleted": {
			func(api *apitest.Server) { api.Set(webRunning) },
			func(api *apitest.Server) { api.Remove("Pod", "default", "web") }, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			api := apitest.New(t)
			change.before(api)
			late := &lateWatch{open: make(chan struct{})}
			cfg := api.REST()
			cfg.WrapTransport = func(below http.RoundTripper) http.RoundTripper {
				late.RoundTripper = below
				return late
			}
			l := start(t, checks.Config{REST: cfg}, question(t, "ready", ready("web")))
			l.next()
			change.after(api)
			ctx, stop := context.WithTimeout(context.Background(), time.Minute)
			defer stop()
			if err := l.engine.Ask(ctx); err != nil {
				t.Fatal(err)
			}
			select {
			case r := <-l.reports:
				if r.Result.Passed() != change.passes {
					t.Errorf("it says %+v", r.Result)
				}
			default:
				t.Error("Ask returned before what had happened was seen")
			}
		})
	}
}
