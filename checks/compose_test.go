package checks_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
)

func TestCompose(t *testing.T) {
	web, api := ready("web"), ready("api")
	broken := checks.Spec{Probe: &checks.ProbeSpec{TCP: &checks.TCPProbe{Address: "web:80"}}}
	for name, tt := range map[string]struct {
		spec     checks.Spec
		world    fixed
		outcome  checks.Outcome
		expected string // a part of it
		progress bool
	}{
		"all passes":                        {checks.Spec{All: []checks.Spec{web, api}}, fixed{webRunning, otherPod}, checks.Pass, "", false},
		"all names the one that fails":      {checks.Spec{All: []checks.Spec{api, web}}, fixed{otherPod}, checks.Fail, "Pod web", false},
		"all prefers wrong to on its way":   {checks.Spec{All: []checks.Spec{web, api}}, fixed{webCreating}, checks.Fail, "Pod api", false},
		"all that only waits is on its way": {checks.Spec{All: []checks.Spec{web, api}}, fixed{webCreating, otherPod}, checks.Fail, "Pod web", true},
		"all that cannot tell":              {checks.Spec{All: []checks.Spec{web, broken}}, fixed{}, checks.Error, "", false},
		"any passes":                        {checks.Spec{Any: []checks.Spec{web, api}}, fixed{otherPod}, checks.Pass, "", false},
		"any prefers what is on its way":    {checks.Spec{Any: []checks.Spec{api, web}}, fixed{webCreating}, checks.Fail, "Pod web", true},
		"any fails":                         {checks.Spec{Any: []checks.Spec{api, web}}, fixed{}, checks.Fail, "Pod api", false},
		"not passes":                        {checks.Spec{Not: &web}, fixed{}, checks.Pass, "", false},
		"not fails":                         {checks.Spec{Not: &web}, fixed{webRunning}, checks.Fail, "this must not be so: Pod web", false},
		"not that cannot tell":              {checks.Spec{Not: &broken}, fixed{}, checks.Error, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			r := ask(t, tt.spec, checks.View{Objects: tt.world})
			if r.Outcome != tt.outcome || r.OnItsWay() != tt.progress || !strings.Contains(r.Expected.In("en"), tt.expected) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestCompileNamesTheField(t *testing.T) {
	pod := func(change func(*checks.ObjectSpec)) checks.Spec {
		s := checks.ObjectSpec{Kind: "Pod"}
		change(&s)
		return checks.Spec{Object: &s}
	}
	type complaint struct{ Path, Message string }
	for name, tt := range map[string]struct {
		spec checks.Spec
		want complaint
	}{
		"nothing": {checks.Spec{}, complaint{"", "a check is exactly one of object, probe, answer, event, actor, history, command, node, container, script, all, any, not"}},
		"no kind": {pod(func(s *checks.ObjectSpec) { s.Kind = "" }), complaint{"object.kind", "an object check needs a kind, such as Pod"}},
		"unknown kind": {pod(func(s *checks.ObjectSpec) { s.Kind = "Boat" }), complaint{
			"object.kind", "kind Boat needs an apiVersion beside it",
		}},
		"condition": {pod(func(s *checks.ObjectSpec) { s.That = []checks.Condition{{CEL: "object.a =="}} }), complaint{
			"object.that.0", "condition, column 12: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}",
		}},
		"condition is no question": {pod(func(s *checks.ObjectSpec) { s.That = []checks.Condition{{CEL: "1 + 1"}} }), complaint{
			"object.that.0", `the condition "1 + 1" gives int; it must give true or false`,
		}},
		"unknown name in a condition": {pod(func(s *checks.ObjectSpec) { s.Where = "pod.x" }), complaint{
			"object.where", "condition, column 1: undeclared reference to 'pod' (in container '')",
		}},
		"all without a condition": {pod(func(s *checks.ObjectSpec) { s.Expect = checks.ExpectAll }), complaint{
			"object.expect", "expect: all needs a match or a condition to hold for each object",
		}},
		"deep": {checks.Spec{All: []checks.Spec{{Any: []checks.Spec{{Probe: &checks.ProbeSpec{}}}}}}, complaint{
			"all.0.any.0.probe", "a probe is exactly one of http, tcp, udp, dns, exec",
		}},
		"place": {checks.Spec{Probe: &checks.ProbeSpec{From: "boat/1"}}, complaint{
			"probe.from", `place "boat/1": use learner, host, api, node/NAME, pod/NAME or pod/NAMESPACE/NAME`,
		}},
		"a place that cannot ask so": {checks.Spec{Probe: &checks.ProbeSpec{From: "api", TCP: &checks.TCPProbe{Address: "web:80"}}}, complaint{
			"probe.from", "from api only http can be asked; it goes through the API server's proxy",
		}},
		"a command on the machine": {checks.Spec{Probe: &checks.ProbeSpec{From: "host", Exec: &checks.ExecProbe{Command: []string{"true"}}}}, complaint{
			"probe.from", "no command of a lesson is run on the machine itself; use learner, a node or a pod",
		}},
		"udp without a port": {checks.Spec{Probe: &checks.ProbeSpec{UDP: &checks.UDPProbe{Address: "web", Send: "x"}}}, complaint{
			"probe.udp.address", `address "web": use HOST:PORT`,
		}},
		"udp without a question": {checks.Spec{Probe: &checks.ProbeSpec{UDP: &checks.UDPProbe{Address: "web:7"}}}, complaint{
			"probe.udp.send", "a UDP probe needs something to send, without zero bytes",
		}},
		"udp that hears silence": {checks.Spec{Probe: &checks.ProbeSpec{UDP: &checks.UDPProbe{Address: "web:7", Send: "x", Silent: true, Contains: "y"}}}, complaint{
			"probe.udp.contains", "silent: nothing comes back that could contain something",
		}},
		"unsealed": {checks.Spec{Answer: &checks.AnswerSpec{Text: &checks.TextForm{}, Key: "node-1"}}, complaint{
			"answer.key", "the key is not a sealed answer; make one with: drydock pack seal LESSON GOAL ANSWER",
		}},
		"no tolerance": {checks.Spec{Answer: &checks.AnswerSpec{Number: &checks.NumberForm{}}}, complaint{
			"answer.number.tolerance", "a number needs a tolerance above 0; 0.5 takes whole numbers exactly",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := checks.Compile(tt.spec)
			var field *checks.FieldError
			if !errors.As(err, &field) {
				t.Fatalf("got %v, want a FieldError", err)
			}
			got := complaint{strings.Join(field.Path, "."), field.Error()}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("complaint (-want +got):\n%s", diff)
			}
		})
	}
}

// A condition that would run for minutes is given up.
func TestConditionCost(t *testing.T) {
	heavy := "object.spec.containers.all(a, object.spec.containers.all(b, object.spec.containers.all(c, true)))"
	s := checks.Spec{Object: &checks.ObjectSpec{Kind: "Pod", That: []checks.Condition{{CEL: heavy}}}}
	pod := `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default}, spec: {containers: [` +
		strings.Repeat("{name: a}, ", 100) + "]}}"
	r := ask(t, s, checks.View{Objects: fixed{pod}})
	if r.Outcome != checks.Error || r.Cause != "condition" {
		t.Errorf("got %+v", r)
	}
}
