package checks

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// How many of the objects that are looked at must be right, and what is said when they are not.

func (c *objectCheck) askOne(vs []verdict, every []*unstructured.Unstructured) Result {
	if len(vs) == 0 {
		return c.missing(every)
	}
	best := vs[0]
	for _, v := range vs {
		if len(v.wrong) == 0 {
			return Result{Outcome: Pass, Expected: c.wanted(), Seen: describe(v.object)}
		}
		if len(v.wrong) < len(best.wrong) {
			best = v
		}
	}
	return c.mismatched(best, wantOneThat)
}

func (c *objectCheck) askAll(vs []verdict, every []*unstructured.Unstructured) Result {
	if len(vs) == 0 && !c.spec.AllowEmpty {
		return c.missing(every)
	}
	for _, v := range vs {
		if len(v.wrong) > 0 {
			return c.mismatched(v, wantAllThat)
		}
	}
	return Result{Outcome: Pass, Expected: c.wanted(), Seen: c.counted(vs)}
}

func (c *objectCheck) askNone(vs []verdict) Result {
	for _, v := range vs {
		if len(v.wrong) > 0 {
			continue
		}
		r := Result{
			Outcome: Fail, Cause: "unwanted", Expected: c.wanted(), Seen: describe(v.object),
			Why: whyUnwanted.with(), Look: c.lookAt(v.object.GetName()),
		}
		if v.object.GetDeletionTimestamp() != nil {
			r.Progress = describe(v.object)
		}
		return r
	}
	return Result{Outcome: Pass, Expected: c.wanted(), Seen: sawNothing.with()}
}

func (c *objectCheck) askCount(vs []verdict) Result {
	right := slices.DeleteFunc(slices.Clone(vs), func(v verdict) bool { return len(v.wrong) > 0 })
	n := len(right)
	few := c.spec.Count.Min != nil && n < *c.spec.Count.Min
	many := c.spec.Count.Max != nil && n > *c.spec.Count.Max
	r := Result{Outcome: Pass, Expected: c.wanted(), Seen: c.counted(right)}
	if !few && !many {
		return r
	}
	r.Outcome, r.Cause, r.Look = Fail, "too-few", c.lookAt("")
	r.Why = whyTooFew.with()
	if many {
		r.Cause, r.Why = "too-many", whyUnwanted.with()
	}
	for _, v := range vs {
		// Too many shrink when one of them ends; too few grow when one of the others starts.
		ending := v.object.GetDeletionTimestamp() != nil
		if text, ok := moving(v.object); ok && ending == many && (many || len(v.wrong) > 0) {
			r.Progress = text
			break
		}
	}
	return r
}

// missing is the answer when nothing is there to look at.
func (c *objectCheck) missing(every []*unstructured.Unstructured) Result {
	r := Result{
		Outcome: Fail, Cause: "missing", Expected: c.wanted(), Seen: sawNothing.with(),
		Why: whyMissing.with(), Look: c.lookAt(""),
	}
	if len(every) > 0 {
		r.Seen = sawOthers.with(names(every))
	}
	return r
}

func (c *objectCheck) mismatched(v verdict, form phrase) Result {
	m := v.wrong[0]
	name := v.object.GetName()
	r := Result{
		Outcome: Fail, Cause: "mismatch",
		Expected: form.with(c.subject(name), m.expected),
		Seen:     joinTexts("; ", describe(v.object)),
		Why:      whyMismatch.with(),
		Look:     c.lookAt(name),
	}
	if !m.seen.Empty() && !m.status {
		r.Seen = sawOne.with(short(c.spec.Kind)+"/"+name, m.seen)
	} else if !m.seen.Empty() {
		r.Seen = joinTexts("; ", m.seen, describe(v.object))
	}
	if len(c.spec.Show) > 0 {
		r.Seen = sawOne.with(short(c.spec.Kind)+"/"+name, projection(v.object, c.spec.Show))
	}
	if !m.look.Empty() {
		r.Look = m.look
	}
	if m.status {
		r.Why = whyStatus.with()
	}
	if text, ok := moving(v.object); ok && allStatus(v.wrong) && v.object.GetDeletionTimestamp() == nil {
		r.Progress = text
	}
	return r
}

func allStatus(ms []mismatch) bool {
	return !slices.ContainsFunc(ms, func(m mismatch) bool { return !m.status })
}

// projection is the fields of an object that the author wants to be seen.
func projection(o *unstructured.Unstructured, paths []string) Text {
	var out []Text
	for _, path := range paths {
		value, found, err := unstructured.NestedFieldNoCopy(o.Object, strings.Split(path, ".")...)
		if err != nil || !found {
			out = append(out, fieldUnset.with(path))
			continue
		}
		out = append(out, fieldIs.with(path, show(value)))
	}
	return joinTexts(", ", out...)
}
