package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"drydock/engine/decision"
)

// Who made a change, as the API server knows it from the certificate of the request.
const (
	byLearner    = "learner"
	byLesson     = "lesson"
	byController = "controller"
	byScheduler  = "scheduler"
	byKubelet    = "kubelet"
	byFault      = "fault"
)

var sides = []string{byLearner, byLesson, byController, byScheduler, byKubelet, byFault}

// actorCheck is a compiled ActorSpec.
type actorCheck struct{ spec ActorSpec }

func compileActor(s ActorSpec) (Check, error) {
	if err := cmp.Or(s.About.check(), checkSince(s.Since)); err != nil {
		return nil, err
	}
	switch {
	case s.By == "":
		return nil, at(fmt.Errorf("say by whom: %s, or the name of a component", strings.Join(sides, ", ")), "by")
	case s.Action != "" && !slices.Contains([]string{"create", "update", "delete"}, s.Action):
		return nil, at(fmt.Errorf("action %q: use create, update or delete", s.Action), "action")
	case s.Changed != "" && s.Action != "" && s.Action != "update":
		return nil, at(errors.New("a changed field goes with action: update"), "changed")
	case s.Expect != "" && s.Expect != ExpectOne && s.Expect != ExpectAll && s.Expect != ExpectNone:
		return nil, at(fmt.Errorf("expect %q: use one, all or none", s.Expect), "expect")
	}
	return &actorCheck{s}, nil
}

func (c *actorCheck) Needs() Needs { return Needs{Records: true} }

func (c *actorCheck) Ask(_ context.Context, v View) Result {
	r := Result{Expected: c.wanted(), Look: c.spec.About.lookAt()}
	begins, ok := c.spec.Since.begins(v)
	if !ok {
		r.Outcome, r.Cause, r.Seen = Fail, "not-begun", stepNotOpen.with()
		return r
	}
	if v.Records == nil {
		return Result{Outcome: Error, Cause: "records", Seen: apiSilent.with(ErrNoRecords.Error())}
	}
	records, err := v.Records.List()
	if err != nil {
		return Result{Outcome: Error, Cause: "records", Seen: apiSilent.with(err.Error()), Look: lookStatus}
	}
	var theirs, others []decision.Record
	for _, rec := range records {
		if rec.Time.Before(begins) || !c.concerns(rec) {
			continue
		}
		if c.by(rec) {
			theirs = append(theirs, rec)
		} else if rec.Actor == "apiserver" {
			others = append(others, rec)
		}
	}
	return c.judge(r, theirs, others)
}

func (c *actorCheck) judge(r Result, theirs, others []decision.Record) Result {
	switch {
	case c.spec.Expect == ExpectNone && len(theirs) > 0:
		r.Outcome, r.Cause, r.Seen, r.Why = Fail, "unwanted", told(theirs[0]), whyPast.with()
	case c.spec.Expect == ExpectNone:
		r.Outcome, r.Seen = Pass, nothingSuch.with()
	case c.spec.Expect == ExpectAll && len(others) > 0:
		r.Outcome, r.Cause, r.Seen, r.Why = Fail, "another", told(others[0]), whyActor.with()
	case len(theirs) > 0:
		r.Outcome, r.Seen = Pass, told(theirs[len(theirs)-1])
	case len(others) > 0:
		r.Outcome, r.Cause, r.Seen, r.Why = Fail, "another", told(others[len(others)-1]), whyActor.with()
	default:
		r.Outcome, r.Cause, r.Seen, r.Why = Fail, "missing", nothingSuch.with(), whyActor.with()
	}
	return r
}

// told says who did it.
func told(r decision.Record) Text {
	if r.Actor != "apiserver" {
		return sawDecision.with(r.Actor, r.Action, r.Object.Name, cmp.Or(r.Message, r.After, r.Reason, "-"))
	}
	return sawChange.with(verb(r), r.Object.Name, sideText(side(r)), cmp.Or(r.Details["client"], "-"))
}

func (c *actorCheck) concerns(r decision.Record) bool {
	if !c.spec.About.concernsRecord(r.Object) || c.spec.Action != "" && verb(r) != c.spec.Action {
		return false
	}
	if c.spec.Changed == "" {
		return true
	}
	for _, path := range strings.Fields(r.Details["changed"]) {
		if path == c.spec.Changed || strings.HasPrefix(path, c.spec.Changed+".") {
			return true
		}
	}
	return false
}

// verb is what happened in one of three words. A record of a component has its own.
func verb(r decision.Record) string {
	switch r.Action {
	case "Create":
		return "create"
	case "Update", "Patch", "Apply", "Bind", "Scale":
		return "update"
	case "Delete", "DeleteCollection", "Evict":
		return "delete"
	default:
		return r.Action
	}
}

func (c *actorCheck) by(r decision.Record) bool {
	if slices.Contains(sides, c.spec.By) {
		return r.Actor == "apiserver" && side(r) == c.spec.By || c.spec.By == byFault && isFault(r)
	}
	return isActor(r, c.spec.By) || r.Actor == "apiserver" && (r.Details["client"] == c.spec.By || r.Details["user"] == c.spec.By)
}

func isFault(r decision.Record) bool { return r.Actor == byFault || r.Details["fault"] != "" }

// side is who stands behind a request. The cluster's own parts have users that begin with system:; the lesson speaks as
// the learner does and is known by its program.
func side(r decision.Record) string {
	user := r.Details["user"]
	switch {
	case isFault(r):
		return byFault
	case r.Details["impersonator"] != "":
		return byLearner // who asks as somebody else is still who they are
	case strings.HasPrefix(user, "system:node:"):
		return byKubelet
	case user == "system:kube-scheduler":
		return byScheduler
	case strings.HasPrefix(user, "system:kube-") || strings.HasPrefix(user, "system:serviceaccount:kube-system:") || user == "system:apiserver":
		return byController
	case r.Details["client"] == "drydock":
		return byLesson
	default:
		return byLearner
	}
}

func sideText(s string) Text {
	if p, ok := sideWords[s]; ok {
		return p.with()
	}
	return plainText(s)
}

func (c *actorCheck) wanted() Text {
	what := plainText(cmp.Or(c.spec.Action, "change"))
	if c.spec.Changed != "" {
		what = plainText("update " + c.spec.Changed)
	}
	form := wantActor
	switch c.spec.Expect {
	case ExpectNone:
		form = wantNotActor
	case ExpectAll:
		form = wantOnlyActor
	}
	return form.with(c.spec.About, what, sideText(c.spec.By))
}
