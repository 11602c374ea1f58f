package tui

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"

	"drydock/tui/keymap"
)

// do carries out a command, from a key or from the palette.
func (m *Model) do(a keymap.Action) tea.Cmd {
	m.dirty |= dirtyStatus
	switch a {
	case keymap.Lesson:
		return m.focusOn(lessonPane)
	case keymap.Shell:
		return m.focusOn(shellPane)
	case keymap.Cluster:
		return m.focusOn(clusterPane)
	case keymap.Checks:
		return m.focusOn(checksPane)
	case keymap.Zoom:
		m.arr.zoom = !m.arr.zoom
		return m.rearrange()
	case keymap.Wider, keymap.Narrower:
		return m.shift(a)
	case keymap.History:
		return m.enterHistory()
	case keymap.Mouse:
		return m.toggleMouse()
	case keymap.Language:
		return m.toggleLanguage()
	case keymap.Quit:
		return m.askQuit()
	}
	return m.doLesson(a)
}

// doLesson carries out a command about the lesson.
func (m *Model) doLesson(a keymap.Action) tea.Cmd {
	switch a {
	case keymap.Next:
		return m.next()
	case keymap.Previous:
		return m.previous()
	case keymap.Why:
		return tea.Batch(m.focusOn(checksPane), m.course(m.o.Course.CheckNow, func(err error) tea.Msg { return checkedMsg{err} }))
	case keymap.Hint:
		return m.hint()
	case keymap.Reset:
		return m.askReset(ResetLesson)
	case keymap.Answer:
		return m.askAnswer()
	case keymap.Lessons:
		m.openLessons()
	case keymap.Search:
		m.openSearch()
	case keymap.Palette:
		m.openPalette()
	case keymap.Help:
		m.openHelp()
	}
	return nil
}

func (m *Model) shift(a keymap.Action) tea.Cmd {
	step := 4
	if a == keymap.Narrower {
		step = -4
	}
	m.arr.shift = max(min(m.arr.shift+step, 60), -60)
	return m.rearrange()
}

func (m *Model) toggleMouse() tea.Cmd {
	m.mouse = !m.mouse
	if m.mouse {
		return m.say(m.words.Say("status.mouse.on"))
	}
	return m.say(m.words.Say("status.mouse.off"))
}

func (m *Model) toggleLanguage() tea.Cmd {
	if m.lang == Korean {
		m.setLanguage(English)
	} else {
		m.setLanguage(Korean)
	}
	m.loadLesson()
	m.touchAll()
	return tea.Batch(m.watchChecks(), tea.ClearScreen)
}

// leave ends the interface.
func (m *Model) leave() tea.Cmd {
	m.quitting = true
	return tea.Quit
}

// next goes to the next step, or after the last one to the next lesson.
func (m *Model) next() tea.Cmd {
	l := &m.lesson
	switch {
	case l.step+1 < min(m.checks.view.Open, len(l.lesson.Steps)):
		l.step++
		return m.stepChanged()
	case l.step+1 < len(l.lesson.Steps):
		return m.say(m.words.Say("step.closed"))
	}
	return tea.Batch(m.say(m.words.Say("lesson.opening")), m.course(m.o.Course.Next, func(err error) tea.Msg { return lessonMsg{err} }))
}

// previous goes back a step, or before the first one to the lesson before.
func (m *Model) previous() tea.Cmd {
	if m.lesson.step > 0 {
		m.lesson.step--
		return m.stepChanged()
	}
	return tea.Batch(m.say(m.words.Say("lesson.opening")), m.course(m.o.Course.Previous, func(err error) tea.Msg {
		if errors.Is(err, ErrNoMore) {
			err = &Problem{What: m.words.Say("lesson.first")}
		}
		return lessonMsg{err}
	}))
}

// stepChanged shows the step from its top. The screen is drawn from scratch: a whole pane of new text is where the
// renderer's scrolling goes wrong (ultraviolet#137).
func (m *Model) stepChanged() tea.Cmd {
	m.lesson.top, m.checks.sel = 0, 0
	m.relayout()
	return tea.Batch(m.fitShell(0), m.armIdle(), tea.ClearScreen)
}

// openLesson opens a lesson by its id.
func (m *Model) openLesson(id string) tea.Cmd {
	open := func(ctx context.Context) error { return m.o.Course.Open(ctx, id) }
	return tea.Batch(m.say(m.words.Say("lesson.opening")), m.course(open, func(err error) tea.Msg { return lessonMsg{err} }))
}

// lessonOpened is called when another lesson has become current, or could not.
func (m *Model) lessonOpened(err error) tea.Cmd {
	if errors.Is(err, ErrNoMore) {
		return m.say(m.words.Say("lesson.last"))
	}
	if err != nil {
		return m.sayResult(err, "")
	}
	m.loadLesson()
	return tea.Batch(m.say(m.words.Say("lesson.opened", m.lesson.lesson.Title)), m.stepChanged())
}

// idle offers a hint to someone who has been stuck for long.
func (m *Model) idle(generation int) tea.Cmd {
	if generation != m.idleGen || m.checks.solved(m.lesson.stepID()) || m.page != nil {
		return nil
	}
	if h := m.o.Course.Hints(m.lang, m.lesson.stepID()); len(h.Shown) >= h.Total {
		return nil
	}
	return m.say(m.words.Say("hint.offer", keymap.PrefixName))
}
