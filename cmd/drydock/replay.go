package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"drydock/lessons/grade"
	"drydock/lessons/pack"
	"drydock/lessons/submission"
)

// replayFlags are what `drydock replay` can be told.
type replayFlags struct {
	lessons  []string
	out      string
	deadline time.Duration
	verify   bool
}

func (a *app) replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use: "replay FILE", Short: "Do a submission again in fresh labs, and show where it differs",
		Args: exactly(1, "a file that `drydock submit` has written"),
		RunE: func(cmd *cobra.Command, args []string) error { return a.replay(cmd, f, args[0]) },
	}
	cmd.Flags().StringSliceVar(&f.lessons, "lesson", nil, "only these lessons")
	cmd.Flags().StringVar(&f.out, "out", "", "keep evidence in this folder")
	cmd.Flags().DurationVar(&f.deadline, "deadline", 3*time.Minute, "for one lesson")
	cmd.Flags().BoolVar(&f.verify, "verify", false, "only look whether the file holds together; no lab is started")
	cmd.Flags().StringVar(&a.pack, "pack", "", packFlag)
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// replayed is `drydock replay --json`.
type replayed struct {
	Learner string                `json:"learner"`
	Name    string                `json:"name,omitempty"`
	Forged  []string              `json:"forged,omitempty"`
	Lessons []submission.Replayed `json:"lessons,omitempty"`
}

// differs reports whether anything is other than the submission says.
func (r replayed) differs() bool {
	return len(r.Forged) > 0 || slices.ContainsFunc(r.Lessons, func(l submission.Replayed) bool { return len(l.Differs) > 0 })
}

func (a *app) replay(cmd *cobra.Command, f replayFlags, name string) error {
	work, err := readSubmission(name)
	if err != nil {
		return usage("%w", err)
	}
	for _, id := range f.lessons {
		if work.Lesson(id) == nil {
			return usage("the submission holds no work on lesson %q", id)
		}
	}
	r := replayed{Learner: work.About.Learner, Name: work.About.Name, Forged: work.Verify()}
	if len(r.Forged) == 0 && !f.verify {
		if r.Lessons, err = a.replayLessons(cmd.Context(), f, work); err != nil {
			return err
		}
	}
	if err := a.tellReplayed(cmd, r, work); err != nil {
		return err
	}
	if slices.ContainsFunc(r.Lessons, func(l submission.Replayed) bool { return l.Status == string(grade.Broken) }) {
		return exit(exitOurs)
	}
	if r.differs() {
		return exit(exitNo)
	}
	return nil
}

func readSubmission(name string) (*submission.File, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the submission: %w", err)
	}
	defer file.Close()
	work, err := submission.Read(file)
	if err != nil {
		return nil, fmt.Errorf("read the submission %s: %w", name, err)
	}
	return work, nil
}

// replayLessons does the work of each lesson again, pack by pack.
func (a *app) replayLessons(ctx context.Context, f replayFlags, work *submission.File) ([]submission.Replayed, error) {
	p, err := a.unpacked()
	if err != nil {
		return nil, err
	}
	if f.out == "" {
		if f.out, err = os.MkdirTemp("", "drydock-replay-"); err != nil {
			return nil, fmt.Errorf("make room for the replay: %w", err)
		}
		defer func() { _ = os.RemoveAll(f.out) }() // in the machine's own temporary folder
	}
	packs := map[string]*pack.Pack{}
	var out []submission.Replayed
	for _, l := range work.About.Lessons {
		if len(f.lessons) > 0 && !slices.Contains(f.lessons, l.Lesson) {
			continue
		}
		if packs[l.Pack] == nil {
			if packs[l.Pack], err = a.packOf(p, l.Pack); err != nil {
				return nil, err
			}
		}
		r, err := a.replayLesson(ctx, f, work, l, packs[l.Pack], p)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// packOf is the pack that a submission names, unless --pack says where it is.
func (a *app) packOf(p place, id string) (*pack.Pack, error) {
	named := *a
	if named.pack == "" {
		named.pack = id
	}
	return named.loadPack(p)
}

func (a *app) replayLesson(ctx context.Context, f replayFlags, work *submission.File, l submission.Lesson, all *pack.Pack, p place) (submission.Replayed, error) {
	lesson := all.Lesson(l.Lesson)
	if lesson == nil || all.Digest != l.PackDigest {
		return submission.Replayed{Lesson: l.Lesson, Said: l.Score, Status: string(grade.Refused), Differs: []string{
			fmt.Sprintf("it was done with another version of the pack %s: %.19s, and here is %.19s", l.Pack, l.PackDigest, all.Digest),
		}}, nil
	}
	dir := filepath.Join(f.out, "work")
	if err := work.Unfold(dir, all.Digest); err != nil {
		return submission.Replayed{}, err
	}
	one := *all
	one.Lessons = []*pack.Lesson{lesson}
	rows, err := grade.Run(ctx, grade.Config{
		Pack: &one, Labs: &gradeLabs{labFactory{a, p}}, Scripts: newScripter(p), Deadline: f.deadline, Tool: "drydock " + version,
		Hidden: hiddenFolders(f.out, a.pack), Out: f.out,
		Submissions: []grade.Submission{{Learner: "replay", Seeds: work.About.Learner, Dir: dir, Paced: true}},
	})
	if err != nil {
		return submission.Replayed{}, err
	}
	drawn, err := lesson.For(l.Seed)
	if err != nil {
		return submission.Replayed{}, err
	}
	after, err := os.ReadFile(filepath.Join(f.out, "replay", l.Lesson, "objects.yaml"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return submission.Replayed{}, fmt.Errorf("read the objects of the replay: %w", err)
	}
	return work.Compare(drawn, rows[0], after)
}

func (a *app) tellReplayed(cmd *cobra.Command, r replayed, work *submission.File) error {
	out := cmd.OutOrStdout()
	if a.json {
		return printJSON(out, r)
	}
	state := "the journal holds together"
	if len(r.Forged) > 0 {
		state = "the submission is not what was written"
	}
	fmt.Fprintf(out, "the work of %s, %d entries in the journal: %s\n", work.Who(), work.About.Entries, state)
	for _, what := range r.Forged {
		fmt.Fprintf(out, "  %s\n", what)
	}
	for _, l := range r.Lessons {
		same := "nothing differs"
		if n := len(l.Differs); n > 0 {
			same = fmt.Sprintf("%d differences", n)
		}
		fmt.Fprintf(out, "%s: %g points in the replay, %s; %s\n", l.Lesson, l.Score, said(work.Lesson(l.Lesson)), same)
		for _, what := range l.Differs {
			fmt.Fprintf(out, "  %s\n", what)
		}
	}
	return nil
}

func said(l *submission.Lesson) string {
	if !l.Finished {
		return "not finished by the learner"
	}
	return fmt.Sprintf("%d for the learner", l.Score)
}
