package tui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"drydock/tui/keymap"
	"drydock/tui/widget"
)

// lessonState is the lesson and where in it the learner is.
type lessonState struct {
	lesson Lesson
	step   int // in lesson.Steps
	top    int // first line shown
	query  string
}

func (l *lessonState) stepID() string {
	if l.step < len(l.lesson.Steps) {
		return l.lesson.Steps[l.step].ID
	}
	return ""
}

// loadLesson reads the current lesson in the current language.
func (m *Model) loadLesson() {
	before := m.lesson.lesson.ID
	m.lesson.lesson = m.o.Course.Lesson(m.lang)
	if m.lesson.lesson.ID != before {
		m.lesson.step, m.lesson.top, m.lesson.query = 0, 0, ""
	}
	m.lesson.step = min(m.lesson.step, max(len(m.lesson.lesson.Steps)-1, 0))
	m.touch(lessonPane)
}

// lessonDoc is the text of the step as it is shown.
func (m *Model) lessonDoc(width int) *widget.Doc {
	l := m.lesson.lesson
	if len(l.Steps) == 0 {
		return &widget.Doc{Lines: widget.Wrap(m.words.Say("lesson.none"), width, m.th.Dim)}
	}
	step := l.Steps[m.lesson.step]
	var b strings.Builder
	b.WriteString("# " + step.Title + "\n\n" + step.Markdown + "\n")
	last := m.lesson.step == len(l.Steps)-1
	if last && m.checks.view.Done && l.Debrief != "" {
		b.WriteString("\n---\n\n" + l.Debrief + "\n")
	}
	return m.md.Render(b.String(), width)
}

// banner says that the step is done and what can be done now. It stands at the foot of the pane, where it is seen however
// far the text is scrolled.
func (m *Model) banner(width int) []widget.Line {
	id := m.lesson.stepID()
	last := m.lesson.step == len(m.lesson.lesson.Steps)-1
	if !m.checks.solved(id) && (!last || !m.checks.view.Done) {
		return nil
	}
	done, next := m.words.Say("step.done"), m.words.Say("step.next", keymap.PrefixName)
	if last {
		done, next = m.words.Say("lesson.done"), m.words.Say("lesson.next", keymap.PrefixName)
	}
	out := widget.Hang(widget.Text(m.g.Done+" ", m.th.Good), done, width, m.th.Strong)
	return append(out, widget.Wrap(next, width, m.th.Key)...)
}

// lessonTitle is what stands in the pane's rule.
func (m *Model) lessonTitle() string {
	l := m.lesson.lesson
	if l.ID == "" {
		return m.words.Say("pane.lesson")
	}
	title := fmt.Sprintf("%s %d/%d  ", m.words.Say("pane.lesson"), l.Number, l.Total)
	if len(l.Steps) > 1 {
		title += m.words.Say("step.count", m.lesson.step+1, len(l.Steps)) + "  "
	}
	return title + l.Title
}

func (m *Model) drawLesson(c *widget.Canvas, r widget.Rect) {
	doc, foot := m.lessonDoc(r.Dx()), m.banner(r.Dx())
	if len(foot) > 0 {
		y := r.Max.Y - len(foot)
		c.Lines(widget.NewRect(r.Min.X, y, r.Dx(), len(foot)), foot, 0)
		r.Max.Y = y - 1
	}
	if len(doc.Lines) > r.Dy() { // the last row says whether there is more
		r.Max.Y--
	}
	m.lesson.top = max(min(m.lesson.top, len(doc.Lines)-r.Dy()), 0)
	c.Lines(r, doc.Lines, m.lesson.top)
	if m.lesson.top+r.Dy() < len(doc.Lines) {
		more := m.g.More + " " + m.words.Say("lesson.more")
		c.Text(widget.NewRect(r.Max.X-widget.Width(more), r.Max.Y, widget.Width(more), 1), more, m.th.Dim)
	}
}

// lessonKey scrolls the lesson.
func (m *Model) lessonKey(name string) bool {
	r := m.lay.panes[lessonPane]
	page := max(r.Dy()-2, 1)
	switch name {
	case "up", "k":
		m.lesson.top--
	case "down", "j":
		m.lesson.top++
	case "pgup", "b":
		m.lesson.top -= page
	case "pgdown", "space":
		m.lesson.top += page
	case "home", "g":
		m.lesson.top = 0
	case "end", "G":
		m.lesson.top = len(m.lessonDoc(r.Dx()).Lines)
	default:
		return false
	}
	m.lesson.top = max(m.lesson.top, 0)
	return true
}

// typeCode types a block of the lesson into the shell, without Enter.
func (m *Model) typeCode(number int) tea.Cmd {
	code := m.lessonDoc(max(m.lay.panes[lessonPane].Dx(), 40)).Code(number)
	s := m.shell.session
	if code == nil || s == nil {
		return m.say(m.words.Say("code.none", number))
	}
	text := code.Text
	if !s.Modes().BracketedPaste { // then a line break would be Enter
		text, _, _ = strings.Cut(text, "\n")
	}
	s.Paste(text)
	return tea.Batch(m.focusOn(shellPane), m.say(m.words.Say("code.typed")))
}

// find scrolls to the next place that holds the text.
func (m *Model) find(query string) tea.Cmd {
	if query == "" {
		query = m.lesson.query
	}
	if query == "" {
		return nil
	}
	from := 0
	if query == m.lesson.query {
		from = m.lesson.top + 1
	}
	m.lesson.query = query
	cmd := m.focusOn(lessonPane)
	y := m.lessonDoc(m.lay.panes[lessonPane].Dx()).Find(query, from)
	if y < 0 {
		return tea.Batch(cmd, m.say(m.words.Say("search.none", query)))
	}
	m.lesson.top = y
	m.touch(lessonPane)
	return cmd
}
