package plain

import (
	"context"
	"fmt"
	"strings"

	"drydock/lessons/golden"
)

// PackMutate tries wrong answers on the pack in a folder and names the goals that none of them left open. When it is interrupted it
// tells what it knows by then.
func (m Mode) PackMutate(ctx context.Context, dir string, o TestOptions, most int) int {
	p, code := m.load(dir)
	if p == nil {
		return code
	}
	t := &testLine{Mode: m, on: o.Progress}
	tried, unbroken, err := golden.Mutate(ctx, golden.Config{
		Pack: p, Labs: o.Labs, Scripts: o.Scripts, Lessons: o.Lessons, Jobs: o.Jobs,
		Begin:  func(all int) { t.all = all; t.draw() },
		Report: func(golden.Case) { t.wipe(); t.done++; t.draw() },
	}, most)
	t.wipe()
	if err != nil && t.all == 0 { // nothing was begun
		fmt.Fprintln(m.Err, err)
		return Broken
	}
	if m.JSON {
		code = m.writeJSON(map[string]any{"tried": append([]golden.Mutation{}, tried...), "unbroken": append([]golden.Unbroken{}, unbroken...)})
	} else {
		for _, one := range tried {
			m.say(triedWrong, one.Lesson, one.Name, strings.Join(one.Open, " "))
			if one.Problem != "" {
				m.say(lintProblem, one.Problem)
			}
		}
		for _, u := range unbroken {
			m.say(nothingBreaks, u.Lesson, u.Goal)
		}
		m.say(triedSummary, len(tried), len(unbroken))
	}
	if err != nil { // interrupted: what was known by then has been told
		fmt.Fprintf(m.Err, triedPart.In(m.Lang)+"\n", len(tried), t.all, err)
		return Broken
	}
	if len(unbroken) > 0 {
		return No
	}
	return code
}
