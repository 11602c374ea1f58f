package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"drydock/checks"
	"drydock/lessons/course"
	"drydock/lessons/pack"
	"drydock/lessons/plain"
	"drydock/tui"
	"drydock/tui/desk"
	"drydock/tui/theme"
)

// keepsRunning is the last line, when the interface has gone.
var keepsRunning = checks.Text{
	"en": "Lab %q keeps running. `drydock` comes back to it, `drydock down` stops it.",
	"ko": "실습 환경 %q은(는) 계속 돌아가고 있어요. `drydock`으로 다시 들어오고, `drydock down`으로 멈출 수 있어요.",
}

// interfaceFlags are how the interface looks.
type interfaceFlags struct {
	ascii, reduceMotion, noMouse, plain bool
	theme, color                        string
	watch                               bool // the pack is a folder that is being written
}

func (f *interfaceFlags) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.ascii, "ascii", false, "draw with ASCII alone")
	cmd.Flags().BoolVar(&f.reduceMotion, "reduce-motion", os.Getenv("DRYDOCK_REDUCE_MOTION") != "", "nothing moves by itself")
	cmd.Flags().BoolVar(&f.noMouse, "no-mouse", false, "leave the mouse to the terminal")
	cmd.Flags().BoolVar(&f.plain, "plain", os.Getenv("DRYDOCK_ACCESSIBLE") != "" || os.Getenv("TERM") == "dumb", "no interface: the lesson as text, for screen readers")
	cmd.Flags().StringVar(&f.theme, "theme", "", "colours: "+strings.Join(theme.Names(), ", ")+"; without it, the terminal's own")
	cmd.Flags().StringVar(&f.color, "color", "auto", "auto or never")
}

// open is drydock without a command.
func (a *app) open(cmd *cobra.Command, f interfaceFlags) error {
	if f.plain {
		return a.withCourse(cmd, func(ctx context.Context, m plain.Mode, c *course.Course) int { return m.Start(ctx, c, "", false) })
	}
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return usage("the interface needs a terminal; in scripts use drydock up, lesson and check, or drydock --plain")
	}
	p, err := a.unpacked()
	if err != nil {
		return err
	}
	lessons, err := a.deskCourse(p)
	if err != nil {
		return err
	}
	defer lessons.Wait()
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	watching := make(chan error, 1)
	if f.watch {
		go func() { watching <- pack.Watch(ctx, a.pack, lessons.Reload) }()
	} else {
		watching <- nil
	}
	world := desk.NewLab(desk.LabOptions{
		Paths: p.lab, Env: learnersEnvironment(),
		Launch: func(ctx context.Context, report func(string)) error { return a.launch(ctx, p, labSize{}, report) },
		Begin:  func() error { return lessons.Begin(ctx) },
	})
	_, neverHere := os.Stat(p.home.Progress())
	err = tui.Run(ctx, tui.Options{
		Tour: errors.Is(neverHere, os.ErrNotExist),
		Lab:  world, Course: lessons, Language: tui.Language(a.language()),
		ASCII: f.ascii, ReduceMotion: f.reduceMotion, NoMouse: f.noMouse, Theme: f.theme,
		NoColor: f.color == "never" || os.Getenv("NO_COLOR") != "",
	})
	stop()
	for _, err := range []error{err, <-watching} {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), keepsRunning.In(a.language())+"\n", p.lab.Name())
	return err
}

// deskCourse is the bundled course for the interface. The learner's record is written through, and closed by the process.
func (a *app) deskCourse(p place) (*desk.Course, error) {
	pack, err := a.loadPack(p)
	if err != nil {
		return nil, err
	}
	open := func() (*course.Course, error) {
		c, _, err := a.openCourse(p)
		return c, err
	}
	return desk.NewCourse(pack, open, func(ctx context.Context) error { return a.renew(ctx, p) }), nil
}

// renew puts a lab back to its first moment.
func (a *app) renew(ctx context.Context, p place) error {
	if _, err := stop(ctx, p); err != nil {
		return err
	}
	if err := p.lab.Forget(); err != nil {
		return err
	}
	if err := a.launch(ctx, p, labSize{}, func(string) {}); err != nil {
		return fmt.Errorf("start the lab again: %w", err)
	}
	return nil
}
