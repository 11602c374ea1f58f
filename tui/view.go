package tui

import (
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"drydock/tui/keymap"
	"drydock/tui/page"
	"drydock/tui/widget"
)

// View is the whole screen. Bubble Tea asks for it after every message, so it draws only what has changed.
func (m *Model) View() tea.View {
	if m.dirty != 0 && m.w > 0 {
		m.draw()
		m.dirty = 0
	}
	v := tea.NewView(m.content)
	v.AltScreen = true
	v.Cursor = m.cursor
	v.KeyboardEnhancements.ReportAlternateKeys = true // so that Ctrl+C is Ctrl+C on a Korean layout
	v.WindowTitle = "drydock"
	if title := m.lesson.lesson.Title; title != "" {
		v.WindowTitle = "drydock: " + title
	}
	if m.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	if s := m.shell.session; s != nil {
		v.ReportFocus = s.Modes().FocusEvents
	}
	return v
}

// Screen is the cells of the screen as View has drawn it last. It is valid until the next call of Update.
func (m *Model) Screen() *widget.Canvas {
	if m.stage == working && m.lay.kind != tooSmall && (m.page != nil || m.prefix) {
		return m.frame
	}
	return m.base
}

// draw brings the base, and what stands above it, up to date.
func (m *Model) draw() {
	m.cursor = nil
	if m.stage != working || m.lay.kind == tooSmall {
		m.drawWhole()
		m.content = m.base.Render()
		return
	}
	if m.dirty&dirtyAll != 0 {
		m.base.Clear(m.base.Bounds())
		m.dirty = ^dirt(0)
	}
	m.drawPanes()
	m.drawFrame()
	m.cursor = m.shellCursor()
	if m.page == nil && !m.prefix {
		m.content = m.base.Render()
		return
	}
	m.drawAbove()
	m.content = m.frame.Render()
}

// drawWhole draws what fills the window.
func (m *Model) drawWhole() {
	all := m.base.Bounds()
	m.base.Clear(all)
	switch {
	case m.lay.kind == tooSmall:
		m.base.Lines(all, widget.Wrap(m.words.Say("too.small", m.w, m.h), max(m.w, 1), m.th.Strong), 0)
	case m.stage == broken:
		page.Problem(m.base, all, m.look(), m.troubleText())
	default:
		steps := make([]page.Step, len(m.steps))
		for i, s := range m.steps {
			steps[i] = page.Step{Text: s.Text, Done: s.Done}
		}
		page.Start(m.base, all, m.look(), steps)
	}
}

func (m *Model) troubleText() page.Trouble {
	var p *Problem
	if !errors.As(m.trouble, &p) {
		return page.Trouble{What: m.trouble.Error(), Try: []string{"drydock doctor"}}
	}
	t := page.Trouble{What: p.What, Where: p.Where, Try: p.Try}
	if p.Err != nil {
		t.Cause = p.Err.Error()
	}
	return t
}

// drawPanes draws the panes that have changed.
func (m *Model) drawPanes() {
	draw := [paneCount]func(*widget.Canvas, widget.Rect){m.drawLesson, m.drawShell, m.drawCluster, m.drawChecks}
	for p := range paneCount {
		r := m.lay.panes[p]
		if r.Empty() || m.dirty&(1<<p) == 0 {
			continue
		}
		m.base.Clear(r)
		draw[p](m.base, r)
	}
}

// drawFrame draws the rules with their titles, the task and the status line.
func (m *Model) drawFrame() {
	if !m.lay.column.Empty() {
		m.base.Column(m.lay.column, m.g.Vertical, m.th.Rule)
	}
	for _, r := range m.lay.rules {
		m.drawRule(r)
	}
	m.drawJoints()
	if !m.lay.task.Empty() {
		m.base.Clear(m.lay.task)
		m.base.Line(m.lay.task, m.taskLine())
	}
	m.base.Clear(m.lay.status)
	m.base.Line(m.lay.status, m.statusLine())
}

// drawRule draws the line above a pane with its title.
func (m *Model) drawRule(r rule) {
	style, title := m.th.Rule, m.th.Title
	if r.pane == m.arr.focus {
		style, title = m.th.RuleFocus, m.th.TitleFocus
	}
	m.base.Rule(r.rect, m.g.Horizontal, style)
	at := widget.NewRect(r.rect.Min.X+1, r.rect.Min.Y, r.rect.Dx()-2, 1)
	x := m.base.Text(at, " "+widget.Clip(m.paneTitle(r.pane), at.Dx()-2, m.g.Ellipsis)+" ", title)
	if r.pane == clusterPane {
		x = m.base.Line(widget.NewRect(x+1, at.Min.Y, at.Max.X-x-1, 1), m.clusterTabs())
	}
	if m.lay.kind == medium && !m.arr.zoom && r.pane == m.arr.lower {
		m.drawOther(widget.NewRect(x+1, at.Min.Y, at.Max.X-x-1, 1))
	}
}

// drawOther names, at the end of the lower rule, the pane that shares the place, and its key.
func (m *Model) drawOther(r widget.Rect) {
	other, key := clusterPane, "3"
	if m.arr.lower == clusterPane {
		other, key = checksPane, "4"
	}
	text := " " + key + " " + m.paneTitle(other) + " "
	if w := widget.Width(text); w <= r.Dx() {
		m.base.Text(widget.NewRect(r.Max.X-w, r.Min.Y, w, 1), text, m.th.Dim)
	}
}

func (m *Model) paneTitle(p pane) string {
	switch p {
	case lessonPane:
		return m.lessonTitle()
	case checksPane:
		done, all := m.checks.done(m.lesson.stepID())
		return m.words.Say("status.checks", done, all)
	case shellPane:
		if m.shell.history > 0 {
			return m.words.Say("status.history", m.shell.history)
		}
		return m.words.Say("pane.shell")
	}
	return m.words.Say("pane.cluster")
}

// drawJoints joins the rules with the column between left and right.
func (m *Model) drawJoints() {
	x := m.lay.column.Min.X
	if m.lay.column.Empty() {
		return
	}
	left, right := map[int]bool{}, map[int]bool{}
	for _, r := range m.lay.rules {
		if r.rect.Min.X < x {
			left[r.rect.Min.Y] = true
		} else {
			right[r.rect.Min.Y] = true
		}
	}
	for y := m.lay.column.Min.Y; y < m.lay.column.Max.Y; y++ {
		switch {
		case left[y] && right[y] && y == 0:
			m.base.Glyph(x, y, m.g.TeeDown, m.th.Rule)
		case left[y] && right[y]:
			m.base.Glyph(x, y, m.g.Cross, m.th.Rule)
		case left[y]:
			m.base.Glyph(x, y, m.g.TeeLeft, m.th.Rule)
		case right[y]:
			m.base.Glyph(x, y, m.g.TeeRight, m.th.Rule)
		}
	}
}

// drawAbove draws the menu or the open page above the panes. The cursor of the shell would shine through: it is hidden.
func (m *Model) drawAbove() {
	m.frame.Copy(m.base, m.base.Bounds())
	m.cursor = nil
	area := widget.NewRect(0, 0, m.w, m.h-1)
	if m.page == nil {
		page.NewMenu(m.look()).Draw(m.frame, area)
		return
	}
	if at := m.page.Draw(m.frame, area); at != nil {
		m.cursor = tea.NewCursor(at.X, at.Y)
		m.cursor.Blink = !m.o.ReduceMotion
	}
}

// taskLine is the first line of the narrow layout: what to do, and how far it is.
func (m *Model) taskLine() widget.Line {
	l := m.lesson.lesson
	done, all := m.checks.done(m.lesson.stepID())
	right := m.words.Say("status.checks", done, all)
	var line widget.Line
	line = widget.Put(line, fmt.Sprintf(" %d/%d %s", l.Number, l.Total, l.Title), m.th.Strong)
	if m.lesson.step < len(l.Steps) {
		line = widget.Put(line, "  "+l.Steps[m.lesson.step].Title, m.th.Text)
	}
	room := m.w - widget.Width(right) - 2
	line = widget.Pad(widget.Cut(line, room, m.g.Ellipsis), room+1, m.th.Text)
	return widget.Put(line, right, m.th.Strong)
}

// statusLine is the last line: a notice when there is one, otherwise where we are; at the right, the keys and the lab.
func (m *Model) statusLine() widget.Line {
	left := widget.Text(" ", m.th.Status)
	switch {
	case m.prefix:
		left = widget.Put(left, keymap.PrefixName+": "+m.words.Say("status.prefix"), m.th.StatusStrong)
	case m.cluster.lost:
		left = widget.Put(left, m.g.Failed+" "+m.words.Say("cluster.lost"), m.th.Bad)
	case m.notice != "":
		left = widget.Put(left, m.notice, m.th.StatusStrong)
	default:
		left = widget.Put(left, m.place(), m.th.Status)
	}
	right := m.statusRight(m.w - 2)
	if m.notice != "" && len(left)+len(right) > m.w { // a notice is worth more than what is always there
		right = nil
	}
	room := m.w - len(right) - 1
	left = widget.Pad(widget.Cut(left, room, m.g.Ellipsis), room, m.th.Status)
	return append(left, right...)
}

// place is the lesson, the hints and the checks in a few words.
func (m *Model) place() string {
	l := m.lesson.lesson
	text := fmt.Sprintf("%d/%d %s", l.Number, l.Total, l.Title)
	if m.lay.kind == narrow && !m.arr.zoom { // the task line says it already
		text = m.words.Say("pane.shell")
		if m.arr.focus != shellPane {
			text = m.words.Say("menu.outside")
		}
	}
	if h := m.o.Course.Hints(m.lang, m.lesson.stepID()); h.Total > 0 {
		text += "  " + m.words.Say("status.hint", len(h.Shown), h.Total)
	}
	return text
}

// statusRight is the keys and the lab, as much of it as has room.
func (m *Model) statusRight(room int) widget.Line {
	keys := widget.Put(nil, keymap.PrefixName, m.th.Key)
	keys = widget.Put(keys, " "+m.words.Say("status.menu")+"  ", m.th.Status)
	keys = widget.Put(keys, "F1", m.th.Key)
	keys = widget.Put(keys, " "+m.words.Say("status.help"), m.th.Status)
	st := m.o.Lab.Status()
	lab := "  " + m.g.Vertical + " " + st.Name
	if st.Tier != "" {
		lab += "  " + st.Tier
	}
	if len(keys)+widget.Width(lab) <= room-44 {
		keys = widget.Put(keys, lab, m.th.Status)
	}
	return keys
}
