package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drydock/engine/cluster/control"
	"drydock/lessons/grade"
	"drydock/lessons/pack"
	"drydock/lessons/seat"
	"drydock/sandbox/box"
)

// furtherLabs is how many labs a processor serves in a batch beside its first, while they wait for something: a submission to
// eight lessons takes half a minute, and uses a processor for a sixth of it.
const furtherLabs = 7

const jobsHelp = "how many labs at the same time; when left out, more while processors have nothing to do"

// gradeFlags are what `drydock grade` can be told.
type gradeFlags struct {
	submissions, format, out, output string
	unfolded                         string // where files of `drydock submit` are unfolded
	jobs, further                    int
	deadline                         time.Duration
	least                            float64
	noTimes, resume                  bool
	weights                          map[string]string
}

func (a *app) gradeCommand() *cobra.Command {
	var f gradeFlags
	cmd := &cobra.Command{
		Use: "grade PACK --submissions DIR", Short: "Replay what learners handed in, each in a fresh lab, and say what it is worth",
		Args: exactly(1, "a pack: a folder, a built pack, or the id of an installed or bundled one"),
		RunE: func(cmd *cobra.Command, args []string) error {
			a.pack = args[0]
			if !cmd.Flags().Changed("jobs") {
				f.further = seat.Fitting(furtherLabs * runtime.NumCPU())
			}
			return a.grade(cmd, f)
		},
	}
	cmd.Flags().StringVar(&f.submissions, "submissions", "", "a folder with, per learner, a folder with a folder per lesson, or a file of drydock submit")
	cmd.Flags().StringVar(&f.format, "format", "table", strings.Join(grade.Formats, ", "))
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "write to this file instead of standard output")
	cmd.Flags().StringVar(&f.out, "out", "", "keep evidence of each submission in this folder")
	cmd.Flags().IntVarP(&f.jobs, "jobs", "j", runtime.NumCPU(), jobsHelp)
	cmd.Flags().DurationVar(&f.deadline, "deadline", 3*time.Minute, "for one submission to one lesson")
	cmd.Flags().Float64Var(&f.least, "min", 0, "exit with 1 when a learner's total is below this")
	cmd.Flags().BoolVar(&f.noTimes, "no-times", false, "leave out what differs between two runs")
	cmd.Flags().BoolVar(&f.resume, "resume", false, "take up an interrupted batch in the folder of --out")
	cmd.Flags().StringToStringVar(&f.weights, "weight", nil, "how much lessons count: LESSON=NUMBER; 1 when left out")
	return cmd
}

// grade runs the batch.
func (a *app) grade(cmd *cobra.Command, f gradeFlags) error {
	unfolded, err := os.MkdirTemp("", "drydock-grade-")
	if err != nil {
		return fmt.Errorf("make room for submissions: %w", err)
	}
	defer func() { _ = os.RemoveAll(unfolded) }() // in the machine's own temporary folder
	f.unfolded = unfolded
	cfg, err := a.gradeConfig(f)
	if err != nil {
		return err
	}
	done, all := 0, len(cfg.Submissions)*len(cfg.Pack.Lessons)
	cfg.Report = func(r grade.Row) {
		done++
		fmt.Fprintf(os.Stderr, "%d/%d %s %s: %s, %g points\n", done, all, r.Learner, r.Lesson, r.Status, r.Score)
	}
	rows, err := grade.Run(cmd.Context(), cfg)
	if err != nil {
		return err
	}
	report := grade.Report{Pack: cfg.Pack.ID, Digest: cfg.Pack.Digest, Tool: cfg.Tool, Totals: cfg.Totals(rows), Rows: rows}
	if f.noTimes {
		for i := range rows {
			rows[i] = rows[i].WithoutTimes()
		}
	}
	out := cmd.OutOrStdout()
	if f.output != "" {
		file, err := os.Create(f.output)
		if err != nil {
			return fmt.Errorf("write the grades: %w", err)
		}
		defer file.Close()
		out = file
	}
	if err := report.Write(out, f.format); err != nil {
		return err
	}
	return exit(gradeCode(report, f.least))
}

// gradeCode: what broke on our side outweighs what is below the minimum.
func gradeCode(r grade.Report, least float64) int {
	switch {
	case slices.ContainsFunc(r.Rows, func(row grade.Row) bool { return row.Status == grade.Broken }):
		return exitOurs
	case slices.ContainsFunc(r.Totals, func(t grade.Total) bool { return t.Score < least }):
		return exitNo
	default:
		return 0
	}
}

func (a *app) gradeConfig(f gradeFlags) (grade.Config, error) {
	cfg := grade.Config{
		Jobs: f.jobs, Further: f.further, Deadline: f.deadline, Out: f.out, Resume: f.resume, Tool: "drydock " + version, Weights: map[string]float64{},
	}
	if f.submissions == "" {
		return cfg, usage("`drydock grade` needs --submissions DIR: a folder per learner, in it a folder per lesson, or files of `drydock submit`")
	}
	if !slices.Contains(grade.Formats, f.format) {
		return cfg, usage("format %q: use one of %s", f.format, strings.Join(grade.Formats, ", "))
	}
	p, err := a.unpacked()
	if err != nil {
		return cfg, err
	}
	if cfg.Pack, err = a.loadPack(p); err != nil {
		return cfg, err
	}
	for lesson, text := range f.weights {
		w, err := strconv.ParseFloat(text, 64)
		if err != nil || w < 0 || cfg.Pack.Lesson(lesson) == nil {
			return cfg, usage("weight %s=%s: name a lesson of the pack and a number from 0", lesson, text)
		}
		cfg.Weights[lesson] = w
	}
	if cfg.Submissions, err = handedIn(f.submissions, f.unfolded, cfg.Pack); err != nil {
		return cfg, usage("%w", err)
	}
	cfg.Labs, cfg.Scripts = &gradeLabs{labFactory{a, p}}, newScripter(p)
	cfg.Hidden = hiddenFolders(f.submissions, f.unfolded, f.out, a.pack)
	return cfg, nil
}

// gradeLabs makes labs in which submissions are replayed.
type gradeLabs struct{ labFactory }

// Fresh implements grade.Labs.
func (g *gradeLabs) Fresh(ctx context.Context, name string, world pack.World) (grade.Lab, error) {
	made, err := g.New(ctx, name, world)
	if err != nil {
		return nil, err
	}
	l, ok := made.(*testLab)
	if !ok {
		return nil, fmt.Errorf("start a lab for %s: it is of another kind", name)
	}
	return l, nil
}

// Limits of a submission.
const (
	replayProcesses = 256
	replayMemory    = 1 << 30
	replayDisk      = 128 << 20
	replayOutput    = 1 << 20
)

// Replay implements grade.Lab.
func (l *testLab) Replay(ctx context.Context, script string, hidden []string) (string, int, error) {
	variable, err := box.Spec{
		Args: []string{"/bin/sh", "-c", script}, Hidden: hidden,
		Processes: replayProcesses, Memory: replayMemory, Disk: replayDisk, Watched: append([]string{l.Workspace()}, scratchDirs...),
	}.Command()
	if err != nil {
		return "", 0, err
	}
	env := []string{"PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG=C.UTF-8", variable}
	out, last := &capped{most: replayOutput}, &tail{}
	began := time.Now()
	code, err := runInLab(ctx, l.lab, control.Exec{Args: []string{l.programs.Path(box.Program)}, Env: env}, out, io.MultiWriter(out, last))
	text := out.String()
	if lie := l.forged(context.WithoutCancel(ctx), began); lie != nil {
		return text, code, lie // whatever ended it
	}
	if err == nil && code == box.Stopped {
		return text, code, fmt.Errorf("%w: %s", grade.ErrLimit, box.Exceeded(string(last.kept)))
	}
	return text, code, err
}

// tail keeps the end of what is written.
type tail struct{ kept []byte }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	const most = 1 << 10
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-most):]
	return len(p), nil
}
