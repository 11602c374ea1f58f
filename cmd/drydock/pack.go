package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/client-go/rest"

	"drydock/checks"
	"drydock/engine/cluster/access"
	"drydock/engine/cluster/control"
	"drydock/lessons/course"
	"drydock/lessons/golden"
	"drydock/lessons/pack"
	"drydock/lessons/plain"
	"drydock/lessons/seat"
)

func (a *app) packCommand() *cobra.Command {
	cmd := family(&cobra.Command{Use: "pack", Short: "Write and prove lesson packs"})
	cmd.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	oneDir := func(c *cobra.Command, args []string) error {
		if len(args) < 1 {
			return usage("`drydock pack %s` needs the directory of a pack", c.Name())
		}
		return nil
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "lint DIR", Short: "Find mistakes without starting a lab", Args: oneDir,
			RunE: func(cmd *cobra.Command, args []string) error { return exit(a.mode(cmd).PackLint(args[0])) },
		},
		a.packTestCommand(oneDir), a.packMutateCommand(oneDir), a.packTryCommand(oneDir), a.packPreviewCommand(oneDir),
		&cobra.Command{
			Use: "seal DIR LESSON GOAL ANSWER", Short: "Print the key of an answer, to put into lesson.yaml",
			Args: func(_ *cobra.Command, args []string) error {
				if len(args) != 4 {
					return usage("`drydock pack seal` needs a directory, a lesson, a goal and an answer")
				}
				return nil
			},
			RunE: func(cmd *cobra.Command, args []string) error {
				return exit(a.mode(cmd).PackSeal(args[0], args[1], args[2], args[3]))
			},
		},
	)
	a.addArtifactCommands(cmd)
	return cmd
}

func (a *app) packTestCommand(oneDir cobra.PositionalArgs) *cobra.Command {
	var o plain.TestOptions
	cmd := &cobra.Command{
		Use: "test DIR [LESSON...]", Short: "Prove every exercise in fresh labs", Args: oneDir,
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.unpacked()
			if err != nil {
				return err
			}
			o.Labs, o.Lessons, o.Scripts = &labFactory{a, p}, args[1:], newScripter(p)
			if !cmd.Flags().Changed("jobs") {
				o.Further = seat.Fitting(runtime.NumCPU()) // proofs are strict about time: no more than twice as many labs
			}
			o.Progress = !a.json && term.IsTerminal(int(os.Stderr.Fd()))
			return exit(a.mode(cmd).PackTest(cmd.Context(), args[0], o))
		},
	}
	cmd.Flags().IntVarP(&o.Jobs, "jobs", "j", runtime.NumCPU(), jobsHelp)
	cmd.Flags().IntVar(&o.Repeat, "repeat", 1, "how often, each time with other parameters")
	cmd.Flags().StringVar(&o.JUnit, "junit", "", "write a JUnit report to this file")
	return cmd
}

// labFactory starts labs that are thrown away.
type labFactory struct {
	app  *app
	home place
}

// New implements golden.LabFactory.
func (f *labFactory) New(ctx context.Context, name string, world pack.World) (golden.Lab, error) {
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails (crypto/rand)
	p := f.home
	var err error
	if p.lab, err = p.home.Lab("test-" + hex.EncodeToString(random)); err != nil {
		return nil, err
	}
	if err := f.app.launch(ctx, p, labSize{nodes: world.Nodes, ours: true}, func(string) {}); err != nil {
		return nil, errors.Join(fmt.Errorf("start a lab for %s: %w", name, err), p.lab.Remove())
	}
	l := &testLab{place: p, pack: f.app.packFile(p)}
	if l.config, err = access.RESTConfig(p.lab); err == nil {
		l.prober, err = newLabProber(p, l.config)
	}
	if err != nil {
		_, closeErr := l.Close(ctx)
		return nil, errors.Join(err, closeErr)
	}
	l.traces, _ = l.look() // where that is not possible the lab serves one case
	return l, nil
}

// testLab is one of them.
type testLab struct {
	place
	pack   string // the built pack that brings its images along; "" for none
	config *rest.Config
	prober checks.Prober
	traces *traces // of a fresh one; nil when nobody looked
}

func (l *testLab) RESTConfig() *rest.Config  { return l.config }
func (l *testLab) Prober() checks.Prober     { return l.prober }
func (l *testLab) Machines() course.Machines { return labMachines{l.lab, l.pack} }
func (l *testLab) Workspace() string         { return l.lab.Workspace() }

// RunScript implements golden.Lab.
func (l *testLab) RunScript(ctx context.Context, script string, env []string) (string, int, error) {
	var out strings.Builder
	e := control.Exec{Args: []string{"sh", "-c", script}, Env: append(learnersEnvironment(), env...)}
	code, err := runInLab(ctx, l.lab, e, &out, &out)
	return out.String(), code, err
}

// Keep implements golden.Rewinder.
func (l *testLab) Keep(ctx context.Context, name string) (string, error) {
	s, err := control.SaveSnapshot(ctx, l.lab.Control(), control.SnapshotRequest{Name: name, Replace: true})
	return strconv.FormatInt(s.Revision, 10), err
}

// Rewind implements golden.Rewinder.
func (l *testLab) Rewind(ctx context.Context, name string) error {
	_, err := control.RestoreSnapshot(ctx, l.lab.Control(), control.SnapshotRequest{Name: name})
	return err
}

// Close implements golden.Lab. It stops the lab, looks for what is left of it, and removes its directory.
func (l *testLab) Close(ctx context.Context) ([]string, error) {
	// Also when the test was cancelled: nothing may stay.
	if _, err := stop(context.WithoutCancel(ctx), l.place); err != nil {
		return nil, err
	}
	left := remaining(string(l.lab))
	return left, l.lab.Remove()
}

// goneWithin is how long the processes of a lab may take to end once all of them have let go of it.
const goneWithin = 2 * time.Second

// remaining is what is still left when that has passed.
func remaining(dir string) []string {
	left := leftovers(dir)
	look, late := time.NewTicker(50*time.Millisecond), time.After(goneWithin)
	defer look.Stop()
	for len(left) > 0 {
		select {
		case <-look.C:
			left = leftovers(dir)
		case <-late:
			return left
		}
	}
	return left
}

// leftovers names what mentions a lab that should be gone: processes by their command line and mounts by their path.
func leftovers(dir string) []string {
	var left []string
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is right
	for _, path := range commands {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), dir) {
			left = append(left, "process "+strings.ReplaceAll(strings.TrimSpace(string(text)), "\x00", " "))
		}
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo") // every Linux has it
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, dir) {
			left = append(left, "mount "+strings.TrimSpace(line))
		}
	}
	return left
}
