package checks

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// commandEvery is how often the shell's history is read while the command has not been seen: a file in the learner's
// folder has no watch of the API server.
const commandEvery = 2 * time.Second

// commandCheck is a compiled CommandSpec.
type commandCheck struct {
	spec    CommandSpec
	pattern *regexp.Regexp
}

func compileCommand(s CommandSpec) (Check, error) {
	if s.Matches == "" {
		return nil, at(fmt.Errorf("a command check needs a pattern that a typed line must match"), "matches")
	}
	pattern, err := regexp.Compile(s.Matches)
	if err != nil {
		return nil, at(fmt.Errorf("pattern %q: %w", s.Matches, err), "matches")
	}
	return &commandCheck{s, pattern}, nil
}

func (c *commandCheck) Needs() Needs { return Needs{Slow: true, Every: commandEvery} }

func (c *commandCheck) Ask(_ context.Context, v View) Result {
	r := Result{Outcome: Fail, Cause: "not-typed", Expected: wantTyped.with(c.spec.Matches), Seen: notTyped.with()}
	if v.Commands == nil {
		return Result{Outcome: Error, Cause: "commands", Expected: r.Expected, Seen: noHistory.with()}
	}
	lines, err := v.Commands.Typed()
	if err != nil {
		return Result{Outcome: Error, Cause: "commands", Expected: r.Expected, Seen: apiSilent.with(err.Error())}
	}
	for _, line := range lines {
		if c.pattern.MatchString(line) {
			r.Outcome, r.Cause, r.Seen = Pass, "", plainText(show(line))
		}
	}
	return r
}
