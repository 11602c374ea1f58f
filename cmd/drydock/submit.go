package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"drydock/checks"
	"drydock/engine/cluster/control"
	"drydock/lessons/course"
	"drydock/lessons/plain"
	"drydock/lessons/progress"
	"drydock/lessons/submission"
)

// submitFlags are what `drydock submit` can be told.
type submitFlags struct {
	output, name string
	all          bool
}

func (a *app) submitCommand() *cobra.Command {
	var f submitFlags
	cmd := &cobra.Command{
		Use: "submit [LESSON]", Short: "Pack what you did in a lesson into one file, to hand it in",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && f.all {
				return usage("`drydock submit` takes one lesson, or --all, or nothing for the lesson that is open")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.submit(cmd, f, strings.Join(args, "")) },
	}
	cmd.Flags().BoolVar(&f.all, "all", false, "every lesson that was opened in this lab")
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "the file to write (default: drydock-LEARNER.tar.gz here)")
	cmd.Flags().StringVar(&f.name, "as", "", "what people call you; it is remembered")
	cmd.Flags().StringVar(&a.pack, "pack", "", packFlag)
	return cmd
}

func (a *app) submit(cmd *cobra.Command, f submitFlags, lesson string) error {
	p, err := a.find()
	if err != nil {
		return err
	}
	if _, err := os.Stat(p.lab.Kubeconfig()); err != nil {
		return &codeError{exitNo, fmt.Errorf("nothing was done in lab %q yet; `drydock lesson start` begins", p.lab.Name())}
	}
	open, err := a.upToDate(cmd, p)
	if err != nil {
		return err
	}
	r, err := a.openRecord(p, p.lab.Name())
	if err != nil {
		return err
	}
	err = a.pickAndWrite(cmd, f, submission.Source{
		Tool: "drydock " + version, Lab: p.lab.Name(), Book: r.book, Journal: r.journal, Workspace: p.lab.Workspace(),
		Lessons: chosen(f.all, lesson, open),
	}, open)
	return errors.Join(err, r.close())
}

// chosen are the lessons to hand in; none means all.
func chosen(all bool, lesson, open string) []string {
	switch {
	case all:
		return nil
	case lesson != "":
		return []string{lesson}
	default:
		return []string{open}
	}
}

// upToDate brings the journal up to this moment and returns the lesson that is open in the lab, if it runs.
func (a *app) upToDate(cmd *cobra.Command, p place) (open string, err error) {
	if _, err := control.AskStatus(cmd.Context(), p.lab.Control()); err != nil {
		c, closeBook, err := a.openCourse(p)
		if err != nil {
			return "", err
		}
		return "", errors.Join(c.CatchUp(), closeBook())
	}
	err = a.withCourse(cmd, func(ctx context.Context, m plain.Mode, c *course.Course) int {
		if c.Current() == nil {
			return plain.OK
		}
		open = c.Current().ID
		ctx, stop := context.WithTimeout(ctx, checkWithin)
		defer stop()
		_, err := c.CheckNow(ctx)
		if err := errors.Join(err, c.PutAside(ctx)); err != nil {
			fmt.Fprintln(m.Err, err)
			return plain.Broken
		}
		return plain.OK
	})
	return open, err
}

func (a *app) pickAndWrite(cmd *cobra.Command, f submitFlags, s submission.Source, open string) error {
	if !f.all && len(s.Lessons) == 1 && s.Lessons[0] == "" {
		return usage("no lesson is open in lab %q: name one, or take --all", s.Lab)
	}
	if err := a.askName(cmd, s.Book, f.name); err != nil {
		return err
	}
	work, err := submission.Collect(s)
	if errors.Is(err, submission.ErrNothing) {
		return &codeError{exitNo, err}
	} else if err != nil {
		return err
	}
	name := f.output
	if name == "" {
		name = "drydock-" + work.About.Learner + ".tar.gz"
	}
	if err := writeFile(name, work); err != nil {
		return err
	}
	return a.tellSubmitted(cmd, work, name)
}

// writeFile leaves a whole file or none.
func writeFile(name string, work *submission.File) error {
	file, err := os.CreateTemp(dirOf(name), ".drydock-*")
	if err != nil {
		return fmt.Errorf("write the submission: %w", err)
	}
	err = errors.Join(work.Write(file), file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the submission %s: %w", name, err), os.Remove(file.Name()))
	}
	return nil
}

func dirOf(name string) string {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i+1]
	}
	return "."
}

// What submit says, with the verbs of fmt.
var (
	submittedOpen     = checks.Text{"en": "%s: open, %d goals reached\n", "ko": "%s: 진행 중, 목표 %d개 달성\n"}
	submittedFinished = checks.Text{"en": "%s: finished, %d points\n", "ko": "%s: 완료, %d점\n"}
	submittedWithout  = checks.Text{"en": "left out: %s\n", "ko": "넣지 않은 것: %s\n"}
	submittedMind     = checks.Text{"en": "mind: %s\n", "ko": "살펴보세요: %s\n"}
	submittedFile     = checks.Text{
		"en": "%s holds the work of %s, with %d entries of the journal up to %.12s\n",
		"ko": "%s 파일에 %s 님이 한 일을 담았어요. 일지 항목은 %d개이고 %.12s에서 끝나요.\n",
	}
	askedName = checks.Text{
		"en": "Your name, as whoever reads this knows it (Enter: only the id %s): ",
		"ko": "받는 사람이 알아볼 이름을 적어 주세요 (그냥 Enter를 누르면 아이디 %s만 보여요): ",
	}
)

func (a *app) tellSubmitted(cmd *cobra.Command, work *submission.File, name string) error {
	out, lang := cmd.OutOrStdout(), a.language()
	for _, l := range work.About.Lessons {
		if l.Finished {
			fmt.Fprintf(out, submittedFinished.In(lang), l.Lesson, l.Score)
		} else {
			fmt.Fprintf(out, submittedOpen.In(lang), l.Lesson, len(l.Reached))
		}
	}
	for _, left := range work.About.LeftOut {
		fmt.Fprintf(out, submittedWithout.In(lang), left)
	}
	for _, what := range work.Verify() {
		fmt.Fprintf(out, submittedMind.In(lang), what)
	}
	_, err := fmt.Fprintf(out, submittedFile.In(lang), name, work.Who(), work.About.Entries, work.About.Head)
	return err
}

// askName remembers what people call the learner; on a terminal it asks once.
func (a *app) askName(cmd *cobra.Command, book *progress.Book, given string) error {
	known, err := book.Name()
	if err != nil {
		return err
	}
	if given == "" && known == "" && a.learner == "" && os.Getenv(learnerVariable) == "" &&
		term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd())) {
		fmt.Fprintf(os.Stderr, askedName.In(a.language()), book.Learner())
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n') // the end of the input is an answer too
		given = strings.TrimSpace(line)
	}
	if given == "" || given == known {
		return nil
	}
	if len(given) > 100 {
		return usage("a name has at most 100 bytes")
	}
	return book.Add(progress.Record{Time: time.Now().UTC(), Kind: progress.Named, Value: given})
}
