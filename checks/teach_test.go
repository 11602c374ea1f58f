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
		Answers: answers{"q": "no"}, Goal: "q", Scripts: failing, Commands: typed{}, Records: recorded{},
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
		"container": {Container: &checks.ContainerSpec{Name: "web"}},
		"script":    {Script: &checks.ScriptSpec{Run: "x"}},
		"not":       {Not: &exists},
		"all":       {All: []checks.Spec{{Object: &checks.ObjectSpec{Kind: "Pod", Name: "web"}}}},
		"any":       {Any: []checks.Spec{{Object: &checks.ObjectSpec{Kind: "Pod", Name: "web"}}}},
	} {
		r := ask(t, spec, view)
		if r.Outcome != checks.Fail {
			t.Errorf("%s: %s, not a failure: %s", name, r.Outcome, r.Seen.In("en"))
			continue
		}
		for _, lang := range []string{"en", "ko"} {
			for part, said := range map[string]checks.Text{"expected": r.Expected, "seen": r.Seen, "why": r.Why, "next": r.Look} {
				if strings.TrimSpace(said.In(lang)) == "" {
					t.Errorf("%s in %s: nothing is said of %s", name, lang, part)
				}
			}
		}
	}
}
