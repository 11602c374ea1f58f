package checks_test

import (
	"strings"
	"testing"

	"drydock/checks"
)

// TestEveryFailureTeaches: whatever the kind of check, a failure says what was expected, what was seen, why it matters and
// where to look next.
func TestEveryFailureTeaches(t *testing.T) {
	failing := scripts{out: `{"outcome": "fail", "expected": "two", "seen": "one"}`}
	view := checks.View{
		Objects: fixed{}, Prober: machine{"node/node-1: docknode ctr inspect web": {Code: 1}, "node/node-1: cat /none": {Code: 1, Stderr: "no"}},
		Answers: answers{"q": "no"}, Goal: "q", Scripts: failing, Commands: typed{}, Records: recorded{}, Past: nothingYet{},
	}
	exists := checks.Spec{Object: &checks.ObjectSpec{Kind: "Pod", Name: "web", Expect: checks.ExpectNone}}
	text := sealed(t, checks.AnswerSpec{Text: &checks.TextForm{}}, "yes")
	pod := checks.About{Kind: "Pod", Name: "web"}
	for name, spec := range map[string]checks.Spec{
		"object":    {Object: &checks.ObjectSpec{Kind: "Pod", Name: "web"}},
		"answer":    {Answer: &text},
		"event":     {Event: &checks.EventSpec{About: pod, Reason: "Started"}},
		"actor":     {Actor: &checks.ActorSpec{About: pod, By: "learner"}},
		"step":      {Actor: &checks.ActorSpec{About: pod, By: "learner", Since: checks.SinceStep}},
		"command":   {Command: &checks.CommandSpec{Matches: "^kubectl"}},
		"node":      {Node: &checks.NodeSpec{Of: "node/node-1", File: &checks.FileSpec{Path: "/none"}}},
		"history":   {History: &checks.HistorySpec{Eventually: &checks.ObjectSpec{Kind: "Pod", Name: "web"}}},
		"never":     {History: &checks.HistorySpec{Never: &checks.ObjectSpec{Kind: "Pod", Name: "web"}, Since: checks.SinceStep}},
		"container": {Container: &checks.ContainerSpec{Name: "web"}},
		"script":    {Script: &checks.ScriptSpec{Run: "x"}},
		"not":       {Not: &exists},
		"all":       {All: []checks.Spec{{Object: &checks.ObjectSpec{Kind: "Pod", Name: "web"}}}},
		"any":       {Any: []checks.Spec{{Object: &checks.ObjectSpec{Kind: "Pod", Name: "web"}}}},
	} {
		teaches(t, name, ask(t, spec, view))
	}
}

// TestEveryProbeTeaches: probes of every kind, from every place, when nobody answers and when the place is not there.
func TestEveryProbeTeaches(t *testing.T) {
	silent := &prober{exec: checks.ExecResult{Code: 1}, http: checks.HTTPResult{Problem: "no route"}, dial: checks.DialResult{Problem: "no route"}}
	for name, spec := range map[string]checks.ProbeSpec{
		"http": {HTTP: &checks.HTTPProbe{URL: "http://web/"}},
		"tcp":  {TCP: &checks.TCPProbe{Address: "web:80"}},
		"udp":  {UDP: &checks.UDPProbe{Address: "web:80", Send: "hello"}},
		"dns":  {DNS: &checks.DNSProbe{Name: "web"}},
		"exec": {Exec: &checks.ExecProbe{Command: []string{"false"}}},
	} {
		for _, from := range []string{"learner", "host", "node/node-1", "pod/client", "api"} {
			if spec.From = from; from == "api" && spec.HTTP == nil || from == "host" && spec.Exec != nil {
				continue // refused
			}
			teaches(t, name+" from "+from, ask(t, checks.Spec{Probe: &spec}, checks.View{Prober: silent}))
		}
		spec.From = "pod/client"
		gone := &prober{err: checks.ErrNoPod}
		teaches(t, name+" from no pod", ask(t, checks.Spec{Probe: &spec}, checks.View{Prober: gone}))
	}
	open := checks.ProbeSpec{TCP: &checks.TCPProbe{Address: "web:80", Refused: true}}
	teaches(t, "open", ask(t, checks.Spec{Probe: &open}, checks.View{Prober: &prober{dial: checks.DialResult{Connected: true}}}))
}

// teaches holds one failure against the promise.
func teaches(t *testing.T, name string, r checks.Result) {
	t.Helper()
	if r.Outcome != checks.Fail {
		t.Errorf("%s: %s, not a failure: %s", name, r.Outcome, r.Seen.In("en"))
		return
	}
	for _, lang := range []string{"en", "ko"} {
		for part, said := range map[string]checks.Text{"expected": r.Expected, "seen": r.Seen, "why": r.Why, "next": r.Look} {
			if strings.TrimSpace(said.In(lang)) == "" {
				t.Errorf("%s in %s: nothing is said of %s", name, lang, part)
			}
		}
	}
}

// nothingYet is a past in which nothing has happened.
type nothingYet struct{}

func (nothingYet) Recorded(int) ([]checks.Change, error) { return nil, nil }
func (nothingYet) Memory(_ any, fresh func() any) any    { return fresh() }
