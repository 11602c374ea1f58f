package tui

import (
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/term"
	"drydock/tui/widget"
)

// shellState is the shell of the moment.
type shellState struct {
	session *term.Session
	err     error // why there is none
	history int   // lines scrolled back
	seen    int   // lines in the history when it was drawn last
	count   int   // shells opened so far
	opened  time.Time
	short   int // shells in a row that ended at once
}

// A shell that lives shorter than this has not been used; after a few of these no further one is opened unasked.
const (
	shortLife  = time.Second
	shortLives = 3
)

// shellMessage takes messages about the shell, and says whether msg was one.
func (m *Model) shellMessage(msg tea.Msg) (tea.Cmd, bool) {
	switch msg := msg.(type) {
	case shellOpenMsg:
		return m.shellOpened(msg), true
	case shellChangedMsg:
		if msg.session != m.shell.session {
			return nil, true
		}
		m.shellFrame = m.o.Now()
		m.touch(shellPane)
		m.holdHistory()
		return m.waitShell(msg.session), true
	case shellEndedMsg:
		return m.shellEnded(msg.session), true
	case resizeShellMsg:
		if msg.generation == m.resizeGen {
			return m.fitShell(0), true
		}
		return nil, true
	}
	return nil, false
}

func (m *Model) shellOpened(msg shellOpenMsg) tea.Cmd {
	m.shellOpening = false
	m.touch(shellPane)
	m.shell.err = msg.err
	if msg.err != nil {
		return nil
	}
	s := term.NewSession(msg.pty, msg.cols, msg.rows)
	m.shell.session, m.shell.history = s, 0
	m.shell.count++
	m.shell.opened = m.o.Now()
	cmds := []tea.Cmd{m.runShell(s), m.waitShell(s), m.fitShell(0)}
	if m.shell.count > 1 {
		cmds = append(cmds, m.say(m.words.Say("shell.ended")))
	}
	return tea.Batch(cmds...)
}

// shellEnded opens a new shell: "exit" must not end the lesson.
func (m *Model) shellEnded(s *term.Session) tea.Cmd {
	if s != m.shell.session || m.quitting || m.ctx.Err() != nil {
		return nil
	}
	m.shell.session = nil
	m.touch(shellPane)
	if m.o.Now().Sub(m.shell.opened) >= shortLife {
		m.shell.short = 0
	} else if m.shell.short++; m.shell.short >= shortLives {
		m.shell.short, m.shell.err = 0, errors.New(m.words.Say("shell.short"))
		return nil
	}
	return m.openShell()
}

// shellKey sends a key to the shell, or scrolls its history.
func (m *Model) shellKey(k uv.Key, name string) tea.Cmd {
	if m.shell.history > 0 && m.historyKey(name) {
		return nil
	}
	if m.shell.session == nil {
		if name == "enter" && m.shell.err != nil && !m.shellOpening {
			m.shell.err = nil
			m.touch(shellPane)
			return m.openShell()
		}
		return nil
	}
	if m.shell.history > 0 {
		m.setHistory(0)
	}
	m.shell.session.SendKey(k)
	return nil
}

func (m *Model) enterHistory() tea.Cmd {
	cmd := m.focusOn(shellPane)
	if m.shell.session != nil && !m.shell.session.Modes().Alt {
		m.setHistory(max(m.lay.panes[shellPane].Dy()/2, 1))
	}
	return cmd
}

// historyKey scrolls the history; any other key goes to the shell.
func (m *Model) historyKey(name string) bool {
	page := max(m.lay.panes[shellPane].Dy()-1, 1)
	switch name {
	case "up", "k":
		m.setHistory(m.shell.history + 1)
	case "down", "j":
		m.setHistory(m.shell.history - 1)
	case "pgup":
		m.setHistory(m.shell.history + page)
	case "pgdown", "space":
		m.setHistory(m.shell.history - page)
	case "home", "g":
		m.setHistory(m.shell.session.ScrollbackLen())
	case "esc", "q", "end", "G":
		m.setHistory(0)
	default:
		return false
	}
	return true
}

// holdHistory keeps the lines one is reading in their place while new ones arrive below.
func (m *Model) holdHistory() {
	n := m.shell.session.ScrollbackLen()
	if m.shell.history > 0 && n > m.shell.seen {
		m.setHistory(m.shell.history + n - m.shell.seen)
	}
	m.shell.seen = n
}

func (m *Model) setHistory(n int) {
	if s := m.shell.session; s != nil {
		m.shell.history = max(min(n, s.ScrollbackLen()), 0)
	}
	m.touch(shellPane)
	m.dirty |= dirtyStatus
}

// drawShell blits the cells of the emulator.
func (m *Model) drawShell(c *widget.Canvas, r widget.Rect) {
	s := m.shell.session
	if s == nil {
		m.drawNoShell(c, r)
		return
	}
	shift := min(m.shell.history, s.ScrollbackLen())
	s.Cells(func(x, y int, cell *uv.Cell) {
		c.Set(r, r.Min.X+x, r.Min.Y+y+shift, cell)
	})
	first := s.ScrollbackLen() - shift
	for row := range min(shift, r.Dy()) {
		s.Scrollback(first+row, func(x int, cell *uv.Cell) {
			c.Set(r, r.Min.X+x, r.Min.Y+row, cell)
		})
	}
}

func (m *Model) drawNoShell(c *widget.Canvas, r widget.Rect) {
	lines := []widget.Line{widget.Text(m.words.Say("shell.starting"), m.th.Dim)}
	if m.shell.err != nil {
		lines = widget.Wrap(m.words.Say("shell.failed", m.shell.err.Error()), r.Dx(), m.th.Bad)
		lines = append(lines, widget.Text(m.words.Say("shell.retry"), m.th.Dim))
	}
	c.Lines(r, lines, 0)
}

// shellCursor is where the real cursor stands: input methods draw the half-typed syllable there.
func (m *Model) shellCursor() *tea.Cursor {
	r := m.lay.panes[shellPane]
	if m.shell.session == nil || r.Empty() || m.arr.focus != shellPane || m.shell.history > 0 {
		return nil
	}
	at := m.shell.session.Cursor()
	if at.Hidden || at.X >= r.Dx() || at.Y >= r.Dy() {
		return nil
	}
	cur := tea.NewCursor(r.Min.X+at.X, r.Min.Y+at.Y)
	cur.Shape, cur.Blink = tea.CursorShape(at.Shape), at.Blink && !m.o.ReduceMotion
	return cur
}

// mouseEvent focuses on a click, scrolls what is under the pointer, and hands the shell what its program asked for.
func (m *Model) mouseEvent(msg tea.MouseMsg) tea.Cmd {
	if m.stage != working || m.page != nil {
		return nil
	}
	at := msg.Mouse()
	p := m.lay.at(at.X, at.Y)
	if p == paneCount {
		return nil
	}
	var cmd tea.Cmd
	if _, click := msg.(tea.MouseClickMsg); click && p != m.arr.focus {
		cmd = m.focusOn(p)
	}
	if p == shellPane && m.shell.session != nil {
		m.shellMouse(msg)
		return cmd
	}
	if wheel, ok := msg.(tea.MouseWheelMsg); ok {
		m.wheel(p, wheel.Button == tea.MouseWheelUp)
	}
	return cmd
}

// wheelRows is how far one notch of the wheel goes.
const wheelRows = 3

func (m *Model) wheel(p pane, up bool) {
	rows := wheelRows
	if up {
		rows = -wheelRows
	}
	switch p {
	case lessonPane:
		m.lesson.top = max(m.lesson.top+rows, 0)
	case clusterPane:
		m.cluster.top = max(m.cluster.top+rows, 0)
	case checksPane:
		m.checks.top = max(m.checks.top+rows, 0)
	}
	m.touch(p)
}

// shellMouse hands a mouse event to the program if it asked for the mouse. Otherwise the wheel scrolls the history, or
// sends arrows to a program that fills the screen.
func (m *Model) shellMouse(msg tea.MouseMsg) {
	s, modes := m.shell.session, m.shell.session.Modes()
	if modes.Mouse != term.MouseOff {
		if ev := inside(msg, m.lay.panes[shellPane]); ev != nil {
			s.SendMouse(ev)
		}
		return
	}
	wheel, ok := msg.(tea.MouseWheelMsg)
	if !ok {
		return
	}
	up := wheel.Button == tea.MouseWheelUp
	switch {
	case modes.Alt:
		key := uv.Key{Code: uv.KeyDown}
		if up {
			key.Code = uv.KeyUp
		}
		for range wheelRows {
			s.SendKey(key)
		}
	case up:
		m.setHistory(m.shell.history + wheelRows)
	default:
		m.setHistory(m.shell.history - wheelRows)
	}
}

// inside is a mouse event in the columns and rows of a rectangle, or nil outside of it.
func inside(msg tea.MouseMsg, r widget.Rect) uv.MouseEvent {
	at := uv.Mouse(msg.Mouse())
	if at.X < r.Min.X || at.X >= r.Max.X || at.Y < r.Min.Y || at.Y >= r.Max.Y {
		return nil
	}
	at.X, at.Y = at.X-r.Min.X, at.Y-r.Min.Y
	switch msg.(type) {
	case tea.MouseClickMsg:
		return uv.MouseClickEvent(at)
	case tea.MouseReleaseMsg:
		return uv.MouseReleaseEvent(at)
	case tea.MouseWheelMsg:
		return uv.MouseWheelEvent(at)
	case tea.MouseMotionMsg:
		return uv.MouseMotionEvent(at)
	}
	return nil
}
