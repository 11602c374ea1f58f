package tui

import (
	"context"
	"errors"
	"time"

	tea "charm.land/bubbletea/v2"

	"drydock/tui/term"
)

// The bridge turns what happens outside into messages. Each command below runs in a goroutine of Bubble Tea's; those that
// wait for ever end with the model's context.

type (
	startStepMsg  struct{ step StartStep }
	startedMsg    struct{ err error }
	clusterMsg    struct{ view ClusterView }
	clusterEndMsg struct{} // nothing more will come
	checksMsg     struct {
		view ChecksView
		from <-chan ChecksView
	}
	shellOpenMsg struct {
		pty        Pty
		err        error
		cols, rows int
	}
	shellChangedMsg struct{ session *term.Session }
	shellEndedMsg   struct{ session *term.Session }
	resizeShellMsg  struct{ generation int }
	lessonMsg       struct{ err error } // another lesson is open, or not
	hintMsg         struct{ err error }
	resetMsg        struct{ err error }
	answerMsg       struct{ err error }
	checkedMsg      struct{ err error }
	noticeEndMsg    struct{ generation int }
	marksMsg        struct{}
	idleMsg         struct{ generation int }
	doneMsg         struct{} // the context has ended
)

const (
	frameGap     = 4 * time.Millisecond   // between two frames of a busy shell
	calmGap      = 250 * time.Millisecond // between two looks at the cluster with reduced motion
	resizeDelay  = 50 * time.Millisecond  // a window being dragged is not told to the shell row by row
	noticeTime   = 6 * time.Second
	idleTime     = 3 * time.Minute // before a hint is offered
	changedTime  = 2 * time.Second // how long a changed row is marked
	departedTime = 5 * time.Second // how long a row that went away stays
)

// startLab brings the lab up; its steps arrive through m.steps.
func (m *Model) startLab() tea.Cmd {
	reports := make(chan StartStep, 64)
	m.reports = reports
	start := func() tea.Msg {
		err := m.o.Lab.Start(m.ctx, func(s StartStep) {
			select {
			case reports <- s:
			case <-m.ctx.Done():
			}
		})
		return startedMsg{err}
	}
	return tea.Batch(start, m.waitStep())
}

func (m *Model) waitStep() tea.Cmd {
	reports := m.reports
	return func() tea.Msg {
		select {
		case s := <-reports:
			return startStepMsg{s}
		case <-m.ctx.Done():
			return nil
		}
	}
}

// watchCluster subscribes to the cluster once.
func (m *Model) watchCluster() tea.Cmd {
	m.clusterFeed = m.o.Lab.Cluster(m.ctx)
	return m.waitCluster()
}

func (m *Model) waitCluster() tea.Cmd {
	feed, calm := m.clusterFeed, m.o.ReduceMotion
	return func() tea.Msg {
		view, ok := <-feed
		if !ok {
			return clusterEndMsg{}
		}
		if calm {
			m.wait(calmGap)
		}
		return clusterMsg{newest(view, feed)}
	}
}

// newest is the last value that a feed holds already.
func newest[T any](v T, feed <-chan T) T {
	for {
		select {
		case next, ok := <-feed:
			if !ok {
				return v
			}
			v = next
		default:
			return v
		}
	}
}

// wait waits, or until the model's context ends.
func (m *Model) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-m.ctx.Done():
	}
}

// watchChecks subscribes to the checks in the language of the moment, and ends the subscription before it.
func (m *Model) watchChecks() tea.Cmd {
	if m.stopChecks != nil {
		m.stopChecks()
	}
	ctx, stop := context.WithCancel(m.ctx)
	m.stopChecks = stop
	m.checksFeed = m.o.Course.Checks(ctx, m.lang)
	return m.waitChecks()
}

func (m *Model) waitChecks() tea.Cmd {
	feed := m.checksFeed
	return func() tea.Msg {
		view, ok := <-feed
		if !ok {
			return nil
		}
		return checksMsg{newest(view, feed), feed}
	}
}

// openShell asks for a shell of the pane's size.
func (m *Model) openShell() tea.Cmd {
	cols, rows := m.shellSize()
	m.shellOpening = true
	return func() tea.Msg {
		pty, err := m.o.Lab.Shell(m.ctx, cols, rows)
		if err == nil {
			context.AfterFunc(m.ctx, func() { _ = pty.Close() }) // also when nobody takes the message
		}
		return shellOpenMsg{pty, err, cols, rows}
	}
}

// runShell moves the shell's bytes until it ends. It starts the goroutine itself, because Bubble Tea drops commands at its
// end, and Run waits for this one.
func (m *Model) runShell(s *term.Session) tea.Cmd {
	ended := make(chan struct{})
	m.running.Go(func() {
		defer close(ended)
		_ = s.Run(m.ctx) // however it ended, the learner gets a new one
	})
	return func() tea.Msg {
		<-ended
		return shellEndedMsg{s}
	}
}

// waitShell waits for a change on the shell's screen, and keeps a busy shell to one frame per gap.
func (m *Model) waitShell(s *term.Session) tea.Cmd {
	last := m.shellFrame
	return func() tea.Msg {
		select {
		case <-s.Changed():
		case <-m.ctx.Done():
			return nil
		}
		if gap := frameGap - m.o.Now().Sub(last); gap > 0 {
			m.wait(gap)
		}
		return shellChangedMsg{s}
	}
}

// after sends a message later.
func (m *Model) after(d time.Duration, msg tea.Msg) tea.Cmd {
	return func() tea.Msg {
		m.wait(d)
		return msg
	}
}

// waitEnd waits for the context of the whole program.
func (m *Model) waitEnd() tea.Cmd {
	return func() tea.Msg {
		<-m.ctx.Done()
		return doneMsg{}
	}
}

// course runs a method of the course that takes its time.
func (m *Model) course(do func(context.Context) error, wrap func(error) tea.Msg) tea.Cmd {
	return func() tea.Msg { return wrap(do(m.ctx)) }
}

// explain is an error in words for a learner.
func (m *Model) explain(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		text := p.What
		if p.Where != "" {
			text += " " + p.Where
		}
		for _, t := range p.Try {
			text += " " + t
		}
		return text
	}
	return m.words.Say("failed", err.Error())
}
