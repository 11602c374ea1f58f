package plain

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"drydock/checks"
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

// TestOptions are how a pack is proved.
type TestOptions struct {
	Labs     golden.LabFactory
	Scripts  checks.Scripter
	Jobs     int
	Further  int
	Repeat   int
	JUnit    string // a file for the report
	Progress bool   // show how far it is, on Err
	Lessons  []string
}

// testBudget is how long the proofs of one pack may take before authors and CI grow impatient.
const testBudget = 3 * time.Minute

// PackTest proves the pack in a folder, with as many labs at the same time as Jobs says.
func (m Mode) PackTest(ctx context.Context, dir string, o TestOptions) int {
	p, code := m.load(dir)
	if p == nil {
		return code
	}
	began := time.Now()
	t := &testLine{Mode: m, on: o.Progress}
	cases, err := golden.Run(ctx, golden.Config{
		Pack: p, Labs: o.Labs, Scripts: o.Scripts, Lessons: o.Lessons, Jobs: o.Jobs, Further: o.Further, Repeat: o.Repeat,
		Begin: func(all int) { t.all = all; t.draw() }, Report: t.told,
	})
	t.wipe()
	if err != nil {
		fmt.Fprintln(m.Err, err)
		return Broken
	}
	if o.JUnit != "" {
		if err := writeReport(o.JUnit, p.ID, cases); err != nil {
			fmt.Fprintln(m.Err, err)
			return Broken
		}
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
		m.say(testTime, time.Since(began).Round(100*time.Millisecond), testBudget)
	}
	if good < len(cases) {
		return No
	}
	return code
}

func writeReport(file, pack string, cases []golden.Case) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return errors.Join(golden.WriteJUnit(f, pack, cases), f.Close())
}

// testLine is the last line on the screen while a pack is proved. Report calls it one at a time.
type testLine struct {
	Mode
	on        bool
	done, all int
}

func (t *testLine) told(c golden.Case) {
	t.wipe()
	t.done++
	if !t.JSON {
		t.toldCase(c)
	}
	t.draw()
}

func (t *testLine) draw() {
	if t.on && t.done < t.all {
		const width = 30
		full := width * t.done / max(t.all, 1)
		fmt.Fprintf(t.Err, "[%s%s] %d/%d", strings.Repeat("#", full), strings.Repeat("-", width-full), t.done, t.all)
	}
}

func (t *testLine) wipe() {
	if t.on {
		fmt.Fprint(t.Err, "\r\x1b[K") // to the first column, and clear to the end of the line
	}
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
func (m Mode) load(dir string) (*pack.Pack, int) { return m.readable(pack.Open(dir)) }

func (m Mode) readable(p *pack.Pack, err error) (*pack.Pack, int) {
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

// openUnsealed reads the pack of a folder whose questions may lack their keys; nobody adds to a built one.
func openUnsealed(dir string) (*pack.Pack, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return pack.Open(dir) // which says what is wrong
	}
	return pack.LoadUnsealed(os.DirFS(dir))
}

// PackSeal prints the key of an answer, to be put into lesson.yaml. The form of the question must be there already, in a folder
// or a built pack; a key need not.
func (m Mode) PackSeal(dir, lesson, goal, answer string) int {
	p, code := m.readable(openUnsealed(dir))
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

// PackFrom writes a pack of one lesson, a copy of one that there is, into a new folder.
func (m Mode) PackFrom(dir string, p *pack.Pack, lesson string) int {
	if err := pack.From(dir, p, lesson); err != nil {
		fmt.Fprintln(m.Err, err)
		return Usage
	}
	m.say(madePack, dir, dir)
	return OK
}
