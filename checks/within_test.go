package checks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
)

// A check that says nothing of a namespace, or names the default one, is asked in another; whatever else it names stays.
func TestWithin(t *testing.T) {
	about := func(namespace string) checks.About { return checks.About{Kind: "Pod", Namespace: namespace} }
	object := func(namespace string) *checks.ObjectSpec {
		return &checks.ObjectSpec{Kind: "Pod", Namespace: namespace}
	}
	for name, c := range map[string]struct{ in, want checks.Spec }{
		"an object":          {checks.Spec{Object: object("")}, checks.Spec{Object: object("lee")}},
		"in default":         {checks.Spec{Object: object("default")}, checks.Spec{Object: object("lee")}},
		"in another":         {checks.Spec{Object: object("kube-system")}, checks.Spec{Object: object("kube-system")}},
		"in all":             {checks.Spec{Object: object("*")}, checks.Spec{Object: object("*")}},
		"an event":           {checks.Spec{Event: &checks.EventSpec{About: about("")}}, checks.Spec{Event: &checks.EventSpec{About: about("lee")}}},
		"an actor":           {checks.Spec{Actor: &checks.ActorSpec{About: about("")}}, checks.Spec{Actor: &checks.ActorSpec{About: about("lee")}}},
		"parts":              {checks.Spec{All: []checks.Spec{{Not: &checks.Spec{Object: object("")}}}}, checks.Spec{All: []checks.Spec{{Not: &checks.Spec{Object: object("lee")}}}}},
		"a past":             {checks.Spec{History: &checks.HistorySpec{Before: &checks.Order{First: object(""), Then: object("x")}}}, checks.Spec{History: &checks.HistorySpec{Before: &checks.Order{First: object("lee"), Then: object("x")}}}},
		"from a pod":         {probe("pod/web", "http://web:80/"), probe("pod/lee/web", "http://web:80/")},
		"from a pod there":   {probe("pod/team/web", "http://web.default/a"), probe("pod/team/web", "http://web.lee/a")},
		"a long name":        {probe("pod/web", "http://web.default.svc.cluster.local:80"), probe("pod/lee/web", "http://web.lee.svc.cluster.local:80")},
		"a name like it":     {probe("pod/web", "http://default:80/x.default/"), probe("pod/lee/web", "http://default:80/x.default/")},
		"through the API":    {probe("api", "http://web:80/"), probe("api", "http://web.lee:80/")},
		"a file in a pod":    {checks.Spec{Node: &checks.NodeSpec{Of: "pod/web"}}, checks.Spec{Node: &checks.NodeSpec{Of: "pod/lee/web"}}},
		"an answer is alone": {checks.Spec{Answer: &checks.AnswerSpec{}}, checks.Spec{Answer: &checks.AnswerSpec{}}},
	} {
		before := c.in
		if diff := cmp.Diff(c.want, c.in.Within("lee")); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		if diff := cmp.Diff(before, c.in); diff != "" {
			t.Errorf("%s: the pack's own check was changed:\n%s", name, diff)
		}
	}
}

func probe(from, url string) checks.Spec {
	return checks.Spec{Probe: &checks.ProbeSpec{From: from, HTTP: &checks.HTTPProbe{URL: url}}}
}

// What only a lab can answer is named; what the API can answer needs nothing.
func TestWants(t *testing.T) {
	object := checks.Spec{Object: &checks.ObjectSpec{Kind: "Pod"}}
	past := checks.Spec{History: &checks.HistorySpec{Never: object.Object}}
	for name, c := range map[string]struct {
		spec checks.Spec
		want int
	}{
		"an object":           {object, 0},
		"an answer":           {checks.Spec{Answer: &checks.AnswerSpec{}}, 0},
		"an Event":            {checks.Spec{Event: &checks.EventSpec{Reason: "Failed"}}, 0},
		"a decision":          {checks.Spec{Event: &checks.EventSpec{Action: "Bind"}}, 1},
		"an actor":            {checks.Spec{Actor: &checks.ActorSpec{}}, 1},
		"the past":            {past, 1},
		"a command":           {checks.Spec{Command: &checks.CommandSpec{}}, 1},
		"a container":         {checks.Spec{Container: &checks.ContainerSpec{}}, 1},
		"a script":            {checks.Spec{Script: &checks.ScriptSpec{}}, 1},
		"from the lab":        {probe("", "http://web"), 1},
		"from the machine":    {probe("host", "http://web"), 1},
		"from a node":         {probe("node/node-1", "http://web"), 1},
		"from a pod":          {probe("pod/web", "http://web"), 0},
		"a node":              {checks.Spec{Node: &checks.NodeSpec{Of: "node/node-1"}}, 1},
		"a pod's file":        {checks.Spec{Node: &checks.NodeSpec{Of: "pod/web"}}, 0},
		"a pod and its node":  {checks.Spec{Node: &checks.NodeSpec{Of: "pod/web", Namespace: &checks.NamespaceSpec{Differ: "node/node-1"}}}, 1},
		"several, each once":  {checks.Spec{All: []checks.Spec{past, past, object, {Not: &checks.Spec{Any: []checks.Spec{probe("", "http://web")}}}}}, 2},
		"parts that need not": {checks.Spec{Any: []checks.Spec{object, object}}, 0},
	} {
		if got := c.spec.Wants(); len(got) != c.want {
			t.Errorf("%s: needs %v, want %d things", name, got, c.want)
		}
	}
}
