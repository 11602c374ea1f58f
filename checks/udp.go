package checks

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// replyWait is how long an answer to a datagram is waited for; of a probe's patience the rest is for the way there.
const replyWait = time.Second

func (s *UDPProbe) valid() error {
	if _, _, err := net.SplitHostPort(s.Address); err != nil {
		return at(fmt.Errorf("address %q: use HOST:PORT", s.Address), "udp", "address")
	}
	if s.Send == "" || strings.Contains(s.Send, "\x00") { // what asks from a pod is a command line, which cannot carry one
		return at(errors.New("a UDP probe needs something to send, without zero bytes"), "udp", "send")
	}
	if s.Silent && s.Contains != "" {
		return at(errors.New("silent: nothing comes back that could contain something"), "udp", "contains")
	}
	return nil
}

func (c *probeCheck) askUDP(ctx context.Context, p Prober) Result {
	u := c.spec.UDP
	r := Result{Outcome: Pass, Expected: c.expected()}
	if u.Silent {
		r.Why = whyProbeClose.with()
	}
	got, err := p.Send(ctx, c.from, Datagram{Address: u.Address, Payload: u.Send, Wait: min(replyWait, c.spec.Timeout/2)})
	if err != nil {
		return c.failed(err)
	}
	r.Seen = sawReply.with(show(strings.TrimSpace(got.Answer)))
	if got.Answer == "" {
		r.Seen = sawNoAnswer.with(got.Problem)
	}
	switch {
	case u.Silent && got.Answer != "":
		r.Outcome, r.Cause = Fail, "open"
	case !u.Silent && got.Answer == "":
		r.Outcome, r.Cause = Fail, "silent"
	case !strings.Contains(got.Answer, u.Contains):
		r.Outcome, r.Cause = Fail, "body"
	}
	return r
}

// expected is what the probe expects, in words.
func (c *probeCheck) expected() Text {
	s, from := c.spec, c.from.String()
	switch {
	case s.HTTP != nil && s.HTTP.Contains != "":
		return wantHTTPBody.with(s.HTTP.URL, from, s.HTTP.Status, s.HTTP.Contains)
	case s.HTTP != nil:
		return wantHTTP.with(s.HTTP.URL, from, s.HTTP.Status)
	case s.TCP != nil && s.TCP.Refused:
		return wantNoDial.with(s.TCP.Address, from)
	case s.TCP != nil:
		return wantDial.with(s.TCP.Address, from)
	case s.UDP != nil && s.UDP.Silent:
		return wantSilence.with(s.UDP.Address, from)
	case s.UDP != nil && s.UDP.Contains != "":
		return wantReplySays.with(s.UDP.Address, from, s.UDP.Contains)
	case s.UDP != nil:
		return wantReply.with(s.UDP.Address, from)
	case s.DNS != nil && s.DNS.Address != "":
		return wantNameIs.with(s.DNS.Name, from, s.DNS.Address)
	case s.DNS != nil:
		return wantName.with(s.DNS.Name, from)
	case s.Exec.script():
		return wantLines.with(from, s.Exec.Code)
	case s.Exec.Contains != "":
		return wantExecSays.with(typed(s.Exec.Command), from, s.Exec.Code, s.Exec.Contains)
	default:
		return wantExec.with(typed(s.Exec.Command), from, s.Exec.Code)
	}
}
