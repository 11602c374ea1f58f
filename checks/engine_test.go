package checks_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
	"drydock/checks/apitest"
)

// live is an Engine that runs, and the reports it makes.
type live struct {
	t       *testing.T
	engine  *checks.Engine
	reports chan checks.Report
}

func start(t *testing.T, cfg checks.Config, questions ...checks.Question) *live {
	t.Helper()
	e, err := checks.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := &live{t, e, make(chan checks.Report, 100)}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx, questions, func(r checks.Report) { l.reports <- r }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	return l
}

// next is the next report; it must come soon.
func (l *live) next() checks.Report {
	l.t.Helper()
	select {
	case r := <-l.reports:
		return r
	case <-time.After(5 * time.Second):
		l.t.Fatal("no report came")
		return checks.Report{}
	}
}

// quiet checks that nothing was reported until now.
func (l *live) quiet() {
	l.t.Helper()
	select {
	case r := <-l.reports:
		l.t.Errorf("an unexpected report: %+v", r)
	default:
	}
}

func question(t *testing.T, id string, s checks.Spec) checks.Question {
	t.Helper()
	c, err := checks.Compile(s)
	if err != nil {
		t.Fatal(err)
	}
	return checks.Question{ID: id, Check: c}
}

func TestEngineFollowsTheWatch(t *testing.T) {
	api := apitest.New(t)
	l := start(t, checks.Config{REST: api.REST()}, question(t, "ready", ready("web")))
	if r := l.next(); r.Result.Cause != "missing" {
		t.Errorf("first report: %+v", r.Result)
	}
	api.Set(otherPod) // concerns the kind but changes what is seen
	if r := l.next(); r.Result.Seen.In("en") != "there is none; what there is: api" {
		t.Errorf("after another pod: %q", r.Result.Seen.In("en"))
	}
	api.Set(webCreating)
	if r := l.next(); !r.Result.OnItsWay() {
		t.Errorf("while creating: %+v", r.Result)
	}
	api.Set(webCreating) // nothing new to say
	api.Set(webRunning)
	if r := l.next(); !r.Result.Passed() {
		t.Errorf("when running: %+v", r.Result)
	}
	l.quiet()
}

// A state that lasts no time at all between two changes is still seen.
func TestEngineMissesNoTransient(t *testing.T) {
	api := apitest.New(t)
	l := start(t, checks.Config{REST: api.REST()}, question(t, "ready", ready("web")))
	l.next()
	for range 50 {
		api.Set(webRunning)
		api.Remove("Pod", "default", "web")
		if r := l.next(); !r.Result.Passed() {
			t.Fatalf("the pod was ready, but the report says %+v", r.Result)
		}
		if r := l.next(); r.Result.Passed() {
			t.Fatalf("the pod is gone, but the report says %+v", r.Result)
		}
	}
}

func TestEngineReconnects(t *testing.T) {
	api := apitest.New(t)
	l := start(t, checks.Config{REST: api.REST()}, question(t, "ready", ready("web")))
	l.next()
	api.Disconnect()
	api.Set(webRunning)
	api.Forget() // the next watch gets 410 Gone and must list again
	for r := l.next(); !r.Result.Passed(); r = l.next() {
		if r.Result.Outcome != checks.Error {
			t.Fatalf("after losing the connection: %+v", r.Result)
		}
	}
}

func TestEngineKindUnknown(t *testing.T) {
	api := apitest.New(t)
	s := checks.Spec{Object: &checks.ObjectSpec{APIVersion: "example.com/v1", Kind: "Boat"}}
	l := start(t, checks.Config{REST: api.REST()}, question(t, "boat", s))
	want := reading{
		Outcome: "error", Cause: "api", Look: "drydock status",
		Seen: "the API server could not be asked: /apis/example.com/v1: the API server does not know this kind",
	}
	if diff := cmp.Diff(want, read(l.next().Result, "en")); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
}

func TestEngineHold(t *testing.T) {
	api := apitest.New(t)
	api.Set(webRunning)
	q := question(t, "ready", ready("web"))
	q.Settle.Hold = 50 * time.Millisecond
	l := start(t, checks.Config{REST: api.REST()}, q)
	first := l.next()
	if !first.Result.OnItsWay() || first.Result.Cause != "holding" {
		t.Errorf("at first: %+v", first.Result)
	}
	second := l.next()
	if !second.Result.Passed() || second.At.Sub(first.At) < q.Settle.Hold {
		t.Errorf("after %s: %+v", second.At.Sub(first.At), second.Result)
	}
}

func TestEngineWithin(t *testing.T) {
	api := apitest.New(t)
	q := question(t, "ready", ready("web"))
	q.Settle.Within = 50 * time.Millisecond
	l := start(t, checks.Config{REST: api.REST()}, q)
	if r := l.next(); r.Result.OnItsWay() {
		t.Errorf("before anything happened: %+v", r.Result)
	}
	api.Set(webNoImage)
	if r := l.next(); !r.Result.OnItsWay() {
		t.Errorf("just after the change: %+v", r.Result)
	}
	if r := l.next(); r.Result.OnItsWay() || r.Result.Outcome != checks.Fail {
		t.Errorf("when it is old: %+v", r.Result)
	}
}

func TestEngineAsk(t *testing.T) {
	api := apitest.New(t)
	given := answers{}
	spec := sealed(t, checks.AnswerSpec{Text: &checks.TextForm{}}, "node-1")
	probe := checks.Spec{Probe: &checks.ProbeSpec{TCP: &checks.TCPProbe{Address: "web:8080"}}}
	p := &prober{dial: checks.DialResult{Connected: true}}
	l := start(t, checks.Config{REST: api.REST(), Answers: given, Prober: p},
		question(t, "where", checks.Spec{Answer: &spec}), question(t, "open", probe))
	seen := map[string]checks.Outcome{}
	for len(seen) < 2 {
		r := l.next()
		seen[r.ID] = r.Result.Outcome
	}
	if diff := cmp.Diff(map[string]checks.Outcome{"where": "fail", "open": "pass"}, seen); diff != "" {
		t.Errorf("first answers (-want +got):\n%s", diff)
	}
	given["where"] = "node-1"
	p.dial = checks.DialResult{Problem: "connection refused"}
	if err := l.engine.Ask(context.Background()); err != nil {
		t.Fatal(err)
	}
	for len(l.reports) > 0 {
		r := <-l.reports
		seen[r.ID] = r.Result.Outcome
	}
	if diff := cmp.Diff(map[string]checks.Outcome{"where": "pass", "open": "fail"}, seen); diff != "" {
		t.Errorf("answers when Ask returned (-want +got):\n%s", diff)
	}
}

// A question that nobody wants any more, because its own answer was enough, holds up nobody who waits for it.
func TestEngineAskIdle(t *testing.T) {
	api := apitest.New(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	var settled atomic.Bool
	q := question(t, "open", checks.Spec{Probe: &checks.ProbeSpec{TCP: &checks.TCPProbe{Address: "web:8080"}}})
	q.Idle = settled.Load
	e, err := checks.New(checks.Config{REST: api.REST(), Prober: slowProber{asked, answer}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx, []checks.Question{q}, func(checks.Report) { settled.Store(true) }) }()
	<-asked // in flight
	waited := make(chan error, 1)
	go func() { waited <- e.Ask(ctx) }()
	api.Set(otherPod)                                             // and to be asked again because of a change as well
	time.AfterFunc(20*time.Millisecond, func() { close(answer) }) // when both have arrived
	if err := <-waited; err != nil {
		t.Errorf("Ask: %v", err)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
}

// slowProber says when it is asked and answers when it may.
type slowProber struct{ asked, answer chan struct{} }

func (p slowProber) Dial(ctx context.Context, _ checks.Place, _ string) (checks.DialResult, error) {
	select {
	case p.asked <- struct{}{}:
	case <-ctx.Done():
	}
	select {
	case <-p.answer:
	case <-ctx.Done():
	}
	return checks.DialResult{Connected: true}, nil
}

func (slowProber) Exec(context.Context, checks.Place, []string) (checks.ExecResult, error) {
	return checks.ExecResult{}, checks.ErrNoPlace
}

func (slowProber) HTTP(context.Context, checks.Place, string) (checks.HTTPResult, error) {
	return checks.HTTPResult{}, checks.ErrNoPlace
}

func (slowProber) Send(context.Context, checks.Place, checks.Datagram) (checks.Reply, error) {
	return checks.Reply{}, checks.ErrNoPlace
}

func (slowProber) Lookup(context.Context, checks.Place, string) ([]string, error) {
	return nil, checks.ErrNoPlace
}

func BenchmarkChangeToVerdict(b *testing.B) {
	api := apitest.New(b)
	c, err := checks.Compile(ready("web"))
	if err != nil {
		b.Fatal(err)
	}
	e, err := checks.New(checks.Config{REST: api.REST()})
	if err != nil {
		b.Fatal(err)
	}
	reports := make(chan checks.Report)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = e.Run(ctx, []checks.Question{{ID: "ready", Check: c}}, func(r checks.Report) {
			select {
			case reports <- r:
			case <-ctx.Done():
			}
		})
	}()
	<-reports
	for b.Loop() {
		api.Set(webRunning)
		<-reports
		api.Remove("Pod", "default", "web")
		<-reports
	}
	stop()
	<-ended
}
