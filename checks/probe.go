package checks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// How patient a probe is when the pack does not say.
const (
	probeTimeout = 3 * time.Second
	probeEvery   = 2 * time.Second
)

// probeCheck is a compiled ProbeSpec.
type probeCheck struct {
	spec ProbeSpec
	from Place
}

func compileProbe(s ProbeSpec) (Check, error) {
	from, err := ParsePlace(s.From)
	if err != nil {
		return nil, at(err, "from")
	}
	if s.Timeout < 0 || s.Timeout > time.Minute {
		return nil, at(fmt.Errorf("timeout %s: use at most 1m", s.Timeout), "timeout")
	}
	if s.Every < 0 || s.Every > 0 && s.Every < 100*time.Millisecond {
		return nil, at(fmt.Errorf("every %s: use at least 100ms", s.Every), "every")
	}
	if s.Timeout == 0 {
		s.Timeout = probeTimeout
	}
	if s.Every == 0 {
		s.Every = probeEvery
	}
	if s.HTTP != nil && s.HTTP.Status == 0 {
		filled := *s.HTTP
		filled.Status = 200
		s.HTTP = &filled
	}
	if err := s.valid(); err != nil {
		return nil, err
	}
	switch {
	case from.Kind == PlaceAPI && s.HTTP == nil:
		return nil, at(errors.New("from api only http can be asked; it goes through the API server's proxy"), "from")
	case from.Kind == PlaceHost && s.Exec != nil:
		return nil, at(errors.New("no command of a lesson is run on the machine itself; use learner, a node or a pod"), "from")
	}
	return &probeCheck{s, from}, nil
}

func (s ProbeSpec) valid() error {
	set := 0
	for _, is := range []bool{s.HTTP != nil, s.TCP != nil, s.UDP != nil, s.DNS != nil, s.Exec != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		return errors.New("a probe is exactly one of http, tcp, udp, dns, exec")
	}
	switch {
	case s.HTTP != nil:
		u, err := url.Parse(s.HTTP.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return at(fmt.Errorf("url %q: use http://HOST:PORT/PATH", s.HTTP.URL), "http", "url")
		}
	case s.TCP != nil:
		if _, _, err := net.SplitHostPort(s.TCP.Address); err != nil {
			return at(fmt.Errorf("address %q: use HOST:PORT", s.TCP.Address), "tcp", "address")
		}
	case s.UDP != nil:
		return s.UDP.valid()
	case s.DNS != nil && s.DNS.Name == "":
		return at(errors.New("a DNS probe needs a name"), "dns", "name")
	case s.Exec != nil && len(s.Exec.Command) == 0:
		return at(errors.New("an exec probe needs a command"), "exec", "command")
	}
	return nil
}

// Needs names the objects that stand between a probe and its answer: when one changes, it is worth asking again.
func (c *probeCheck) Needs() Needs {
	namespace := "default"
	if c.from.Kind == PlacePod {
		namespace = c.from.Namespace
	}
	if c.from.Kind == PlaceAPI && c.spec.HTTP != nil {
		if u, err := url.Parse(c.spec.HTTP.URL); err == nil {
			if _, named, ok := strings.Cut(u.Hostname(), "."); ok {
				namespace = named
			}
		}
	}
	v1 := schema.GroupVersion{Version: "v1"}
	return Needs{
		Kinds: []Kind{
			{GroupVersionKind: v1.WithKind("Pod"), Namespace: namespace},
			{GroupVersionKind: v1.WithKind("Service"), Namespace: namespace},
		},
		Slow: true, Every: c.spec.Every,
	}
}

func (c *probeCheck) Ask(ctx context.Context, v View) Result {
	if v.Prober == nil {
		return c.failed(ErrNoPlace)
	}
	ctx, cancel := context.WithTimeout(ctx, c.spec.Timeout)
	defer cancel()
	var r Result
	switch {
	case c.spec.HTTP != nil:
		r = c.askHTTP(ctx, v.Prober)
	case c.spec.TCP != nil:
		r = c.askTCP(ctx, v.Prober)
	case c.spec.UDP != nil:
		r = c.askUDP(ctx, v.Prober)
	case c.spec.DNS != nil:
		r = c.askDNS(ctx, v.Prober)
	default:
		r = c.askExec(ctx, v.Prober)
	}
	if r.Outcome == Error && ctx.Err() != nil {
		r.Outcome, r.Cause, r.Seen = Timeout, "timeout", noTime.with()
	}
	if r.Outcome == Fail && r.Why.Empty() {
		r.Why = whyProbe.with()
	}
	if cause := c.because(r, v.Objects); !cause.Empty() {
		r.Seen = joinTexts("; ", r.Seen, cause)
	}
	return r
}

// because is what stands behind a request that nobody answered.
func (c *probeCheck) because(r Result, objects Objects) Text {
	namespace := "default"
	switch {
	case r.Outcome != Fail || !slices.Contains([]string{"no-answer-from-server", "closed", "silent", "no-name"}, r.Cause):
		return nil
	case c.from.Kind == PlaceAPI:
		return nil // asks pods by their names
	case c.from.Kind == PlacePod:
		namespace = c.from.Namespace
	}
	return addressBecause(c.spec.hostOf(), namespace, objects)
}

func (c *probeCheck) askHTTP(ctx context.Context, p Prober) Result {
	h := c.spec.HTTP
	r := Result{Outcome: Pass, Expected: c.expected(), Look: plainText("curl -i " + h.URL)}
	got, err := p.HTTP(ctx, c.from, h.URL)
	switch {
	case err != nil:
		return c.failed(err)
	case got.Status == 0:
		r.Outcome, r.Cause, r.Seen = Fail, "no-answer-from-server", sawNoAnswer.with(got.Problem)
	case got.Status != h.Status:
		r.Outcome, r.Cause, r.Seen = Fail, "status", sawStatus.with(got.Status)
	case !strings.Contains(got.Body, h.Contains):
		r.Outcome, r.Cause, r.Seen = Fail, "body", sawBody.with(got.Status, show(strings.TrimSpace(got.Body)))
	default:
		r.Seen = sawStatus.with(got.Status)
	}
	return r
}

func (c *probeCheck) askTCP(ctx context.Context, p Prober) Result {
	address := c.spec.TCP.Address
	r := Result{Outcome: Pass, Expected: c.expected(), Seen: sawConnected.with()}
	if c.spec.TCP.Refused {
		r.Why = whyProbeClose.with()
	}
	got, err := p.Dial(ctx, c.from, address)
	if err != nil {
		return c.failed(err)
	}
	if !got.Connected {
		r.Seen = sawNoAnswer.with(got.Problem)
	}
	if got.Connected == c.spec.TCP.Refused {
		r.Outcome, r.Cause = Fail, map[bool]string{true: "open", false: "closed"}[got.Connected]
	}
	return r
}

func (c *probeCheck) askDNS(ctx context.Context, p Prober) Result {
	d := c.spec.DNS
	r := Result{Outcome: Pass, Expected: c.expected(), Look: plainText("nslookup " + d.Name)}
	got, err := p.Lookup(ctx, c.from, d.Name)
	if err != nil {
		return c.failed(err)
	}
	r.Seen = sawAddresses.with(strings.Join(got, ", "))
	if len(got) == 0 {
		r.Outcome, r.Cause, r.Seen = Fail, "no-name", sawNoName.with()
	} else if d.Address != "" && !slices.Contains(got, d.Address) {
		r.Outcome, r.Cause = Fail, "address"
	}
	return r
}

func (c *probeCheck) askExec(ctx context.Context, p Prober) Result {
	e := c.spec.Exec
	r := Result{Outcome: Pass, Expected: c.expected()}
	got, err := p.Exec(ctx, c.from, e.Command)
	if err != nil {
		return c.failed(err)
	}
	r.Seen = sawExec.with(got.Code, show(strings.TrimSpace(got.Stdout+got.Stderr)))
	switch {
	case got.Code != e.Code:
		r.Outcome, r.Cause = Fail, "code"
	case !strings.Contains(got.Stdout, e.Contains):
		r.Outcome, r.Cause = Fail, "output"
	}
	return r
}

// failed is the answer when the question could not be asked. A pod that is not there yet is the learner's to make.
func (c *probeCheck) failed(err error) Result {
	r := Result{Outcome: Error, Cause: "probe", Seen: probeFailed.with(err.Error()), Look: lookStatus}
	if c.from.Kind == PlacePod && errors.Is(err, ErrNoPod) {
		r.Outcome, r.Cause, r.Expected = Fail, "no-pod", c.expected()
		r.Look = plainText("kubectl get pod " + c.from.Name)
	}
	return r
}
