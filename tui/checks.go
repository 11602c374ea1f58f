package tui

import (
	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/keymap"
	"drydock/tui/theme"
	"drydock/tui/widget"
)

// checksState is what the checks of the lesson say.
type checksState struct {
	view ChecksView
	sel  int // in the goals of the step
	top  int
}

// step are the goals of a step.
func (c *checksState) step(id string) []CheckView {
	var out []CheckView
	for _, g := range c.view.Goals {
		if g.Step == id || g.Step == "" {
			out = append(out, g)
		}
	}
	return out
}

// solved says whether all goals of a step are reached; bonus goals need not be.
func (c *checksState) solved(id string) bool {
	for _, g := range c.step(id) {
		if g.State != Done && !g.Bonus {
			return false
		}
	}
	return len(c.view.Goals) > 0
}

// done counts the goals of a step that are reached.
func (c *checksState) done(id string) (done, all int) {
	for _, g := range c.step(id) {
		if g.State == Done {
			done++
		}
		all++
	}
	return done, all
}

// checksChanged takes new answers. What has just been reached is said in the status line, for those who cannot see a
// colour change at the edge of the screen.
func (m *Model) checksChanged(v ChecksView) tea.Cmd {
	before, sameLesson := m.checks.view, v.LessonID == m.checks.view.LessonID
	m.checks.view = v
	m.touch(checksPane)
	m.touch(lessonPane)
	m.dirty |= dirtyStatus
	if sameLesson && v.Edition != before.Edition {
		m.loadLesson()
	}
	if !sameLesson {
		m.loadLesson()
		m.lesson.step = max(min(v.Open, len(m.lesson.lesson.Steps))-1, 0) // resume where the learner was
		m.checks.sel, m.checks.top = 0, 0
	}
	if want := len(m.checks.step(m.lesson.stepID()))*2 + 1; want != m.arr.goals {
		m.relayout()
	}
	if !sameLesson {
		return m.fitShell(0)
	}
	return tea.Batch(m.celebrate(before), m.fitShell(0))
}

// celebrate says which goal has just been reached.
func (m *Model) celebrate(before ChecksView) tea.Cmd {
	was := map[string]CheckState{}
	for _, g := range before.Goals {
		was[g.Goal] = g.State
	}
	for _, g := range m.checks.view.Goals {
		if old, known := was[g.Goal]; known && old != Done && g.State == Done && !g.Guard {
			return tea.Batch(m.say(m.g.Done+" "+m.words.Say("lesson.celebrate", g.Text)), m.armIdle())
		}
	}
	return nil
}

// mark is the glyph, word and style of a state.
func (m *Model) mark(s CheckState) (glyph, word string, st uv.Style) {
	switch s {
	case Progress:
		return m.g.Moving, m.words.Say("state.progress"), m.th.Moving
	case Done:
		return m.g.Done, m.words.Say("state.done"), m.th.Good
	case Failed:
		return m.g.Failed, m.words.Say("state.failed"), m.th.Bad
	case Blocked:
		return m.g.Blocked, m.words.Say("state.blocked"), m.th.Dim
	case Unsure:
		return m.g.Unsure, m.words.Say("state.unsure"), m.th.Warn
	}
	return m.g.Waiting, m.words.Say("state.waiting"), m.th.Text
}

// checksKey selects a goal.
func (m *Model) checksKey(name string) bool {
	goals := len(m.checks.step(m.lesson.stepID()))
	switch name {
	case "up", "k":
		m.checks.sel--
	case "down", "j":
		m.checks.sel++
	case "pgup":
		m.checks.top -= 4
	case "pgdown", "space":
		m.checks.top += 4
	case "home", "g":
		m.checks.sel = 0
	case "end", "G":
		m.checks.sel = goals - 1
	default:
		return false
	}
	m.checks.sel = max(min(m.checks.sel, goals-1), 0)
	return true
}

func (m *Model) drawChecks(c *widget.Canvas, r widget.Rect) {
	goals := m.checks.step(m.lesson.stepID())
	if len(goals) == 0 {
		c.Lines(r, widget.Wrap(m.words.Say("check.none"), r.Dx(), m.th.Dim), 0)
		return
	}
	if r.Dy() <= drawerRows {
		m.drawDrawer(c, r, goals)
		return
	}
	focused := m.arr.focus == checksPane
	var lines []widget.Line
	from, to := 0, 0
	for i, g := range goals {
		if i == m.checks.sel {
			from = len(lines)
		}
		lines = append(lines, m.goalLines(g, r.Dx(), focused && i == m.checks.sel)...)
		if i == m.checks.sel {
			to = len(lines)
		}
	}
	if focused { // keep the selected goal in sight, its first line before its last
		m.checks.top = max(m.checks.top, to-r.Dy())
		m.checks.top = min(m.checks.top, from)
	}
	m.checks.top = max(min(m.checks.top, len(lines)-r.Dy()), 0)
	c.Lines(r, lines, m.checks.top)
	if m.checks.top+r.Dy() < len(lines) {
		c.Text(widget.NewRect(r.Max.X-1, r.Max.Y-1, 1, 1), m.g.More, m.th.Key)
	}
}

// drawDrawer draws one line per goal, beginning so that the first open one is seen. Rows to spare tell more about that one.
func (m *Model) drawDrawer(c *widget.Canvas, r widget.Rect, goals []CheckView) {
	first := 0
	for first < len(goals) && goals[first].State == Done {
		first++
	}
	open := min(first, len(goals)-1)
	first = max(min(first, len(goals)-r.Dy()), 0)
	var lines []widget.Line
	spare := r.Dy() - (len(goals) - first)
	for i, g := range goals[first:] {
		lines = append(lines, m.goalLine(g, r.Dx()))
		if details := m.goalDetails(g, r.Dx(), false); first+i == open && g.State != Done && spare > 0 {
			lines = append(lines, details[:min(spare, len(details))]...)
		}
	}
	c.Lines(r, lines, 0)
}

// goalLine is a goal on one line: glyph, text, and the word for its state at the right.
func (m *Model) goalLine(g CheckView, width int) widget.Line {
	glyph, word, st := m.mark(g.State)
	if g.Note != "" && g.State != Done {
		word = g.Note
	}
	word = widget.Clip(word, width/2, m.g.Ellipsis)
	l := widget.Put(widget.Text(glyph+" ", st), m.goalText(g), m.th.Text)
	l = widget.Cut(l, width-widget.Width(word)-1, m.g.Ellipsis)
	return widget.Put(widget.Pad(l, width-widget.Width(word), uv.Style{}), word, st)
}

func (m *Model) goalText(g CheckView) string {
	switch {
	case g.Guard:
		return m.words.Say("check.guard") + ": " + g.Text
	case g.Bonus:
		return m.words.Say("check.bonus") + ": " + g.Text
	}
	return g.Text
}

// goalLines is a goal with what its check has to say.
func (m *Model) goalLines(g CheckView, width int, selected bool) []widget.Line {
	glyph, word, st := m.mark(g.State)
	head := widget.Text(glyph+" ", st)
	text := m.th.Text
	if selected {
		head = widget.Text(glyph+m.g.Arrow, st)
		text = m.th.Strong
	}
	out := widget.Hang(head, m.goalText(g), width, text)
	last := len(out) - 1
	if room := width - widget.Width(word); len(out[last]) < room {
		out[last] = widget.Put(widget.Pad(out[last], room, uv.Style{}), word, st)
	} else {
		out = append(out, widget.Put(widget.Pad(nil, len(head), uv.Style{}), word, st))
	}
	if g.State == Done && !selected {
		return out
	}
	return append(out, m.goalDetails(g, width, selected)...)
}

// goalDetails is expected, seen, why and where to look.
func (m *Model) goalDetails(g CheckView, width int, selected bool) []widget.Line {
	var out []widget.Line
	add := func(word, value string, st uv.Style) {
		if value == "" {
			return
		}
		label := "  "
		if word != "" {
			label += m.words.Say(theme.Word("check."+word)) + " "
		}
		out = append(out, widget.Hang(widget.Text(label, m.th.Dim), value, width, st)...)
	}
	if g.State != Done {
		add("", g.Note, m.th.Moving)
	}
	if g.State == Failed || g.State == Unsure || selected {
		add("expected", g.Expected, m.th.Text)
		add("seen", g.Seen, m.th.Text)
		add("why", g.Why, m.th.Text)
		add("next", g.Next, m.th.Code)
	}
	if g.Answer != nil {
		if g.Answer.Given != "" {
			add("", m.words.Say("check.given", answerText(g.Answer)), m.th.Text)
		}
		add("", m.words.Say("check.answer", keymap.PrefixName), m.th.Key)
	}
	return out
}

// answerText is what was handed in, as it was shown.
func answerText(a *AnswerForm) string {
	for _, c := range a.Choices {
		if c.ID == a.Given {
			return c.Text
		}
	}
	return a.Given
}
