package tui

import (
	"context"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"drydock/tui/page"
	"drydock/tui/term"
	"drydock/tui/theme"
	"drydock/tui/widget"
)

// stage is how far the interface has come.
type stage int

const (
	starting stage = iota
	broken
	working
)

// Model is the whole interface. It belongs to the goroutine that calls Update and View; what comes from outside comes as
// a message.
type Model struct {
	o       Options         // set once in NewModel
	ctx     context.Context // the program's; set once in NewModel, because commands outlive the calls that make them
	running *sync.WaitGroup // shells; set once in NewModel

	lang  Language
	words *theme.Words
	th    *theme.Theme
	g     *theme.Glyphs
	md    *widget.Markdown

	w, h  int
	arr   arrangement
	lay   layout
	stage stage
	// of the start
	reports chan StartStep
	steps   []StartStep
	trouble error

	prefix bool      // the prefix was pressed
	page   page.Page // above the panes, or nil
	chosen func(page.Answer) tea.Cmd
	mouse  bool

	lesson  lessonState
	shell   shellState
	cluster clusterState
	checks  checksState

	clusterFeed  <-chan ClusterView
	checksFeed   <-chan ChecksView
	stopChecks   context.CancelFunc
	shellOpening bool
	shellFrame   time.Time // of the last change shown

	notice    string
	noticeGen int
	resizeGen int
	idleGen   int

	base, frame *widget.Canvas
	dirty       dirt
	content     string
	cursor      *tea.Cursor
	quitting    bool
}

// dirt says what has to be drawn again.
type dirt uint

const (
	dirtyAll    dirt = 1 << paneCount
	dirtyStatus dirt = 1 << (paneCount + 1) // the status line, and pages
)

func (m *Model) touch(p pane) { m.dirty |= 1 << p }

func (m *Model) touchAll() { m.dirty |= dirtyAll }

// NewModel returns an interface that has not begun, for a program of Bubble Tea's. Shells and subscriptions end with ctx.
func NewModel(ctx context.Context, o Options) *Model {
	if o.Now == nil {
		o.Now = time.Now
	}
	m := &Model{o: o, ctx: ctx, running: &sync.WaitGroup{}, mouse: !o.NoMouse}
	m.th, m.g = theme.New(o.Theme, o.NoColor), theme.NewGlyphs(o.ASCII)
	m.md = widget.NewMarkdown(m.th, m.g)
	m.arr = arrangement{focus: shellPane, tab: shellPane, lower: checksPane}
	m.base, m.frame = widget.NewCanvas(1, 1), widget.NewCanvas(1, 1)
	m.setLanguage(o.Language)
	if o.Width > 0 {
		m.resize(o.Width, o.Height)
	}
	m.touchAll()
	return m
}

func (m *Model) setLanguage(lang Language) {
	m.words = theme.NewWords(string(lang))
	m.lang = Language(m.words.Lang())
}

func (m *Model) look() page.Look { return page.Look{Theme: m.th, Glyphs: m.g, Words: m.words} }

// Init begins with the lab.
func (m *Model) Init() tea.Cmd { return tea.Batch(m.startLab(), m.waitEnd()) }

// begin is called once, when the lab is up.
func (m *Model) begin() tea.Cmd {
	m.stage = working
	m.loadLesson()
	m.touchAll()
	cmds := []tea.Cmd{m.watchCluster(), m.watchChecks(), m.armIdle()}
	if m.w > 0 {
		cmds = append(cmds, m.openShell())
	}
	if m.o.Tour {
		m.openTour(0)
	}
	return tea.Batch(cmds...)
}

// resize takes the window's size.
func (m *Model) resize(w, h int) {
	m.w, m.h = w, h
	m.base.Resize(w, h)
	m.frame.Resize(w, h)
	m.relayout()
}

// relayout divides the window again.
func (m *Model) relayout() {
	m.arr.goals = len(m.checks.step(m.lesson.stepID()))*2 + 1
	m.lay = newLayout(m.w, m.h, m.arr)
	m.touchAll()
}

// shellSize is the size a shell should have: that of its pane, also while the pane is hidden.
func (m *Model) shellSize() (cols, rows int) {
	r := m.lay.panes[shellPane]
	if r.Empty() {
		a := m.arr
		a.zoom, a.tab = false, shellPane
		lay := newLayout(max(m.w, minCols), max(m.h, minRows), a)
		r = lay.panes[shellPane]
	}
	return r.Dx(), r.Dy()
}

// rearrange divides the window anew after a command, and tells the shell when its pane has changed.
func (m *Model) rearrange() tea.Cmd {
	m.relayout()
	return m.fitShell(0)
}

// fitShell gives the shell the size of its pane, after a delay in which further changes may come.
func (m *Model) fitShell(delay time.Duration) tea.Cmd {
	m.resizeGen++
	if delay > 0 {
		return m.after(delay, resizeShellMsg{m.resizeGen})
	}
	if s := m.shell.session; s != nil {
		cols, rows := m.shellSize()
		if c, r := s.Size(); c != cols || r != rows {
			_ = s.Fit(cols, rows) // a shell that has just ended cannot be told; its successor starts with the right size
		}
	}
	m.touch(shellPane)
	return nil
}

// say shows a notice in the status line for a while.
func (m *Model) say(text string) tea.Cmd {
	m.notice = text
	m.noticeGen++
	m.dirty |= dirtyStatus
	return m.after(noticeTime, noticeEndMsg{m.noticeGen})
}

// armIdle starts the wait after which a hint is offered.
func (m *Model) armIdle() tea.Cmd {
	m.idleGen++
	return m.after(idleTime, idleMsg{m.idleGen})
}

var _ term.Pty = Pty(nil)
