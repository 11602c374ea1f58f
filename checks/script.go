package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Limits of scripts.
const (
	scriptTimeout = 5 * time.Second
	scriptEvery   = 5 * time.Second
)

// scriptCheck is a compiled ScriptSpec.
type scriptCheck struct {
	spec  ScriptSpec
	kinds []Kind
}

func compileScript(s ScriptSpec) (Check, error) {
	if s.Run == "" {
		return nil, at(errors.New("a script check needs a script"), "run")
	}
	if s.Timeout < 0 || s.Timeout > time.Minute {
		return nil, at(fmt.Errorf("timeout %s: use at most 1m", s.Timeout), "timeout")
	}
	s.Timeout = cmp.Or(s.Timeout, scriptTimeout)
	if len(s.Kinds) == 0 {
		s.Kinds = []string{"Pod"}
	}
	c := &scriptCheck{spec: s}
	for i, name := range s.Kinds {
		kind, err := objectKind(ObjectSpec{Kind: name, Namespace: "*"})
		if err != nil {
			return nil, at(err, "kinds", fmt.Sprint(i))
		}
		c.kinds = append(c.kinds, kind)
	}
	return c, nil
}

func (c *scriptCheck) Needs() Needs { return Needs{Kinds: c.kinds, Slow: true, Every: scriptEvery} }

// scriptAnswer is what a script prints.
type scriptAnswer struct {
	Outcome  Outcome `json:"outcome"` // "pass" or "fail"
	Cause    string  `json:"cause"`
	Expected string  `json:"expected"`
	Seen     string  `json:"seen"`
	Look     string  `json:"look"`
}

func (c *scriptCheck) Ask(ctx context.Context, v View) Result {
	if v.Scripts == nil {
		return Result{Outcome: Error, Cause: "script", Seen: scriptSilent.with("nobody can run scripts here")}
	}
	input, err := c.world(v.Objects)
	if err != nil {
		return Result{Outcome: Error, Cause: "api", Seen: apiSilent.with(err.Error()), Look: lookStatus}
	}
	ctx, stop := context.WithTimeout(ctx, c.spec.Timeout)
	defer stop()
	out, err := v.Scripts.RunCheck(ctx, c.spec.Run, input)
	if ctx.Err() != nil {
		return Result{Outcome: Timeout, Cause: "timeout", Seen: noTime.with()}
	}
	var answer scriptAnswer
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	if err == nil && answer.Outcome != Pass && answer.Outcome != Fail {
		err = fmt.Errorf("it printed outcome %q instead of pass or fail", answer.Outcome)
	}
	if err != nil {
		return Result{Outcome: Error, Cause: "script", Seen: scriptSilent.with(err.Error())}
	}
	r := Result{
		Outcome: answer.Outcome, Expected: English(answer.Expected), Seen: English(answer.Seen), Look: English(answer.Look),
	}
	if r.Outcome == Fail {
		r.Cause = cmp.Or(answer.Cause, "script")
	}
	return r
}

// world is what the script gets to read: {"Pod": [...], "Service": [...]}.
func (c *scriptCheck) world(objects Objects) ([]byte, error) {
	out := map[string][]*unstructured.Unstructured{}
	for i, kind := range c.kinds {
		list, err := objects.List(kind)
		if err != nil {
			return nil, err
		}
		out[c.spec.Kinds[i]] = append([]*unstructured.Unstructured{}, list...)
	}
	return json.Marshal(out)
}
