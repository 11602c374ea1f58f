package checks

import (
	"context"
	"errors"
	"fmt"
)

// parts is `all` or `any` over other checks.
type parts struct {
	checks []Check
	any    bool
}

func compileParts(name string, specs []Spec) (Check, error) {
	if len(specs) == 0 {
		return nil, at(fmt.Errorf("%s needs at least one check", name), name)
	}
	p := &parts{any: name == "any"}
	for i, s := range specs {
		c, err := below(name, func() (Check, error) {
			return below(fmt.Sprint(i), func() (Check, error) { return Compile(s) })
		})
		if err != nil {
			return nil, err
		}
		p.checks = append(p.checks, c)
	}
	return p, nil
}

func (p *parts) Needs() Needs {
	var n Needs
	for _, c := range p.checks {
		n = n.with(c.Needs())
	}
	return n
}

// with is what two checks need together.
func (n Needs) with(o Needs) Needs {
	n.Kinds = append(n.Kinds[:len(n.Kinds):len(n.Kinds)], o.Kinds...)
	n.Past = append(n.Past[:len(n.Past):len(n.Past)], o.Past...)
	n.Answers, n.Records = n.Answers || o.Answers, n.Records || o.Records
	n.Slow = n.Slow || o.Slow
	if n.Every == 0 || o.Every != 0 && o.Every < n.Every {
		n.Every = o.Every
	}
	return n
}

// Ask gives the answer that decides. Of several that are open it is the one that tells most: for `all` what we could
// not find out, then what is wrong, then what is on its way; for `any` what is nearest to passing.
func (p *parts) Ask(ctx context.Context, v View) Result {
	var decides Result
	for i, c := range p.checks {
		r := c.Ask(ctx, v)
		if p.any && r.Passed() {
			return r
		}
		if i == 0 || p.weight(r) > p.weight(decides) {
			decides = r
		}
	}
	return decides
}

func (p *parts) weight(r Result) int {
	switch {
	case r.Passed():
		return -1
	case r.Outcome != Fail:
		return 3
	case r.OnItsWay():
		if p.any {
			return 2
		}
		return 1
	case r.Outcome == Fail && !p.any:
		return 2
	default:
		return 0
	}
}

// negation is `not`.
type negation struct{ inner Check }

func compileNot(s Spec) (Check, error) {
	if s.Not != nil {
		return nil, errors.New("not over not: leave both out")
	}
	c, err := Compile(s)
	if err != nil {
		return nil, err
	}
	return &negation{c}, nil
}

func (n *negation) Needs() Needs { return n.inner.Needs() }

func (n *negation) Ask(ctx context.Context, v View) Result {
	r := n.inner.Ask(ctx, v)
	switch r.Outcome {
	case Pass:
		out := Result{Outcome: Fail, Cause: "unwanted", Expected: mustNotHold.with(r.Expected), Seen: r.Seen, Look: r.Look}
		if out.Seen.Empty() {
			out.Seen = itHolds.with()
		}
		return out
	case Fail:
		return Result{Outcome: Pass, Expected: mustNotHold.with(r.Expected), Seen: r.Seen}
	default:
		return r
	}
}
