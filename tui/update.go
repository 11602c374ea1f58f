package tui

import (
	"context"
	"errors"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/keymap"
)

// Update takes a message and says what to wait for next.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		return m, m.windowSize(msg.Width, msg.Height)
	case tea.KeyPressMsg:
		return m, m.key(uv.Key(msg))
	case tea.PasteMsg:
		return m, m.paste(msg.Content)
	case tea.FocusMsg, tea.BlurMsg:
		m.focusChanged(msg)
	case tea.MouseMsg:
		return m, m.mouseEvent(msg)
	case doneMsg:
		m.quitting = true
		return m, tea.Quit
	default:
		return m, m.outside(msg)
	}
	return m, nil
}

// outside takes what the bridge brings.
func (m *Model) outside(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case startStepMsg:
		m.startStep(msg.step)
		return m.waitStep()
	case startedMsg:
		return m.started(msg.err)
	case clusterMsg:
		return tea.Batch(m.waitCluster(), m.clusterChanged(msg.view))
	case clusterEndMsg:
		m.cluster.lost = m.ctx.Err() == nil
		m.touchAll()
		return nil
	case checksMsg:
		if msg.from != m.checksFeed {
			return nil // of the language before
		}
		return tea.Batch(m.waitChecks(), m.checksChanged(msg.view))
	case marksMsg:
		return m.expireMarks()
	}
	if cmd, ok := m.shellMessage(msg); ok {
		return cmd
	}
	return m.courseMessage(msg)
}

// courseMessage takes the answers of the course, and what is over.
func (m *Model) courseMessage(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case lessonMsg:
		return m.lessonOpened(msg.err)
	case hintMsg:
		return m.hintArrived(msg.err)
	case resetMsg:
		return m.resetDone(msg.err)
	case answerMsg:
		return m.sayResult(msg.err, "") // the check itself answers
	case checkedMsg:
		return m.sayResult(msg.err, "")
	case noticeEndMsg:
		if msg.generation == m.noticeGen {
			m.notice = ""
			m.dirty |= dirtyStatus
		}
	case idleMsg:
		return m.idle(msg.generation)
	}
	return nil
}

// sayResult says what came of a command: the error, or the text if there is one.
func (m *Model) sayResult(err error, text string) tea.Cmd {
	switch {
	case err != nil && !errors.Is(err, context.Canceled):
		return m.say(m.explain(err))
	case err == nil && text != "":
		return m.say(text)
	}
	return nil
}

func (m *Model) windowSize(w, h int) tea.Cmd {
	first := m.w == 0
	m.resize(w, h)
	if m.stage != working {
		return nil
	}
	if first && !m.shellOpening && m.shell.session == nil {
		return m.openShell()
	}
	return m.fitShell(resizeDelay)
}

func (m *Model) startStep(s StartStep) {
	m.touchAll()
	for i := range m.steps {
		if m.steps[i].ID == s.ID {
			m.steps[i] = s
			return
		}
	}
	m.steps = append(m.steps, s)
}

func (m *Model) started(err error) tea.Cmd {
	m.touchAll()
	if err != nil {
		m.stage, m.trouble = broken, err
		return nil
	}
	return m.begin()
}

func (m *Model) paste(text string) tea.Cmd {
	switch {
	case m.page != nil:
		m.page.Paste(text)
		m.dirty |= dirtyStatus
	case m.arr.focus == shellPane && m.shell.session != nil:
		m.shell.session.Paste(text)
	}
	return nil
}

func (m *Model) focusChanged(msg tea.Msg) {
	if _, in := msg.(tea.FocusMsg); m.shell.session != nil {
		m.shell.session.SendFocus(in)
	}
}

// key routes a key press: to the page above, to the command after the prefix, or to the pane with the focus.
func (m *Model) key(k uv.Key) tea.Cmd {
	name := keymap.Name(k)
	switch {
	case m.stage != working:
		return m.startKey(name)
	case m.page != nil:
		return m.pageKey(k, name)
	case m.prefix:
		return m.prefixKey(k, name)
	case name == keymap.Prefix:
		m.prefix = true
		m.dirty |= dirtyStatus
		return nil
	case name == "f1":
		return m.do(keymap.Help)
	case m.arr.focus == shellPane:
		return m.shellKey(k, name)
	}
	return m.paneKey(name)
}

// startKey takes the keys of the start-up screen and of the page of a lab that cannot start.
func (m *Model) startKey(name string) tea.Cmd {
	switch name {
	case "ctrl+c", "q":
		return m.leave()
	case "r":
		if m.stage == broken {
			m.stage, m.steps, m.trouble = starting, nil, nil
			m.touchAll()
			return m.startLab()
		}
	}
	return nil
}

// prefixKey takes the key after the prefix.
func (m *Model) prefixKey(k uv.Key, name string) tea.Cmd {
	m.prefix = false
	m.dirty |= dirtyStatus
	switch {
	case name == keymap.Prefix, name == "f1":
		if s := m.shell.session; s != nil && m.arr.focus == shellPane {
			s.SendKey(k)
		}
		return nil
	case m.arr.focus == lessonPane && isDigit(name):
		return m.typeCode(int(name[0] - '0'))
	}
	return m.do(keymap.Lookup(name))
}

// paneKey takes a key while a pane other than the shell has the focus.
func (m *Model) paneKey(name string) tea.Cmd {
	switch name {
	case "esc", "ctrl+c", "q": // q alone only backs out: words meant for the shell must not end the program
		if m.arr.zoom {
			m.arr.zoom = false
		}
		return m.focusOn(shellPane)
	case "tab", "shift+tab":
		return m.cycle(name == "tab")
	}
	if cmd, ok := m.movePane(name); ok {
		return cmd
	}
	if m.arr.focus == lessonPane && isDigit(name) {
		return m.typeCode(int(name[0] - '0'))
	}
	return m.do(keymap.Lookup(name))
}

func isDigit(name string) bool { return len(name) == 1 && name[0] >= '1' && name[0] <= '9' }

// movePane scrolls or selects in the pane with the focus, and says whether the key was for that.
func (m *Model) movePane(name string) (tea.Cmd, bool) {
	m.touch(m.arr.focus)
	switch m.arr.focus {
	case lessonPane:
		return nil, m.lessonKey(name)
	case clusterPane:
		return nil, m.cluster.key(name, m.lay.panes[clusterPane].Dy())
	case checksPane:
		if name == "enter" {
			return m.do(keymap.Answer), true
		}
		return nil, m.checksKey(name)
	}
	return nil, false
}

// cycle moves the focus to the next pane, also to those the layout hides.
func (m *Model) cycle(forward bool) tea.Cmd {
	order := []pane{lessonPane, shellPane, clusterPane, checksPane}
	step := 1
	if !forward {
		step = len(order) - 1
	}
	return m.focusOn(order[(int(m.arr.focus)+step)%len(order)])
}

// focusOn gives a pane the focus and makes sure that it is shown.
func (m *Model) focusOn(p pane) tea.Cmd {
	before := m.arr
	m.arr.focus, m.arr.tab = p, p
	if p == clusterPane || p == checksPane {
		m.arr.lower = p
	}
	if m.shell.history > 0 && p != shellPane {
		m.shell.history = 0
	}
	if before == m.arr {
		return nil
	}
	return m.rearrange()
}
