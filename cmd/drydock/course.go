package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/access"
	"drydock/engine/cluster/control"
	"drydock/lessons/course"
	"drydock/lessons/library"
	"drydock/lessons/pack"
	"drydock/lessons/plain"
	"drydock/sandbox/lab"
)

// openCourse opens the course in a lab. The lab must have been started once: its kubeconfig tells the way.
// The returned function closes the learner's record.
func (a *app) openCourse(p place) (*course.Course, func() error, error) {
	lessons, err := a.loadPack(p)
	if err != nil {
		return nil, nil, err
	}
	rest, err := access.RESTConfig(p.lab)
	if err != nil {
		return nil, nil, err
	}
	prober, err := newLabProber(p, rest)
	if err != nil {
		return nil, nil, err
	}
	r, err := a.openRecord(p, p.lab.Name())
	if err != nil {
		return nil, nil, err
	}
	c, err := course.New(course.Config{
		Pack: lessons, Book: r.book, Lab: p.lab.Name(), REST: rest, Prober: prober, Workspace: p.lab.Workspace(), Scripts: newScripter(p),
		Journal: r.journal, Notes: p.lab.Audit(),
		Machines:  labMachines{p.lab, a.packFile(p)},
		Snapshots: labSnapshots{p.lab},
	})
	if err != nil {
		return nil, nil, errors.Join(err, r.close())
	}
	return c, r.close, nil
}

// loadPack reads the pack that --pack names: a folder, a built pack, an installed one or a bundled one. Without it, all
// bundled ones as one.
func (a *app) loadPack(p place) (*pack.Pack, error) {
	if a.pack == "" {
		return library.All()
	}
	name := a.pack
	if _, err := os.Stat(name); err == nil {
		return readPack(name)(pack.Open(name))
	}
	installed, err := pack.Installed(packsDir(p))
	if err != nil {
		return nil, err
	}
	if file, ok := installed[name]; ok {
		return readPack(name)(pack.Open(file))
	}
	if slices.Contains(library.Names(), name) {
		return readPack(name)(library.Load(name))
	}
	return nil, usage("there is no pack %q: it is no folder, no file, not installed, and none of %s", name, strings.Join(library.Names(), ", "))
}

// packFile is the built pack that --pack names, by its file or as an installed one; "" for a folder and a bundled one.
func (a *app) packFile(p place) string {
	if info, err := os.Stat(a.pack); err == nil && info.Mode().IsRegular() {
		return a.pack
	}
	installed, _ := pack.Installed(packsDir(p)) // loadPack has said what is wrong
	return installed[a.pack]
}

// readPack says of an error which pack it was.
func readPack(name string) func(*pack.Pack, error) (*pack.Pack, error) {
	return func(p *pack.Pack, err error) (*pack.Pack, error) {
		if err != nil {
			return nil, fmt.Errorf("read the pack %s:\n%w", name, err)
		}
		return p, nil
	}
}

// packsDir is where installed packs are kept.
func packsDir(p place) string { return filepath.Join(string(p.home), "packs") }

// withCourse runs fn on the lab's course while the course asks its goals, and exits with fn's code.
func (a *app) withCourse(cmd *cobra.Command, fn func(ctx context.Context, m plain.Mode, c *course.Course) int) error {
	c, closeBook, err := a.courseHere(cmd)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(cmd.Context())
	if err := c.Resume(ctx); err != nil && !errors.Is(err, course.ErrNoLesson) {
		stop()
		return errors.Join(err, closeBook())
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Run(ctx) // ends with ctx only
	}()
	code := fn(ctx, a.mode(cmd), c)
	stop()
	<-ended
	if err := closeBook(); err != nil {
		return err
	}
	return exit(code)
}

// courseHere opens the course in the lab, which is started when it does not run, or on another cluster.
func (a *app) courseHere(cmd *cobra.Command) (*course.Course, func() error, error) {
	if a.kubeconfig != "" {
		return a.courseElsewhere(cmd)
	}
	p, err := a.running(cmd.Context())
	if err != nil {
		return nil, nil, err
	}
	return a.openCourse(p)
}

// running is the place of a lab that runs; it is started when it does not.
func (a *app) running(ctx context.Context) (place, error) {
	p, err := a.unpacked()
	if err != nil {
		return p, err
	}
	if _, err := control.AskStatus(ctx, p.lab.Control()); !errors.Is(err, lab.ErrNotRunning) {
		return p, err
	}
	fmt.Fprintf(os.Stderr, "starting lab %q …\n", p.lab.Name())
	return p, a.launch(ctx, p, labSize{}, func(string) {})
}

func (a *app) mode(cmd *cobra.Command) plain.Mode {
	return plain.Mode{Out: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), Lang: a.language(), JSON: a.json, Archive: a.archive}
}

// language is what was asked for, or what the environment speaks (locale(7): the first of these that is set).
func (a *app) language() string {
	if a.lang != "" {
		return a.lang
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			if strings.HasPrefix(value, "ko") {
				return "ko"
			}
			return "en"
		}
	}
	return "en"
}

func (a *app) lessonCommand() *cobra.Command {
	cmd := family(&cobra.Command{Use: "lesson", Short: "The course without the interface"})
	cmd.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	cmd.PersistentFlags().StringVar(&a.pack, "pack", "", packFlag)
	cmd.PersistentFlags().StringVar(&a.images, "images", "", imagesFlag)
	cmd.AddCommand(
		a.courseVerb("ls", "List the lessons", 0, func(ctx context.Context, m plain.Mode, c *course.Course, _ []string) int { return m.List(ctx, c) }),
		a.consented("start [LESSON]", "Set up a lesson's world and print its first step", 1, func(ctx context.Context, m plain.Mode, c *course.Course, args []string, yes bool) int {
			return m.Start(ctx, c, strings.Join(args, ""), yes)
		}),
		a.courseVerb("show", "Print the lesson as far as it is open", 0, func(ctx context.Context, m plain.Mode, c *course.Course, _ []string) int { return m.Show(ctx, c) }),
		a.consented("next", "Open the next lesson", 0, func(ctx context.Context, m plain.Mode, c *course.Course, _ []string, yes bool) int {
			return m.Next(ctx, c, yes)
		}),
		a.hintCommand(),
		a.courseVerb("answer GOAL ANSWER", "Answer a question of the lesson", 2, func(ctx context.Context, m plain.Mode, c *course.Course, args []string) int {
			if len(args) != 2 {
				fmt.Fprintln(m.Err, "drydock lesson answer needs a goal and an answer")
				return exitUsage
			}
			return m.Answer(ctx, c, args[0], args[1])
		}),
		a.consented("goto STEP", "Take the lab back to a step that was open before", 1, func(ctx context.Context, m plain.Mode, c *course.Course, args []string, yes bool) int {
			if len(args) != 1 {
				fmt.Fprintln(m.Err, "drydock lesson goto needs the name of a step")
				return exitUsage
			}
			return m.Goto(ctx, c, args[0], yes)
		}),
		a.consented("reset", "Build the lesson's world anew", 0, func(ctx context.Context, m plain.Mode, c *course.Course, _ []string, yes bool) int {
			return m.Reset(ctx, c, yes)
		}),
	)
	return cmd
}

func (a *app) hintCommand() *cobra.Command {
	yes := false
	cmd := a.courseVerb("hint", "Show one more hint", 0, func(ctx context.Context, m plain.Mode, c *course.Course, _ []string) int {
		return m.Hint(ctx, c, yes)
	})
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "show it even when it costs points")
	return cmd
}

// consented is a verb that may delete something of the learner's; without --yes it only says what.
func (a *app) consented(use, short string, most int, fn func(context.Context, plain.Mode, *course.Course, []string, bool) int) *cobra.Command {
	yes := false
	cmd := a.courseVerb(use, short, most, func(ctx context.Context, m plain.Mode, c *course.Course, args []string) int {
		return fn(ctx, m, c, args, yes)
	})
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do it even when something is deleted for it")
	return cmd
}

func (a *app) courseVerb(use, short string, most int, fn func(context.Context, plain.Mode, *course.Course, []string) int) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > most {
				return usage("`drydock lesson %s`: too many arguments: %q", use, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCourse(cmd, func(ctx context.Context, m plain.Mode, c *course.Course) int { return fn(ctx, m, c, args) })
		},
	}
}

// checkWithin bounds one `drydock check`: a probe may wait for a time-out of its own.
const checkWithin = 30 * time.Second

func (a *app) checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "check [GOAL]", Short: "Ask the goals of the current lesson",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("`drydock check` takes one goal or none")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCourse(cmd, func(ctx context.Context, m plain.Mode, c *course.Course) int {
				ctx, cancel := context.WithTimeout(ctx, checkWithin)
				defer cancel()
				return m.Check(ctx, c, strings.Join(args, ""))
			})
		},
	}
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	cmd.Flags().StringVar(&a.pack, "pack", "", packFlag)
	return cmd
}

const imagesFlag = "with --kubeconfig: a `PLACE` such as registry.example.com/course, where that cluster finds drydock's images; it is kept"

const packFlag = "which pack: a folder, a built pack, or the id of an installed or bundled one"
