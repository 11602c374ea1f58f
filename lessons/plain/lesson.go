package plain

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"drydock/checks"
	"drydock/lessons/course"
	"drydock/lessons/pack"
)

// lessonLine is a line of `lesson ls --json`.
type lessonLine struct {
	ID       string   `json:"id"`
	Track    string   `json:"track,omitempty"`
	Title    string   `json:"title"`
	Minutes  int      `json:"minutes"`
	Started  bool     `json:"started"`
	Finished bool     `json:"finished"`
	Stale    bool     `json:"stale,omitempty"`
	Score    int      `json:"score"`
	Needs    []string `json:"needs,omitempty"`
	NeedsLab []string `json:"needsLab,omitempty"` // what of a lab, on a cluster that is none
}

// List prints the lessons, below the titles of their tracks where there are several.
func (m Mode) List(ctx context.Context, c *course.Course) int {
	lessons, err := c.Lessons()
	if err != nil {
		return m.failed(err)
	}
	lines := []lessonLine{}
	for i, l := range lessons {
		wants, err := m.wants(ctx, c, l.Lesson.ID)
		if err != nil {
			return m.failed(err)
		}
		lines = append(lines, lessonLine{
			l.Lesson.ID, m.text(l.Track), m.text(l.Lesson.Title), l.Lesson.Minutes, l.Started, l.Finished, l.Stale, l.Score, l.Needs, wants,
		})
		if !m.JSON {
			m.track(c.Pack(), lessons, i)
			m.say(listLine, i+1, m.text(l.Lesson.Title), l.Lesson.ID, l.Lesson.Minutes, m.standing(l, wants))
		}
	}
	if m.JSON {
		return m.writeJSON(lines)
	}
	return OK
}

// track prints the title of a track before its first lesson.
func (m Mode) track(p *pack.Pack, lessons []course.LessonInfo, i int) {
	title := m.text(lessons[i].Track)
	if len(p.Tracks) < 2 || i > 0 && m.text(lessons[i-1].Track) == title {
		return
	}
	if i > 0 {
		fmt.Fprintln(m.Out)
	}
	fmt.Fprintln(m.Out, title)
}

// wants is what a lesson needs that this cluster has not.
func (m Mode) wants(ctx context.Context, c *course.Course, lesson string) ([]string, error) {
	var foreign *course.Foreign
	err := c.Fits(ctx, lesson)
	if !errors.As(err, &foreign) {
		return nil, err
	}
	var out []string
	for _, t := range foreign.Wants {
		out = append(out, m.text(t))
	}
	return append(out, foreign.Images...), nil
}

func (m Mode) standing(l course.LessonInfo, wants []string) string {
	switch {
	case len(wants) > 0:
		return fmt.Sprintf(m.text(standForeign), strings.Join(wants, "; "))
	case l.Finished:
		return fmt.Sprintf(m.text(standDone), l.Score)
	case l.Stale:
		return m.text(standStale)
	case l.Started:
		return m.text(standOpen)
	case len(l.Needs) > 0:
		return fmt.Sprintf(m.text(standLocked), strings.Join(l.Needs, ", "))
	default:
		return m.text(standNew)
	}
}

// Start opens a lesson and prints its first step; "" takes up the open one, or else the first that is not finished. When
// its world must be built and something of the learner's is in the way, it only names that, unless yes.
func (m Mode) Start(ctx context.Context, c *course.Course, lesson string, yes bool) int {
	err := c.Resume(ctx)
	if err != nil && !errors.Is(err, course.ErrNoLesson) {
		return m.failed(err)
	}
	open := c.Current()
	if lesson == "" && open == nil {
		if lesson, err = firstOpen(ctx, c); err != nil {
			return m.failed(err)
		}
	}
	if open != nil && (lesson == "" || lesson == open.ID) {
		return m.Show(ctx, c)
	}
	return m.change(ctx, c, lesson, yes)
}

func firstOpen(ctx context.Context, c *course.Course) (string, error) {
	lessons, err := c.Lessons()
	if err != nil {
		return "", err
	}
	for _, l := range lessons {
		if l.Finished || len(l.Needs) > 0 {
			continue
		}
		var foreign *course.Foreign
		if err := c.Fits(ctx, l.Lesson.ID); err == nil || !errors.As(err, &foreign) {
			return l.Lesson.ID, err
		}
	}
	return lessons[0].Lesson.ID, nil
}

// change builds the world of another lesson.
func (m Mode) change(ctx context.Context, c *course.Course, lesson string, yes bool) int {
	if c.Pack().Lesson(lesson) == nil {
		fmt.Fprintf(m.Err, unknownID.In(m.Lang)+"\n", lesson)
		return Usage
	}
	if err := c.Fits(ctx, lesson); err != nil {
		return m.failed(err)
	}
	plan, err := c.Plan(ctx, lesson)
	if err != nil {
		return m.failed(err)
	}
	if !yes && (len(plan.Deletes) > 0 || len(plan.Undoes) > 0 || len(plan.Writes) > 0) {
		m.plan(plan)
		m.say(planYes)
		return No
	}
	if err := c.Open(ctx, lesson); err != nil {
		return m.failed(err)
	}
	return m.Show(ctx, c)
}

func (m Mode) plan(p course.Plan) {
	if len(p.Deletes) == 0 {
		m.say(planEmpty)
	} else if p.Namespace != "" {
		m.say(planSpace, p.Namespace)
	} else {
		m.say(planHead)
	}
	for _, o := range p.Deletes {
		fmt.Fprintln(m.Out, "  "+o.String())
	}
	if len(p.Undoes) > 0 {
		m.say(planUndoes)
	}
	for _, o := range p.Undoes {
		fmt.Fprintln(m.Out, "  "+o.String())
	}
	if len(p.Writes) > 0 {
		m.say(planWrites)
	}
	for _, f := range p.Writes {
		fmt.Fprintln(m.Out, "  "+f)
	}
}

// Show prints the open steps of the current lesson.
func (m Mode) Show(ctx context.Context, c *course.Course) int {
	return m.looked(ctx, c, func(_ context.Context, s *course.State) int {
		lesson := c.Current()
		all := c.Pack().Lessons
		number := 1 + slices.IndexFunc(all, func(l *pack.Lesson) bool { return l.ID == lesson.ID })
		m.say(lessonHead, number, len(all), m.text(lesson.Title))
		prose := lesson.Prose.In(m.Lang)
		fmt.Fprintln(m.Out)
		fmt.Fprintln(m.Out, plainMarkdown(prose.Intro))
		for i, step := range lesson.Steps[:s.Open] {
			fmt.Fprintln(m.Out)
			m.say(stepHead, i+1, len(lesson.Steps), prose.Steps[step.ID].Title)
			fmt.Fprintln(m.Out)
			fmt.Fprintln(m.Out, plainMarkdown(prose.Steps[step.ID].Markdown))
		}
		fmt.Fprintln(m.Out)
		m.say(goalsAre)
		m.goals(s, visible(lesson, s))
		fmt.Fprintln(m.Out)
		m.say(howToCheck)
		return OK
	})
}

// plainMarkdown takes the fences off code and indents it instead: a screen reader reads fences aloud.
func plainMarkdown(s string) string {
	var out []string
	code := false
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			code = !code
		case code:
			out = append(out, "    "+line)
		default:
			out = append(out, strings.ReplaceAll(line, "**", ""))
		}
	}
	return strings.Join(out, "\n")
}

// Next opens the lesson after the current one and prints its first step. Like Start, it asks before it deletes.
func (m Mode) Next(ctx context.Context, c *course.Course, yes bool) int {
	if err := c.Resume(ctx); err != nil {
		return m.failed(err)
	}
	all := c.Pack().Lessons
	i := 1 + slices.IndexFunc(all, func(l *pack.Lesson) bool { return l.ID == c.Current().ID })
	for ; i < len(all); i++ {
		var foreign *course.Foreign
		if err := c.Fits(ctx, all[i].ID); errors.As(err, &foreign) && len(foreign.Wants) > 0 {
			m.say(skipsLesson, all[i].ID)
			continue
		}
		return m.change(ctx, c, all[i].ID, yes)
	}
	m.say(noMore)
	return No
}

// Hint prints one more hint of the step that is being worked on; without yes only the price of one that has a price.
func (m Mode) Hint(ctx context.Context, c *course.Course, yes bool) int {
	price := 0.0
	if yes {
		price = math.Inf(1)
	}
	return m.looked(ctx, c, func(ctx context.Context, s *course.State) int {
		step := c.Current().Steps[s.Open-1].ID
		h, err := c.Hint(ctx, step, price)
		var priced *course.Priced
		if errors.As(err, &priced) {
			m.say(hintCosts, priced.Cost)
			return No
		}
		if errors.Is(err, course.ErrNoMore) {
			m.say(noMoreHints)
			return No
		}
		if err != nil {
			return m.failed(err)
		}
		_, total := c.Hints(step)
		if h.Level == 0 {
			m.say(hintNow, m.text(h.Text))
		} else {
			m.say(hintLine, h.Level, total, m.text(h.Text))
		}
		if h.NextReveals {
			m.say(hintLast)
		}
		return OK
	})
}

// Reset builds the world anew; without yes it only names what would be deleted.
func (m Mode) Reset(ctx context.Context, c *course.Course, yes bool) int {
	if err := c.Resume(ctx); err != nil {
		return m.failed(err)
	}
	plan, err := c.Plan(ctx, c.Current().ID)
	if err != nil {
		return m.failed(err)
	}
	m.plan(plan)
	if !yes {
		m.say(planYes)
		return No
	}
	if err := c.Reset(ctx); err != nil {
		return m.failed(err)
	}
	m.say(resetDone)
	return OK
}

// Goto takes the lab back to a step that was open before; without yes it only says what that means.
func (m Mode) Goto(ctx context.Context, c *course.Course, step string, yes bool) int {
	if err := c.Resume(ctx); err != nil {
		return m.failed(err)
	}
	if !slices.ContainsFunc(c.Current().Steps, func(s pack.Step) bool { return s.ID == step }) {
		fmt.Fprintf(m.Err, unknownStep.In(m.Lang)+"\n", step)
		return Usage
	}
	if !yes {
		m.say(gotoYes)
		return No
	}
	err := c.Goto(ctx, step)
	if errors.Is(err, course.ErrNotKept) {
		fmt.Fprintf(m.Err, notKept.In(m.Lang)+"\n", step)
		return No
	}
	if err != nil {
		return m.failed(err)
	}
	return m.Show(ctx, c)
}

// Answer hands in an answer and prints what became of it.
func (m Mode) Answer(ctx context.Context, c *course.Course, goal, value string) int {
	return m.looked(ctx, c, func(ctx context.Context, s *course.State) int {
		g := s.Goal(goal)
		switch {
		case g == nil:
			return m.noGoal(s, goal)
		case g.Goal.Check.Answer == nil:
			fmt.Fprintf(m.Err, notQuestion.In(m.Lang)+"\n", goal)
			return Usage
		}
		r, err := c.Answer(ctx, goal, value)
		if err != nil {
			return m.failed(err)
		}
		m.goals(c.State(), func(g *course.GoalState) bool { return g.Goal.ID == goal })
		if r.Outcome == checks.Pass {
			return OK
		}
		return No
	})
}
