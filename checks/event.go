package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"drydock/engine/decision"
)

// eventCheck is a compiled EventSpec.
type eventCheck struct{ spec EventSpec }

func compileEvent(s EventSpec) (Check, error) {
	if err := cmp.Or(s.About.check(), checkSince(s.Since)); err != nil {
		return nil, err
	}
	switch {
	case s.Reason == "" && s.Action == "" && s.Contains == "":
		return nil, errors.New("an event check needs a reason, an action or a part of the message")
	case s.Type != "" && s.Type != "Normal" && s.Type != "Warning":
		return nil, at(fmt.Errorf("type %q: use Normal or Warning", s.Type), "type")
	case s.Type != "" && (s.Actor != "" || s.Action != ""):
		return nil, at(errors.New("a type goes with Events; decisions have an actor and an action"), "type")
	case s.Expect != "" && s.Expect != ExpectOne && s.Expect != ExpectNone:
		return nil, at(fmt.Errorf("expect %q: use one or none", s.Expect), "expect")
	}
	return &eventCheck{s}, nil
}

// decided reports whether decisions are meant and not Events.
func (c *eventCheck) decided() bool { return c.spec.Actor != "" || c.spec.Action != "" }

func (c *eventCheck) kind() Kind {
	return Kind{schema.GroupVersionKind{Version: "v1", Kind: "Event"}, c.eventsIn()}
}

// eventsIn is where Events about the objects are: those about objects without a namespace are in the default one.
func (c *eventCheck) eventsIn() string {
	if c.spec.About.Namespace == "*" {
		return ""
	}
	return cmp.Or(c.spec.About.namespace(), "default")
}

func (c *eventCheck) Needs() Needs {
	if c.decided() {
		return Needs{Records: true}
	}
	return Needs{Kinds: []Kind{c.kind()}}
}

func (c *eventCheck) Ask(_ context.Context, v View) Result {
	r := Result{Expected: c.wanted(), Look: c.look()}
	begins, ok := c.spec.Since.begins(v)
	if !ok {
		r.Outcome, r.Cause, r.Seen = Fail, "not-begun", stepNotOpen.with()
		return r
	}
	seen, happened, err := c.find(v, begins)
	switch {
	case err != nil:
		return Result{Outcome: Error, Cause: "records", Seen: apiSilent.with(err.Error()), Look: lookStatus}
	case happened && c.spec.Expect == ExpectNone:
		r.Outcome, r.Cause, r.Seen, r.Why = Fail, "unwanted", seen, whyPast.with()
	case happened:
		r.Outcome, r.Seen = Pass, seen
	case c.spec.Expect == ExpectNone:
		r.Outcome, r.Seen = Pass, nothingSuch.with()
	default:
		r.Outcome, r.Cause, r.Seen, r.Why = Fail, "missing", nothingSuch.with(), whyEvent.with()
		if !seen.Empty() {
			r.Seen = otherThings.with(seen)
		}
	}
	return r
}

// find looks for what is wanted. When it did not happen, the text says what happened to the same objects last.
func (c *eventCheck) find(v View, begins time.Time) (Text, bool, error) {
	if c.decided() {
		return c.findDecision(v, begins)
	}
	events, err := v.Objects.List(c.kind())
	if err != nil {
		return nil, false, err
	}
	var other Text
	var newest time.Time
	for _, e := range events {
		kind, namespace, name := involved(e)
		if !c.spec.About.concerns(kind, namespace, name) || !c.young(v, e, begins) {
			continue
		}
		if c.matches(e) {
			return sawEvent.with(name, field(e, "reason"), show(field(e, "message"))), true, nil
		}
		if last := eventTime(e); last.After(newest) {
			newest, other = last, sawEvent.with(name, field(e, "reason"), show(field(e, "message")))
		}
	}
	return other, false, nil
}

func (c *eventCheck) matches(e *unstructured.Unstructured) bool {
	return (c.spec.Reason == "" || field(e, "reason") == c.spec.Reason) &&
		(c.spec.Type == "" || field(e, "type") == c.spec.Type) &&
		strings.Contains(field(e, "message"), c.spec.Contains)
}

// young reports whether an Event happened, or happened again, since the beginning. Its times count seconds only: what
// is as old as the lesson is told apart by the API server's version.
func (c *eventCheck) young(v View, e *unstructured.Unstructured, begins time.Time) bool {
	if from := version(v.Lesson.Version); from > 0 && versionOf(e) > 0 && versionOf(e) <= from {
		return false
	}
	if c.spec.Since == SinceStep {
		return !eventTime(e).Before(begins.Truncate(time.Second))
	}
	return true
}

func (c *eventCheck) findDecision(v View, begins time.Time) (Text, bool, error) {
	if v.Records == nil {
		return nil, false, ErrNoRecords
	}
	records, err := v.Records.List()
	if err != nil {
		return nil, false, err
	}
	var other Text
	for _, r := range records {
		if r.Time.Before(begins) || !c.spec.About.concernsRecord(r.Object) {
			continue
		}
		text := sawDecision.with(r.Actor, r.Action, r.Object.Name, show(cmp.Or(r.Message, r.After, r.Reason, "-")))
		if c.matchesRecord(r) {
			return text, true, nil
		}
		if r.Actor != "apiserver" {
			other = text
		}
	}
	return other, false, nil
}

func (c *eventCheck) matchesRecord(r decision.Record) bool {
	return isActor(r, c.spec.Actor) && (c.spec.Action == "" || r.Action == c.spec.Action) &&
		(c.spec.Reason == "" || r.Reason == c.spec.Reason) &&
		(strings.Contains(r.Message, c.spec.Contains) || strings.Contains(r.After, c.spec.Contains))
}

// isActor compares a component with its name, with or without the node it runs on. The scheduler is known by its short
// name as well.
func isActor(r decision.Record, name string) bool {
	part, _, _ := strings.Cut(r.Actor, "/")
	return name == "" || r.Actor == name || part == name || part == "default-"+name
}

func (c *eventCheck) wanted() Text {
	what := cmp.Or(c.spec.Reason, c.spec.Action)
	if c.decided() {
		what = strings.Trim(c.spec.Actor+" "+cmp.Or(c.spec.Action, c.spec.Reason), " ")
	}
	t := wantEvent.with(what, c.spec.About)
	if c.spec.Expect == ExpectNone {
		t = wantNoEvent.with(what, c.spec.About)
	}
	if c.spec.Contains != "" {
		t = joinTexts(" ", t, saying.with(c.spec.Contains))
	}
	return t
}

func (c *eventCheck) look() Text {
	if c.decided() {
		return c.spec.About.lookAt()
	}
	command := "kubectl get events --sort-by=.metadata.creationTimestamp"
	if n := c.eventsIn(); n == "" {
		command += " -A"
	} else if n != "default" {
		command += " -n " + n
	}
	return plainText(command)
}

func involved(e *unstructured.Unstructured) (kind, namespace, name string) {
	about, _, _ := unstructured.NestedMap(e.Object, "involvedObject")
	kind, _ = about["kind"].(string)
	namespace, _ = about["namespace"].(string)
	name, _ = about["name"].(string)
	return kind, namespace, name
}

func field(o *unstructured.Unstructured, name string) string {
	s, _, _ := unstructured.NestedString(o.Object, name)
	return s
}

// eventTime is when an Event happened last.
func eventTime(e *unstructured.Unstructured) time.Time {
	newest := e.GetCreationTimestamp().Time
	for _, path := range [][]string{{"lastTimestamp"}, {"eventTime"}, {"series", "lastObservedTime"}} {
		text, _, _ := unstructured.NestedString(e.Object, path...)
		if t, err := time.Parse(time.RFC3339Nano, text); err == nil && t.After(newest) {
			newest = t
		}
	}
	return newest
}
