package checks_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
	"drydock/checks/apitest"
	"drydock/engine/decision"
)

// pods sets the Deployment web to a number of ready pods.
func readyPods(api *apitest.Server, n string) {
	api.Set(`{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 3}, status: {readyReplicas: ` + n + `}}`)
}

func deployment(that string) *checks.ObjectSpec {
	return &checks.ObjectSpec{Kind: "Deployment", Name: "web", That: []checks.Condition{{CEL: that}}}
}

func TestHistory(t *testing.T) {
	few, three := deployment("object.status.readyReplicas < 2"), deployment("object.status.readyReplicas == 3")
	service := &checks.ObjectSpec{Kind: "Service", Name: "web"}
	type step func(*apitest.Server)
	ready := func(n string) step { return func(s *apitest.Server) { readyPods(s, n) } }
	serve := func(s *apitest.Server) { s.Set(`{apiVersion: v1, kind: Service, metadata: {name: web}}`) }
	gone := func(s *apitest.Server) { s.Remove("Deployment", "default", "web") }
	for name, tt := range map[string]struct {
		spec    checks.HistorySpec
		before  []step // the lesson begins
		after   []step // what the learner does before anybody asks
		outcome checks.Outcome
		cause   string
	}{
		"never passes":                       {checks.HistorySpec{Never: few}, []step{ready("3")}, []step{ready("2"), ready("3")}, checks.Pass, ""},
		"never remembers one bad state":      {checks.HistorySpec{Never: few}, []step{ready("3")}, []step{ready("1"), ready("3")}, checks.Fail, "broken"},
		"never forgets what was before":      {checks.HistorySpec{Never: few}, []step{ready("1"), ready("3")}, nil, checks.Pass, ""},
		"never looks at the first state":     {checks.HistorySpec{Never: few}, []step{ready("1")}, []step{ready("3")}, checks.Fail, "broken"},
		"always passes":                      {checks.HistorySpec{Always: deployment("object.spec.replicas == 3")}, []step{ready("3")}, []step{ready("1")}, checks.Pass, ""},
		"always sees that it was away":       {checks.HistorySpec{Always: deployment("object.spec.replicas == 3")}, []step{ready("3")}, []step{gone, ready("3")}, checks.Fail, "broken"},
		"eventually was":                     {checks.HistorySpec{Eventually: three}, nil, []step{ready("3"), gone}, checks.Pass, ""},
		"eventually was not":                 {checks.HistorySpec{Eventually: three}, nil, []step{ready("2"), gone}, checks.Fail, "missing"},
		"from a moment on":                   {checks.HistorySpec{Never: few, From: three}, nil, []step{ready("1"), ready("3")}, checks.Pass, ""},
		"from a moment that did not come":    {checks.HistorySpec{Never: few, From: three}, nil, []step{ready("1")}, checks.Fail, "not-begun"},
		"until a moment":                     {checks.HistorySpec{Never: few, From: three, Until: service}, nil, []step{ready("3"), serve, ready("1")}, checks.Pass, ""},
		"until a moment that did not come":   {checks.HistorySpec{Never: few, Until: service}, nil, []step{ready("3")}, checks.Fail, "not-ended"},
		"before in order":                    {checks.HistorySpec{Before: &checks.Order{First: three, Then: service}}, nil, []step{ready("3"), serve}, checks.Pass, ""},
		"before in the wrong order":          {checks.HistorySpec{Before: &checks.Order{First: three, Then: service}}, nil, []step{serve, ready("3")}, checks.Fail, "broken"},
		"before, and nothing happened":       {checks.HistorySpec{Before: &checks.Order{First: three, Then: service}}, nil, nil, checks.Fail, "missing"},
		"a step that has not opened":         {checks.HistorySpec{Never: few, Since: checks.SinceStep}, nil, nil, checks.Fail, "not-begun"},
		"within, made and deleted unnoticed": {checks.HistorySpec{Eventually: three, Within: time.Minute}, nil, []step{ready("3"), gone}, checks.Pass, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := apitest.New(t)
			for _, do := range tt.before {
				do(api)
			}
			began := checks.Beginning{Time: time.Now(), Version: api.Version()}
			for _, do := range tt.after {
				do(api)
			}
			l := start(t, checks.Config{REST: api.REST(), Began: began}, question(t, "past", checks.Spec{History: &tt.spec}))
			r := l.next().Result
			if r.Outcome != tt.outcome || r.Cause != tt.cause || r.Expected.Empty() {
				t.Errorf("got %+v", r)
			}
		})
	}
}

func TestHistoryGoesOn(t *testing.T) {
	api := apitest.New(t)
	readyPods(api, "3")
	began := checks.Beginning{Time: time.Now(), Version: api.Version()}
	spec := checks.Spec{History: &checks.HistorySpec{Never: deployment("object.status.readyReplicas < 2")}}
	l := start(t, checks.Config{REST: api.REST(), Began: began}, question(t, "past", spec))
	if r := l.next(); !r.Result.Passed() {
		t.Fatalf("at first: %+v", r)
	}
	readyPods(api, "1")
	readyPods(api, "3")
	want := reading{
		Outcome: "fail", Cause: "broken", Expected: "never: Deployment web: status.readyReplicas < 2",
		Seen: "for a time it was so: Deployment web has 1 of 3 pods ready",
		Why:  "The way there counts, not only where it ends.", Look: "drydock lesson reset",
	}
	if diff := cmp.Diff(want, read(l.next().Result, "en")); diff != "" {
		t.Errorf("reason (-want +got):\n%s", diff)
	}
}

// Questions about the past of different kinds: each is answered, whichever kind was read last.
func TestHistoriesOfDifferentKinds(t *testing.T) {
	api := apitest.New(t)
	readyPods(api, "3")
	began := checks.Beginning{Time: time.Now(), Version: api.Version()}
	l := start(t, checks.Config{REST: api.REST(), Began: began},
		question(t, "deployment", checks.Spec{History: &checks.HistorySpec{Eventually: deployment("true")}}),
		question(t, "service", checks.Spec{History: &checks.HistorySpec{Never: &checks.ObjectSpec{Kind: "Service", Name: "web"}}}))
	answered := map[string]bool{}
	for range 2 {
		r := l.next()
		answered[r.ID] = r.Result.Passed()
	}
	if diff := cmp.Diff(map[string]bool{"deployment": true, "service": true}, answered); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestHistoryThatIsForgotten(t *testing.T) {
	api := apitest.New(t)
	began := checks.Beginning{Time: time.Now(), Version: api.Version()}
	readyPods(api, "3")
	api.Forget()
	spec := checks.Spec{History: &checks.HistorySpec{Never: deployment("true")}}
	r := start(t, checks.Config{REST: api.REST(), Began: began}, question(t, "past", spec)).next().Result
	if r.Outcome != checks.Error || r.Seen.In("en") != "the API server could not be asked: the API server has forgotten what happened since the lesson began" {
		t.Errorf("got %+v", r)
	}
}

// recorded is a fixed set of decisions.
type recorded []decision.Record

func (r recorded) List() ([]decision.Record, error) { return r, nil }

var lessonBegan = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// change is a record of the API server, some seconds after the lesson began.
func change(second int, action, object, user, client, changed string) decision.Record {
	o, _ := decision.ParseObject(object)
	return decision.Record{
		Time: lessonBegan.Add(time.Duration(second) * time.Second), Actor: "apiserver", Object: o, Action: action,
		Details: map[string]string{"user": user, "client": client, "changed": changed},
	}
}

const controllers = "system:kube-controller-manager"

func TestActor(t *testing.T) {
	web := checks.About{Kind: "Pod", Name: "web-*"}
	scale := func(by string) checks.ActorSpec {
		return checks.ActorSpec{About: checks.About{Kind: "Deployment", Name: "web"}, Action: "update", Changed: "spec.replicas", By: by}
	}
	records := recorded{
		change(-5, "Create", "pods/default/web-0", "kubernetes-admin", "kubectl", ""),
		change(1, "Create", "pods/default/web-1", controllers, controllers, ""),
		change(2, "Delete", "pods/default/web-1", "kubernetes-admin", "kubectl", ""),
		change(3, "Patch", "pods/default/web-1", "system:node:node-1", "kubelet", "status.phase"),
		change(4, "Patch", "deployments/default/web", "kubernetes-admin", "kubectl", "metadata.generation spec.replicas"),
		change(5, "Create", "pods/default/notes", "kubernetes-admin", "drydock", ""),
		{Time: lessonBegan.Add(time.Second), Actor: "replicaset-controller", Action: "Create", Object: decision.Object{Resource: "pods", Namespace: "default", Name: "web-1"}},
	}
	for name, tt := range map[string]struct {
		spec checks.ActorSpec
		want reading
	}{
		"you scaled it": {scale("learner"), reading{Outcome: "pass", Expected: "Deployment web: update spec.replicas by you", Seen: "update web by you (kubectl)", Look: "drydock trace deployment/web"}},
		"nobody else did": {scale("controller"), reading{
			"fail", "another", "", "Deployment web: update spec.replicas by a controller", "update web by you (kubectl)",
			"The same change means something else when somebody else makes it.", "drydock trace deployment/web",
		}},
		"the controller made the pod": {checks.ActorSpec{About: web, Action: "create", By: "controller", Expect: checks.ExpectAll}, reading{
			Outcome: "pass", Expected: "Pod web-*: every create by a controller", Seen: "create web-1 by a controller (" + controllers + ")", Look: "drydock trace pod/NAME",
		}},
		"by its own name": {checks.ActorSpec{About: web, Action: "create", By: "replicaset-controller"}, reading{
			Outcome: "pass", Expected: "Pod web-*: create by replicaset-controller", Seen: "replicaset-controller: Create web-1: -", Look: "drydock trace pod/NAME",
		}},
		"you must not delete": {checks.ActorSpec{About: web, Action: "delete", By: "learner", Expect: checks.ExpectNone}, reading{
			"fail", "unwanted", "", "Pod web-*: no delete by you", "delete web-1 by you (kubectl)",
			"It has happened, and the past cannot be changed: reset the lesson to try again.", "drydock trace pod/NAME",
		}},
		"the lesson is not you": {checks.ActorSpec{About: checks.About{Kind: "Pod", Name: "notes"}, By: "learner"}, reading{
			"fail", "another", "", "Pod notes: change by you", "create notes by the lesson (drydock)",
			"The same change means something else when somebody else makes it.", "drydock trace pod/notes",
		}},
		"nobody": {checks.ActorSpec{About: checks.About{Kind: "Service"}, By: "learner"}, reading{
			"fail", "missing", "", "Service: change by you", "nothing of the kind",
			"The same change means something else when somebody else makes it.", "drydock trace service/NAME",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			v := checks.View{Records: records, Lesson: checks.Beginning{Time: lessonBegan}}
			if diff := cmp.Diff(tt.want, read(ask(t, checks.Spec{Actor: &tt.spec}, v), "en")); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEvent(t *testing.T) {
	event := func(version, reason, message string) string {
		return `{apiVersion: v1, kind: Event, metadata: {name: e` + version + `, namespace: default, resourceVersion: "` + version + `"},
  involvedObject: {kind: Pod, namespace: default, name: web}, type: Warning, reason: ` + reason + `, message: "` + message + `", lastTimestamp: "2030-01-01T12:00:05Z"}`
	}
	world := fixed{event("7", "Old", "before the lesson"), event("12", "FailedScheduling", "0/1 nodes are available")}
	about := checks.About{Kind: "Pod", Name: "web"}
	records := recorded{
		{Time: lessonBegan.Add(time.Second), Actor: "default-scheduler", Action: "Bind", After: "node-1", Reason: "Scheduled", Object: decision.Object{Resource: "pods", Namespace: "default", Name: "web"}},
	}
	const look, trace, why = "kubectl get events --sort-by=.metadata.creationTimestamp", "drydock trace pod/web", "What happened tells more than what is there now."
	for name, tt := range map[string]struct {
		spec checks.EventSpec
		want reading
	}{
		"it happened": {checks.EventSpec{About: about, Reason: "FailedScheduling", Type: "Warning"}, reading{
			Outcome: "pass", Expected: "FailedScheduling happens to Pod web", Seen: "web: FailedScheduling: 0/1 nodes are available", Look: look,
		}},
		"something else happened": {checks.EventSpec{About: about, Reason: "BackOff"}, reading{
			"fail", "missing", "", "BackOff happens to Pod web", "nothing of the kind; the last that happened: web: FailedScheduling: 0/1 nodes are available", why, look,
		}},
		"it happened before the lesson": {checks.EventSpec{About: about, Reason: "Old", Contains: "before"}, reading{
			"fail", "missing", "", `Old happens to Pod web (saying "before")`, "nothing of the kind; the last that happened: web: FailedScheduling: 0/1 nodes are available", why, look,
		}},
		"it must not happen": {checks.EventSpec{About: about, Reason: "FailedScheduling", Expect: checks.ExpectNone}, reading{
			"fail", "unwanted", "", "FailedScheduling does not happen to Pod web", "web: FailedScheduling: 0/1 nodes are available",
			"It has happened, and the past cannot be changed: reset the lesson to try again.", look,
		}},
		"a decision": {checks.EventSpec{About: about, Actor: "scheduler", Action: "Bind", Contains: "node-1"}, reading{
			Outcome: "pass", Expected: `scheduler Bind happens to Pod web (saying "node-1")`, Seen: "default-scheduler: Bind web: node-1", Look: trace,
		}},
		"another decision": {checks.EventSpec{About: about, Actor: "kubelet", Action: "Evict"}, reading{
			"fail", "missing", "", "kubelet Evict happens to Pod web", "nothing of the kind; the last that happened: default-scheduler: Bind web: node-1", why, trace,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			v := checks.View{Objects: world, Records: records, Lesson: checks.Beginning{Time: lessonBegan, Version: "10"}}
			if diff := cmp.Diff(tt.want, read(ask(t, checks.Spec{Event: &tt.spec}, v), "en")); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecordsOverHTTP(t *testing.T) {
	api := apitest.New(t)
	api.Record(change(0, "Create", "pods/default/other", "kubernetes-admin", "kubectl", ""))
	spec := checks.Spec{Actor: &checks.ActorSpec{About: checks.About{Kind: "Pod", Name: "web"}, By: "learner"}}
	l := start(t, checks.Config{REST: api.REST(), Began: checks.Beginning{Time: lessonBegan}}, question(t, "who", spec))
	if r := l.next(); r.Result.Cause != "missing" {
		t.Fatalf("at first: %+v", r)
	}
	api.Record(change(1, "Create", "pods/default/web", "kubernetes-admin", "kubectl", ""))
	if r := l.next(); !r.Result.Passed() {
		t.Errorf("after the change: %+v", r)
	}
}

func TestNoRecords(t *testing.T) {
	spec := checks.Spec{Actor: &checks.ActorSpec{About: checks.About{Kind: "Pod"}, By: "learner"}}
	r := start(t, checks.Config{REST: apitest.New(t).REST()}, question(t, "who", spec)).next().Result
	if r.Outcome != checks.Error {
		t.Errorf("a cluster that records nothing: %+v", r)
	}
}

// typed is a shell's history.
type typed []string

func (c typed) Typed() ([]string, error) { return c, nil }

func TestCommand(t *testing.T) {
	spec := checks.Spec{Command: &checks.CommandSpec{Matches: `^kubectl (get|describe) pods?\b`}}
	for name, tt := range map[string]struct {
		lines checks.Commands
		want  checks.Outcome
	}{
		"typed":      {typed{"ls", "kubectl get pods -w"}, checks.Pass},
		"not typed":  {typed{"echo kubectl get pods"}, checks.Fail},
		"nothing":    {typed{}, checks.Fail},
		"no history": {nil, checks.Error},
	} {
		if r := ask(t, spec, checks.View{Commands: tt.lines}); r.Outcome != tt.want {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// scripts answers with fixed words.
type scripts struct {
	out string
	err error
	got *string
}

func (s scripts) RunCheck(_ context.Context, _ string, input []byte) ([]byte, error) {
	if s.got != nil {
		*s.got = string(input)
	}
	return []byte(s.out), s.err
}

func TestScript(t *testing.T) {
	spec := checks.Spec{Script: &checks.ScriptSpec{Run: "cat", Kinds: []string{"Service"}}}
	world := fixed{`{apiVersion: v1, kind: Service, metadata: {name: web, namespace: default}}`, webRunning}
	var input string
	for name, tt := range map[string]struct {
		scripts scripts
		want    reading
	}{
		"pass":        {scripts{out: `{"outcome": "pass", "seen": "fine"}`}, reading{Outcome: "pass", Seen: "fine"}},
		"fail":        {scripts{out: `{"outcome": "fail", "expected": "two", "seen": "one", "look": "ls"}`}, reading{Outcome: "fail", Cause: "script", Expected: "two", Seen: "one", Why: "The lesson looked at the lab with a script of its own.", Look: "ls"}},
		"other words": {scripts{out: `{"outcome": "maybe"}`}, reading{Outcome: "error", Cause: "script", Seen: `the check's script gave no answer: it printed outcome "maybe" instead of pass or fail`}},
		"no JSON":     {scripts{out: `ok`}, reading{Outcome: "error", Cause: "script", Seen: "the check's script gave no answer: invalid character 'o' looking for beginning of value"}},
		"it broke":    {scripts{err: errors.New("exit status 2")}, reading{Outcome: "error", Cause: "script", Seen: "the check's script gave no answer: exit status 2"}},
	} {
		tt.scripts.got = &input
		r := ask(t, spec, checks.View{Objects: world, Scripts: tt.scripts})
		if diff := cmp.Diff(tt.want, read(r, "en")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if want := `{"Service":[{"apiVersion":"v1","kind":"Service","metadata":{"name":"web","namespace":"default"}}]}`; input != want {
		t.Errorf("the script read %s", input)
	}
}
