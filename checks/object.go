package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// objectCheck is a compiled ObjectSpec.
type objectCheck struct {
	spec     ObjectSpec
	kind     Kind
	selector labels.Selector
	where    *condition
	that     []*condition
}

// wellKnown are the kinds that need no apiVersion.
var wellKnown = map[string]string{
	"Pod": "v1", "Service": "v1", "Namespace": "v1", "Node": "v1", "ConfigMap": "v1", "Secret": "v1",
	"ServiceAccount": "v1", "Event": "v1", "PersistentVolume": "v1", "PersistentVolumeClaim": "v1", "Endpoints": "v1",
	"ResourceQuota": "v1", "LimitRange": "v1", "ReplicationController": "v1",
	"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "DaemonSet": "apps/v1",
	"Job": "batch/v1", "CronJob": "batch/v1", "EndpointSlice": "discovery.k8s.io/v1",
	"Ingress": "networking.k8s.io/v1", "NetworkPolicy": "networking.k8s.io/v1", "Lease": "coordination.k8s.io/v1",
}

// clusterWide are the well-known kinds without a namespace.
var clusterWide = []string{"Namespace", "Node", "PersistentVolume"}

func compileObject(s ObjectSpec) (Check, error) {
	c := &objectCheck{spec: s}
	var err error
	if c.kind, err = objectKind(s); err != nil {
		return nil, err
	}
	if c.selector, err = labels.Parse(s.Selector); err != nil {
		return nil, at(fmt.Errorf("selector %q: %w", s.Selector, err), "selector")
	}
	if s.Where != "" {
		if c.where, err = compileCondition(Condition{CEL: s.Where}); err != nil {
			return nil, at(err, "where")
		}
	}
	for i, that := range s.That {
		compiled, err := compileCondition(that)
		if err != nil {
			return nil, at(err, "that", fmt.Sprint(i))
		}
		c.that = append(c.that, compiled)
	}
	return c, checkQuantity(s)
}

func objectKind(s ObjectSpec) (Kind, error) {
	if s.Kind == "" {
		return Kind{}, at(errors.New("an object check needs a kind, such as Pod"), "kind")
	}
	version := s.APIVersion
	if version == "" {
		version = wellKnown[s.Kind]
	}
	if version == "" {
		return Kind{}, at(fmt.Errorf("kind %s needs an apiVersion beside it", s.Kind), "kind")
	}
	gv, err := schema.ParseGroupVersion(version)
	if err != nil {
		return Kind{}, at(fmt.Errorf("apiVersion %q: %w", version, err), "apiVersion")
	}
	kind := Kind{GroupVersionKind: gv.WithKind(s.Kind), Namespace: s.Namespace}
	switch {
	case s.Namespace == "*" || slices.Contains(clusterWide, s.Kind):
		kind.Namespace = ""
	case s.Namespace == "":
		kind.Namespace = "default"
	}
	return kind, nil
}

func checkQuantity(s ObjectSpec) error {
	switch s.Expect {
	case "", ExpectOne, ExpectAll, ExpectNone:
	default:
		return at(fmt.Errorf("expect %q: use one, all or none, or give a count", s.Expect), "expect")
	}
	if s.Count != nil && s.Expect != "" {
		return at(errors.New("give either expect or count"), "count")
	}
	if s.Count != nil && s.Count.Min == nil && s.Count.Max == nil {
		return at(errors.New("a count needs a number, or min, or max"), "count")
	}
	if s.AllowEmpty && s.Expect != ExpectAll {
		return at(errors.New("allowEmpty goes with expect: all"), "allowEmpty")
	}
	if s.Expect == ExpectAll && len(s.Match) == 0 && len(s.That) == 0 {
		return at(errors.New("expect: all needs a match or a condition to hold for each object"), "expect")
	}
	return nil
}

func (c *objectCheck) Needs() Needs { return Needs{Kinds: []Kind{c.kind}} }

// verdict is one object and what is wrong with it.
type verdict struct {
	object *unstructured.Unstructured
	wrong  []mismatch
}

func (c *objectCheck) Ask(ctx context.Context, v View) Result {
	every, err := v.Objects.List(c.kind)
	if err != nil {
		return Result{Outcome: Error, Cause: "api", Seen: apiSilent.with(err.Error()), Look: lookStatus}
	}
	verdicts, err := c.judge(ctx, every)
	switch {
	case ctx.Err() != nil:
		return Result{Outcome: Timeout, Cause: "timeout", Seen: noTime.with()}
	case err != nil:
		return Result{Outcome: Error, Cause: "condition", Seen: condCostly.with(err.Error())}
	}
	switch {
	case c.spec.Count != nil:
		return c.askCount(verdicts)
	case c.spec.Expect == ExpectAll:
		return c.askAll(verdicts, every)
	case c.spec.Expect == ExpectNone:
		return c.askNone(verdicts)
	default:
		return c.askOne(verdicts, every)
	}
}

// judge picks the objects that are looked at and finds what is wrong with each.
func (c *objectCheck) judge(ctx context.Context, every []*unstructured.Unstructured) ([]verdict, error) {
	chosen, list, err := c.choose(ctx, every)
	if err != nil {
		return nil, err
	}
	out := make([]verdict, 0, len(chosen))
	for _, o := range chosen {
		var wrong []mismatch
		if len(c.spec.Match) > 0 {
			wrong = match("", c.spec.Match, o.Object)
		}
		for _, that := range c.that {
			m, err := that.ask(ctx, map[string]any{"object": o.Object, "objects": list})
			if err != nil {
				return nil, err
			}
			if m != nil {
				wrong = append(wrong, *m)
			}
		}
		out = append(out, verdict{o, wrong})
	}
	return out, nil
}

func (c *objectCheck) choose(ctx context.Context, every []*unstructured.Unstructured) ([]*unstructured.Unstructured, []any, error) {
	var chosen []*unstructured.Unstructured
	list := []any{}
	for _, o := range every {
		if c.spec.Name != "" && o.GetName() != c.spec.Name || !c.selector.Matches(labels.Set(o.GetLabels())) {
			continue
		}
		if c.where != nil {
			m, err := c.where.ask(ctx, map[string]any{"object": o.Object, "objects": []any{}})
			if err != nil {
				return nil, nil, err
			}
			if m != nil {
				continue
			}
		}
		chosen = append(chosen, o)
		list = append(list, o.Object)
	}
	return chosen, list, nil
}

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

// subject names what is looked at: "Pod web", "Pod with labels app=web".
func (c *objectCheck) subject(name string) Text {
	kind := plainText(c.spec.Kind)
	var t Text
	switch {
	case name != "":
		t = wantNamed.with(kind, name)
	case c.spec.Name != "":
		t = wantNamed.with(kind, c.spec.Name)
	case c.spec.Selector != "":
		t = wantSelected.with(kind, c.spec.Selector)
	default:
		t = wantAny.with(kind)
	}
	switch {
	case c.spec.Namespace == "*":
		return inAllSpaces.with(t)
	case c.kind.Namespace != "" && c.kind.Namespace != "default":
		return inNamespace.with(t, c.kind.Namespace)
	default:
		return t
	}
}

// wanted says what is expected, as a whole.
func (c *objectCheck) wanted() Text {
	subject, what := c.subject(""), c.conditions()
	switch {
	case c.spec.Count != nil && what.Empty():
		return wantCount.with(subject, c.spec.Count.text())
	case c.spec.Count != nil:
		return wantCountOf.with(subject, c.spec.Count.text(), what)
	case c.spec.Expect == ExpectNone && what.Empty():
		return wantNone.with(subject)
	case c.spec.Expect == ExpectNone:
		return wantNoneThat.with(subject, what)
	case what.Empty():
		return wantOne.with(subject)
	case c.spec.Expect == ExpectAll:
		return wantAllThat.with(subject, what)
	default:
		return wantOneThat.with(subject, what)
	}
}

func (c *objectCheck) conditions() Text {
	var parts []Text
	if len(c.spec.Match) > 0 {
		parts = demands("", c.spec.Match)
	}
	for _, that := range c.that {
		if !that.source.Say.Empty() {
			parts = append(parts, that.source.Say)
			continue
		}
		for _, t := range that.terms {
			parts = append(parts, t.explain(context.Background(), map[string]any{}).expected)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return joinTexts(", ", parts...)
}

func (n Count) text() Text {
	switch {
	case n.Min != nil && n.Max != nil && *n.Min == *n.Max:
		return exactly.with(*n.Min)
	case n.Min != nil && n.Max != nil:
		return between.with(*n.Min, *n.Max)
	case n.Min != nil:
		return atLeast.with(*n.Min)
	default:
		return atMost.with(*n.Max)
	}
}

func (c *objectCheck) counted(vs []verdict) Text {
	if len(vs) == 0 {
		return sawZero.with()
	}
	objects := make([]*unstructured.Unstructured, len(vs))
	for i, v := range vs {
		objects[i] = v.object
	}
	return sawCount.with(len(vs), names(objects))
}

// names lists objects by name, the first few of them.
func names(os []*unstructured.Unstructured) string {
	const most = 6
	var out []string
	for i, o := range os {
		if i == most {
			out = append(out, "…")
			break
		}
		out = append(out, o.GetName())
	}
	return strings.Join(out, ", ")
}

// lookAt is the command to run next: describe for one object, a list otherwise.
func (c *objectCheck) lookAt(name string) Text {
	command := "kubectl get " + short(c.spec.Kind) + "s"
	if strings.HasSuffix(short(c.spec.Kind), "s") {
		command = "kubectl get " + short(c.spec.Kind)
	}
	if name != "" {
		command = "kubectl describe " + short(c.spec.Kind) + " " + name
	} else if c.spec.Selector != "" {
		command += " --show-labels"
	}
	switch {
	case c.spec.Namespace == "*":
		command += " -A"
	case c.kind.Namespace != "" && c.kind.Namespace != "default":
		command += " -n " + c.kind.Namespace
	}
	return plainText(command)
}
