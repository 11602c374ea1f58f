package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
	alone    bool // part of a history: nothing but the kind itself is known
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

// clusterWide are the well-known kinds without a namespace. A Component is what `drydock component` stops: of it there are
// records only.
var clusterWide = []string{"Namespace", "Node", "PersistentVolume", "Component"}

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

func (c *objectCheck) Needs() Needs {
	return Needs{Kinds: append([]Kind{c.kind}, chainKinds(c.kind)...)}
}

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
	r := c.answer(verdicts, every)
	if r.Outcome != Fail || c.alone {
		return r
	}
	if cause := c.because(verdicts, v.Objects); !cause.Empty() {
		r.Seen = joinTexts("; ", r.Seen, cause)
	}
	return r
}

func (c *objectCheck) answer(verdicts []verdict, every []*unstructured.Unstructured) Result {
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

// because is what stands behind a failure: behind the first object that is not as it should be.
func (c *objectCheck) because(verdicts []verdict, objects Objects) Text {
	if c.spec.Kind == "EndpointSlice" || c.spec.Kind == "Endpoints" {
		return endpointsBecause(c.spec.Name, c.spec, c.kind.Namespace, objects)
	}
	if c.spec.Expect == ExpectNone {
		return nil
	}
	for _, v := range verdicts {
		if len(v.wrong) > 0 && slices.ContainsFunc(v.wrong, func(m mismatch) bool { return m.status }) {
			return because(v.object, objects)
		}
	}
	return nil
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
