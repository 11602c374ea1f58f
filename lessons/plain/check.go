package plain

import (
	"context"
	"fmt"
	"strings"

	"drydock/checks"
	"drydock/lessons/course"
	"drydock/lessons/pack"
)

// Check asks the goals ("" is all) and prints one sentence each. It returns OK when all that were asked are reached.
func (m Mode) Check(ctx context.Context, c *course.Course, goal string) int {
	return m.looked(ctx, c, func(ctx context.Context, s *course.State) int {
		if goal != "" && s.Goal(goal) == nil {
			return m.noGoal(s, goal)
		}
		s, err := m.held(ctx, c)
		if err != nil {
			return m.failed(err)
		}
		wanted := func(g *course.GoalState) bool { return goal == "" || g.Goal.ID == goal }
		if m.JSON {
			m.writeJSON(m.verdicts(s, wanted))
		} else {
			m.told(c, s, goal)
		}
		for i := range s.Goals {
			if g := &s.Goals[i]; wanted(g) && g.Mark != course.Done && (g.Goal.Kind != pack.Bonus || goal != "") {
				return No
			}
		}
		return OK
	})
}

// held waits until every goal that looks right has lasted as long as it must, or has not. Without that a check that is asked once
// could never see such a goal reached. It says so, where it does not disturb what is read by a program.
func (m Mode) held(ctx context.Context, c *course.Course) (*course.State, error) {
	told := map[string]bool{}
	for {
		changed := c.Changed()
		s := c.State()
		holding := false
		for i := range s.Goals {
			g := &s.Goals[i]
			if g.Result.Cause != checks.Holding {
				continue
			}
			holding = true
			if !told[g.Goal.ID] && !g.Goal.Hidden {
				fmt.Fprintf(m.Err, waitsForHold.In(m.Lang)+"\n", m.text(g.Goal.Text), m.text(g.Result.Progress))
			}
			told[g.Goal.ID] = true
		}
		if !holding {
			return s, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return s, context.Cause(ctx)
		}
	}
}

func (m Mode) noGoal(s *course.State, goal string) int {
	var ids []string
	for _, g := range s.Goals {
		ids = append(ids, g.Goal.ID)
	}
	fmt.Fprintf(m.Err, unknownGoal.In(m.Lang)+"\n", goal, strings.Join(ids, ", "))
	return Usage
}

// told prints the goals that may be seen, and what is true of the lesson as a whole.
func (m Mode) told(c *course.Course, s *course.State, goal string) {
	lesson := c.Current()
	if goal != "" {
		m.goals(s, func(g *course.GoalState) bool { return g.Goal.ID == goal })
		return
	}
	m.goals(s, visible(lesson, s))
	done, all := 0, 0
	for _, g := range s.Goals {
		if g.Goal.Kind == pack.Guard {
			continue // it was never to be reached
		}
		all++
		if g.Mark == course.Done {
			done++
		}
	}
	m.say(reached, done, all, s.Score)
	if !s.Stuck.Empty() {
		m.say(stuckNow, m.text(s.Stuck))
	}
	if s.Trouble != nil {
		m.say(trouble, s.Trouble)
	}
	if s.Done {
		fmt.Fprintln(m.Out)
		fmt.Fprintln(m.Out, plainMarkdown(m.text(lesson.Debrief)))
		fmt.Fprintln(m.Out)
		m.say(lessonEnd)
	}
}

// visible picks the goals of the open steps, and guards: they hold from the start.
func visible(lesson *pack.Lesson, s *course.State) func(*course.GoalState) bool {
	open := map[string]bool{}
	for _, step := range lesson.Steps[:s.Open] {
		open[step.ID] = true
	}
	return func(g *course.GoalState) bool { return open[g.Step] || g.Goal.Kind == pack.Guard }
}

// goals prints a sentence for each goal that is wanted, and its reason when it is not reached.
func (m Mode) goals(s *course.State, wanted func(*course.GoalState) bool) {
	for i := range s.Goals {
		g := &s.Goals[i]
		if !wanted(g) {
			continue
		}
		if g.Goal.Hidden {
			m.say(goalLine, m.mark(g), i+1, len(s.Goals), m.text(hiddenGoal))
			continue
		}
		m.say(goalLine, m.mark(g), i+1, len(s.Goals), m.text(g.Goal.Text))
		m.reason(g)
	}
}

func (m Mode) mark(g *course.GoalState) string {
	guard := g.Goal.Kind == pack.Guard
	switch {
	case guard && g.Mark == course.Done:
		return m.text(markKept)
	case guard && g.Mark == course.Failed:
		return m.text(markBroken)
	}
	return m.text(map[course.Mark]checks.Text{
		course.Done: markPass, course.Failed: markFail, course.Waiting: markWait, course.Progress: markMoving,
		course.Blocked: markBlocked, course.Unsure: markUnsure,
	}[g.Mark])
}

// reason says why a goal is not reached. What is waiting or on its way is not explained as if it were a mistake.
func (m Mode) reason(g *course.GoalState) {
	line := func(form, t checks.Text) {
		if !t.Empty() {
			m.say(form, m.text(t))
		}
	}
	question := g.Goal.Check.Answer
	switch g.Mark {
	case course.Progress:
		line(seen, g.Result.Progress)
	case course.Blocked, course.Unsure:
		line(seen, g.Result.Seen)
		line(look, g.Result.Look)
	case course.Failed:
		line(expected, g.Result.Expected)
		line(seen, g.Result.Seen)
		if question != nil {
			line(why, g.Result.Why) // about this very answer
		} else {
			line(why, g.Why())
		}
		line(look, g.Result.Look)
	case course.Waiting:
		if question == nil {
			line(seen, g.Result.Seen)
			line(look, g.Result.Look)
		}
	}
	if question != nil && (g.Mark == course.Waiting || g.Mark == course.Failed) {
		m.form(g.Goal.ID, question)
	}
}

// form prints how a question is answered.
func (m Mode) form(goal string, q *checks.AnswerSpec) {
	for _, o := range q.Choice {
		fmt.Fprintf(m.Out, "  %s: %s\n", o.ID, m.text(o.Text))
	}
	if len(q.Choice) > 0 {
		m.say(choices, goal)
		return
	}
	m.say(typed, goal)
}

// verdict is a goal in `check --json`. Of a hidden goal only the outcome is told.
type verdict struct {
	Goal     string  `json:"goal"`
	Kind     string  `json:"kind"`
	Mark     string  `json:"mark"`
	Outcome  string  `json:"outcome"`
	Points   float64 `json:"points"`
	Max      float64 `json:"max"`
	Text     string  `json:"text,omitempty"`
	Expected string  `json:"expected,omitempty"`
	Seen     string  `json:"seen,omitempty"`
	Progress string  `json:"progress,omitempty"`
	Why      string  `json:"why,omitempty"`
	Look     string  `json:"look,omitempty"`
	Answer   string  `json:"answer,omitempty"`
}

// report is `check --json`.
type report struct {
	Lesson   string    `json:"lesson"`
	Revision int       `json:"revision"`
	Attempt  string    `json:"attempt"`
	Score    float64   `json:"score"`
	Done     bool      `json:"done"`
	Stuck    string    `json:"stuck,omitempty"`
	Goals    []verdict `json:"goals"`
}

func (m Mode) verdicts(s *course.State, wanted func(*course.GoalState) bool) report {
	out := report{s.Lesson, s.Revision, s.Attempt, s.Score, s.Done, m.text(s.Stuck), []verdict{}}
	for i := range s.Goals {
		g := &s.Goals[i]
		if !wanted(g) {
			continue
		}
		v := verdict{
			Goal: g.Goal.ID, Kind: string(g.Goal.Kind), Mark: string(g.Mark), Outcome: string(g.Result.Outcome),
			Points: g.Points, Max: g.Goal.Points,
		}
		if !g.Goal.Hidden {
			v.Text, v.Expected, v.Seen = m.text(g.Goal.Text), m.text(g.Result.Expected), m.text(g.Result.Seen)
			v.Progress, v.Why, v.Look, v.Answer = m.text(g.Result.Progress), m.text(g.Why()), m.text(g.Result.Look), g.Given
		}
		out.Goals = append(out.Goals, v)
	}
	return out
}
