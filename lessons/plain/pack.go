package plain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"drydock/lessons/golden"
	"drydock/lessons/pack"
)

// finding is a line of `pack lint --json`.
type finding struct {
	Severity string `json:"severity"` // "error" or "warning"
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Message  string `json:"message"`
}

// PackLint reads the pack in a folder and prints what is wrong with it. Warnings alone are no failure.
func (m Mode) PackLint(dir string) int {
	p, err := pack.Load(os.DirFS(dir))
	var problems, warnings pack.Problems
	if err != nil && !errors.As(err, &problems) {
		fmt.Fprintln(m.Err, err)
		return Usage
	}
	if p != nil {
		warnings = pack.Lint(p)
	}
	found := []finding{}
	for _, one := range problems {
		found = append(found, finding{"error", one.File, one.Line, one.Column, one.Message})
	}
	for _, one := range warnings {
		found = append(found, finding{"warning", one.File, one.Line, one.Column, one.Message})
	}
	code := OK
	if len(problems) > 0 {
		code = No
	}
	if m.JSON {
		return max(m.writeJSON(found), code)
	}
	for _, one := range problems {
		m.say(lintProblem, one)
	}
	for _, one := range warnings {
		m.say(lintWarning, one)
	}
	if len(found) == 0 {
		m.say(lintClean, p.ID)
	}
	return code
}

// PackTest proves the pack in a folder, with as many labs at the same time as jobs says.
func (m Mode) PackTest(ctx context.Context, dir string, labs golden.LabFactory, jobs int, lessons ...string) int {
	p, code := m.load(dir)
	if p == nil {
		return code
	}
	tell := m.toldCase
	if m.JSON {
		tell = nil
	}
	cases, err := golden.Run(ctx, golden.Config{Pack: p, Labs: labs, Lessons: lessons, Jobs: jobs, Report: tell})
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return Broken
	}
	good := 0
	for _, c := range cases {
		if c.OK() {
			good++
		}
	}
	if m.JSON {
		code = m.writeJSON(cases)
	} else {
		m.say(testSummary, good, len(cases))
	}
	if good < len(cases) {
		return No
	}
	return code
}

// toldCase prints one case of a test.
func (m Mode) toldCase(c golden.Case) {
	form := testOK
	if !c.OK() {
		form = testFailed
	}
	m.say(form, c.Lesson, c.Name, c.Millis)
	for _, problem := range c.Problems {
		fmt.Fprintln(m.Out, "      "+strings.ReplaceAll(problem, "\n", "\n      "))
	}
}

// load reads a pack, or prints why it cannot be read.
func (m Mode) load(dir string) (*pack.Pack, int) {
	p, err := pack.Open(dir)
	if err == nil {
		return p, OK
	}
	fmt.Fprintln(m.Err, err)
	var problems pack.Problems
	if errors.As(err, &problems) {
		return nil, No
	}
	return nil, Usage
}

// PackSeal prints the key of an answer, to be put into lesson.yaml. The form of the question must be there already; a key
// of the right form but for another answer will do meanwhile: "hmac-sha256:0:" and 64 zeros.
func (m Mode) PackSeal(dir, lesson, goal, answer string) int {
	p, code := m.load(dir)
	if p == nil {
		return code
	}
	l := p.Lesson(lesson)
	if l == nil {
		fmt.Fprintf(m.Err, unknownID.In(m.Lang)+"\n", lesson)
		return Usage
	}
	g := l.Goal(goal)
	if g == nil || g.Check.Answer == nil {
		fmt.Fprintf(m.Err, noSuchAnswer.In(m.Lang)+"\n", goal, lesson)
		return Usage
	}
	key, err := g.Check.Answer.Seal(answer)
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return Usage
	}
	fmt.Fprintln(m.Out, key)
	return OK
}

// PackNew writes a small pack that already passes into a new folder.
func (m Mode) PackNew(dir string) int {
	if err := pack.New(dir); err != nil {
		fmt.Fprintln(m.Err, err)
		return Usage
	}
	m.say(madePack, dir, dir)
	return OK
}
