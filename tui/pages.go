package tui

import (
	"context"
	"errors"
	"fmt"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/keymap"
	"drydock/tui/page"
	"drydock/tui/theme"
	"drydock/tui/widget"
)

// open shows a page; chosen is called with what the learner chose on it.
func (m *Model) open(p page.Page, chosen func(page.Answer) tea.Cmd) {
	m.page, m.chosen = p, chosen
	m.dirty |= dirtyStatus
}

func (m *Model) closePage() {
	m.page, m.chosen = nil, nil
	m.touchAll()
}

// pageKey hands a key to the open page. The prefix closes it: what follows is a command, as everywhere.
func (m *Model) pageKey(k uv.Key, name string) tea.Cmd {
	m.dirty |= dirtyStatus
	if name == keymap.Prefix {
		m.closePage()
		m.prefix = true
		return nil
	}
	chosen := m.chosen
	a := m.page.Key(k, name)
	if a.Close {
		m.closePage()
	}
	if a.Chosen == "" || chosen == nil {
		return nil
	}
	return chosen(a)
}

// openHelp shows what the keys do.
func (m *Model) openHelp() {
	p := page.NewNotes(m.look())
	p.Title, p.Foot, p.Body = m.words.Say("help.title"), m.words.Say("help.keys"), page.Help(m.look())
	m.open(p, nil)
}

// tourPages are what someone who is here for the first time has to know.
var tourPages = []theme.Word{"tour.lesson", "tour.keys", "tour.checks"}

// openTour shows a page of the tour.
func (m *Model) openTour(n int) {
	p := page.NewNotes(m.look())
	p.Title, p.Foot = m.words.Say("tour.title", n+1, len(tourPages)), m.words.Say("tour.foot")
	p.Body = func(width int) []widget.Line {
		return widget.Wrap(m.words.Say(tourPages[n], keymap.PrefixName), width, m.th.Text)
	}
	p.Keys = map[string]string{"enter": "next"}
	m.open(p, func(page.Answer) tea.Cmd {
		m.closePage()
		if n+1 < len(tourPages) {
			m.openTour(n + 1)
		}
		return nil
	})
}

// openPalette lists every command.
func (m *Model) openPalette() {
	p := page.NewPick(m.look())
	p.Title, p.Foot, p.None = m.words.Say("palette.title"), m.words.Say("palette.keys"), m.words.Say("palette.none")
	p.Prompt, p.Typing = m.g.Arrow+" ", true
	for _, b := range keymap.Bindings() {
		p.Items = append(p.Items, page.Item{
			ID: string(b.Action), Text: m.words.Say(theme.Word("do." + b.Action)),
			Group: m.words.Say(theme.Word("group." + b.Group)), Right: keymap.PrefixName + " " + b.Key,
		})
	}
	m.open(p, func(a page.Answer) tea.Cmd { return m.do(keymap.Action(a.Chosen)) })
}

// openLessons lists the lessons.
func (m *Model) openLessons() {
	p := page.NewPick(m.look())
	infos, done := m.o.Course.Lessons(m.lang), 0
	for i, l := range infos {
		it := page.Item{ID: l.ID, Mark: m.g.Waiting, Text: fmt.Sprintf("%d  %s", i+1, l.Title), Group: l.Track, Off: l.Locked}
		if l.Minutes > 0 {
			it.Right = m.words.Say("lessons.minutes", l.Minutes)
		}
		switch {
		case l.Done:
			it.Mark, it.Right = m.g.Done, m.words.Say("state.done")
			done++
		case l.Started:
			it.Mark = m.g.Moving
		}
		if l.ID == m.lesson.lesson.ID {
			it.Right = m.words.Say("lessons.here")
		}
		p.Items = append(p.Items, it)
	}
	p.Title = m.words.Say("lessons.title") + "  " + m.words.Say("lessons.progress", done, len(infos))
	p.Foot, p.None, p.Prompt = m.words.Say("lessons.keys"), m.words.Say("lessons.none"), m.words.Say("lessons.search")
	p.Select(m.lesson.lesson.ID)
	m.open(p, func(a page.Answer) tea.Cmd {
		if a.Chosen == m.lesson.lesson.ID {
			return nil
		}
		return m.openLesson(a.Chosen)
	})
}

// openSearch asks what to find in the lesson.
func (m *Model) openSearch() {
	p := page.NewAsk(m.look(), "")
	p.Prompt = m.words.Say("search.prompt")
	m.open(p, func(a page.Answer) tea.Cmd { return m.find(a.Text) })
}

// hint shows the hints so far; the first time, it asks for one.
func (m *Model) hint() tea.Cmd {
	step := m.lesson.stepID()
	h := m.o.Course.Hints(m.lang, step)
	switch {
	case h.Total == 0:
		return m.say(m.words.Say("hint.none"))
	case len(h.Shown) == 0:
		return m.moreHint(0)
	}
	m.openHints(h)
	return nil
}

// moreHint asks the course for one more hint, for at most so many points.
func (m *Model) moreHint(price float64) tea.Cmd {
	step := m.lesson.stepID()
	ask := func(ctx context.Context) error { return m.o.Course.Hint(ctx, step, price) }
	return tea.Batch(m.armIdle(), m.course(ask, func(err error) tea.Msg { return hintMsg{err} }))
}

func (m *Model) hintArrived(err error) tea.Cmd {
	var priced *Priced
	if errors.As(err, &priced) {
		m.openPrice(priced.Cost)
		return nil
	}
	if err != nil && !errors.Is(err, ErrNoMore) {
		return m.sayResult(err, "")
	}
	if h := m.o.Course.Hints(m.lang, m.lesson.stepID()); len(h.Shown) > 0 {
		m.openHints(h)
	}
	return nil
}

// openHints shows hints, the newest last. Before the last of several is shown, a question stands in the way: the last
// gives the command away, and one's own try teaches more.
func (m *Model) openHints(h HintsView) {
	p := page.NewNotes(m.look())
	p.Title = m.words.Say("hint.title", len(h.Shown), h.Total)
	p.Body = func(width int) []widget.Line {
		var out []widget.Line
		for i, text := range h.Shown {
			if i > 0 {
				out = append(out, nil)
			}
			out = append(out, m.md.Render(text, width).Lines...)
		}
		return out
	}
	p.Foot = m.words.Say("hint.last")
	if len(h.Shown) < h.Total {
		p.Foot = m.words.Say("hint.more")
		p.Keys = map[string]string{"h": "more"}
	}
	m.open(p, func(page.Answer) tea.Cmd {
		if len(h.Shown) == h.Total-1 && h.Total >= 3 {
			m.openReveal()
			return nil
		}
		return m.moreHint(0)
	})
}

func (m *Model) openReveal() {
	p := page.NewNotes(m.look())
	p.Foot, p.Keys = m.words.Say("hint.reveal"), map[string]string{"h": "more"}
	p.Body = func(width int) []widget.Line { return widget.Wrap(m.words.Say("hint.try"), width, m.th.Text) }
	m.open(p, func(page.Answer) tea.Cmd { return m.moreHint(0) })
}

// openPrice says what the next hint costs, and asks.
func (m *Model) openPrice(cost float64) {
	p := page.NewNotes(m.look())
	p.Foot, p.Keys = m.words.Say("hint.reveal"), map[string]string{"h": "more"}
	p.Body = func(width int) []widget.Line { return widget.Wrap(m.words.Say("hint.price", cost), width, m.th.Text) }
	m.open(p, func(page.Answer) tea.Cmd { return m.moreHint(cost) })
}

// askReset names what would be deleted, and asks.
func (m *Model) askReset(scope ResetScope) tea.Cmd {
	plan := m.o.Course.ResetPlan(m.lang, scope)
	p := page.NewNotes(m.look())
	p.Title, p.Foot = m.words.Say("reset.title"), m.words.Say("reset.keys")
	p.Keys = map[string]string{"y": "reset", "L": "lab"}
	if scope == ResetLab {
		p.Title, p.Foot = m.words.Say("reset.title.lab"), m.words.Say("reset.keys.lab")
		p.Keys = map[string]string{"y": "reset"}
	}
	p.Body = func(width int) []widget.Line { return m.planLines(plan, width) }
	m.open(p, func(a page.Answer) tea.Cmd {
		if a.Chosen == "lab" {
			return m.askReset(ResetLab)
		}
		m.closePage()
		reset := func(ctx context.Context) error { return m.o.Course.Reset(ctx, scope) }
		return tea.Batch(m.say(m.words.Say("reset.running")), m.course(reset, func(err error) tea.Msg { return resetMsg{err} }))
	})
	return nil
}

func (m *Model) planLines(plan []string, width int) []widget.Line {
	if len(plan) == 0 {
		return widget.Wrap(m.words.Say("reset.nothing"), width, m.th.Text)
	}
	out := widget.Wrap(m.words.Say("reset.deletes"), width, m.th.Text)
	for _, line := range plan {
		out = append(out, widget.Hang(widget.Text("  "+m.g.Bullet+" ", m.th.Dim), line, width, m.th.Strong)...)
	}
	return out
}

func (m *Model) resetDone(err error) tea.Cmd {
	if err != nil {
		return m.sayResult(err, "")
	}
	m.lesson.step = 0
	return tea.Batch(m.say(m.words.Say("reset.done")), m.stepChanged())
}

// askAnswer asks the question of the selected goal, or of the first open one.
func (m *Model) askAnswer() tea.Cmd {
	goals := m.checks.step(m.lesson.stepID())
	var goal *CheckView
	for i := range goals {
		if goals[i].Answer == nil {
			continue
		}
		if i == m.checks.sel && m.arr.focus == checksPane {
			goal = &goals[i]
			break
		}
		if goal == nil || goal.State == Done && goals[i].State != Done {
			goal = &goals[i]
		}
	}
	if goal == nil {
		return m.say(m.words.Say("answer.none"))
	}
	m.openAnswer(*goal)
	return nil
}

func (m *Model) openAnswer(g CheckView) {
	title, prompt := g.Text, g.Answer.Prompt
	if prompt == "" || prompt == title {
		title, prompt = m.words.Say("answer.title"), g.Text
	}
	hand := func(value string) tea.Cmd {
		answer := func(ctx context.Context) error { return m.o.Course.Answer(ctx, g.Goal, value) }
		return m.course(answer, func(err error) tea.Msg { return answerMsg{err} })
	}
	if g.Answer.Kind != AnswerChoice {
		given := "" // what was wrong would only be in the way
		if g.State == Done {
			given = g.Answer.Given
		}
		p := page.NewAsk(m.look(), given)
		p.Title, p.Prompt, p.Foot = title, prompt, m.words.Say("answer.keys")
		p.Number = g.Answer.Kind == AnswerNumber
		m.open(p, func(a page.Answer) tea.Cmd {
			if a.Text == "" {
				return nil
			}
			return hand(a.Text)
		})
		return
	}
	p := page.NewPick(m.look())
	p.Title, p.Intro, p.Foot, p.Digits = title, prompt, m.words.Say("answer.choose"), true
	for i, c := range g.Answer.Choices {
		p.Items = append(p.Items, page.Item{ID: c.ID, Text: fmt.Sprintf("%d  %s", i+1, c.Text)})
	}
	p.Select(g.Answer.Given)
	m.open(p, func(a page.Answer) tea.Cmd { return hand(a.Chosen) })
}

// askQuit leaves at once, unless a program that fills the screen is open in the shell.
func (m *Model) askQuit() tea.Cmd {
	s := m.shell.session
	if s == nil || !s.Modes().Alt {
		return m.leave()
	}
	name := s.Title()
	if name == "" {
		name = m.words.Say("pane.shell")
	}
	p := page.NewNotes(m.look())
	p.Title, p.Foot, p.Keys = m.words.Say("quit.title"), m.words.Say("quit.keys"), map[string]string{"y": "quit"}
	p.Body = func(width int) []widget.Line { return widget.Wrap(m.words.Say("quit.text", name), width, m.th.Text) }
	m.open(p, func(page.Answer) tea.Cmd { return m.leave() })
	return nil
}
