package grade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"drydock/checks"
	"drydock/lessons/course"
	"drydock/lessons/pack"
	"drydock/lessons/progress"
	"drydock/lessons/seat"
)

// tries is how often something that broke on our side is tried.
const tries = 3

// job is one learner's work on one lesson.
type job struct {
	cfg        *Config
	submission Submission
	lesson     *pack.Lesson
	last       bool // in its lane
}

// grade always gives a row.
func (j *job) grade(ctx context.Context, s *seat.Seat[Lab]) (row Row) {
	began := time.Now()
	w, err := read(filepath.Join(j.submission.Dir, j.lesson.ID))
	switch {
	case j.submission.Refused != "":
		row = j.blank(Refused, j.submission.Refused, checks.Skipped)
	case err != nil:
		row = j.blank(Refused, err.Error(), checks.Skipped)
	case len(w.files) == 0:
		row = j.blank(Empty, "", checks.Skipped)
	default:
		row = j.tried(ctx, s, w)
	}
	row.Work = w.digest
	row.Started, row.Millis = began.UTC().Format(time.RFC3339), time.Since(began).Milliseconds()
	return row
}

// tried replays the work, and again when what broke was ours.
func (j *job) tried(ctx context.Context, s *seat.Seat[Lab], w work) Row {
	var row Row
	for range tries {
		if row = j.guarded(ctx, s, w); row.Status != Broken || ctx.Err() != nil {
			break
		}
	}
	return row
}

// guarded turns a panic into a row: one submission never ends the batch.
func (j *job) guarded(ctx context.Context, s *seat.Seat[Lab], w work) (row Row) {
	defer func() {
		if r := recover(); r != nil {
			row = j.blank(Broken, fmt.Sprint("the grader broke: ", r), checks.Error)
		}
	}()
	row, err := j.once(ctx, s, w)
	if err != nil {
		row = j.blank(Broken, err.Error(), checks.Error)
	}
	return row
}

// blank is a row without a single point.
func (j *job) blank(status Status, note string, outcome checks.Outcome) Row {
	row := Row{
		Learner: j.submission.Learner, Lesson: j.lesson.ID, Revision: j.lesson.Revision, Pack: j.cfg.Pack.ID,
		Digest: j.cfg.Pack.Digest, Tool: j.cfg.Tool, Seed: j.seed(), Status: status, Note: masked(note), Goals: []GoalOutcome{},
	}
	for _, g := range j.lesson.Goals {
		row.Goals = append(row.Goals, GoalOutcome{Goal: g.ID, Kind: g.Kind, Outcome: outcome, Max: round(g.Points), Hidden: g.Hidden, Needs: g.Needs})
		if g.Kind != pack.Bonus {
			row.Max = round(row.Max + g.Points)
		}
	}
	return row
}

// seed is the one that the learner's own drydock uses, when the folder has the name of their record.
func (j *job) seed() string {
	return cmp.Or(j.submission.Seeds, j.submission.Learner) + "/" + j.cfg.Pack.Digest
}

func (j *job) once(ctx context.Context, s *seat.Seat[Lab], w work) (row Row, err error) {
	lesson, err := j.lesson.For(j.seed())
	if err != nil {
		return Row{}, err
	}
	world := lesson.World
	world.Nodes = max(world.Nodes, 1)
	lab, before, err := s.Take(ctx, j.label(), world)
	if err != nil {
		return Row{}, err
	}
	tame := false
	defer func() { // also when it panics
		left := before
		if !tame {
			some, endErr := s.Leave(ctx)
			left, err = append(left, some...), errors.Join(err, endErr)
		}
		row.leaves(left)
	}()
	if row, err = j.inLab(ctx, lab, w); err != nil {
		return row, err
	}
	// What went beyond a limit or a deadline is not asked to be good.
	if tame = row.Status == Graded && !j.last; tame {
		some, clearErr := s.Clear(ctx)
		before, err = append(before, some...), clearErr
	}
	return row, err
}

// end tears down the lab that the lane had.
func (j *job) end(ctx context.Context, s *seat.Seat[Lab], row *Row) {
	left, err := s.Leave(ctx)
	if err != nil && row.Note == "" {
		row.Note = masked(err.Error())
	}
	row.leaves(left)
}

// leaves notes what a lab left on the machine.
func (r *Row) leaves(left []string) {
	if len(left) > 0 {
		r.Note = strings.TrimSpace(r.Note + " left on the machine: " + strings.Join(left, ", "))
	}
}

func (j *job) inLab(ctx context.Context, lab Lab, w work) (Row, error) {
	dir, err := os.MkdirTemp("", "drydock-grade-")
	if err != nil {
		return Row{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // in the machine's own temporary folder
	book, err := progress.Open(dir)
	if err != nil {
		return Row{}, err
	}
	defer func() { _ = book.Close() }() // it is thrown away
	open := *j.cfg.Pack
	open.Policy = pack.Free // each lesson is graded by itself
	c, err := course.New(course.Config{
		Pack: &open, Book: book, Lab: j.label(), REST: lab.RESTConfig(), Prober: lab.Prober(), Workspace: lab.Workspace(),
		Seed: j.seed(), Scripts: j.cfg.Scripts, Machines: lab.Machines(), Fresh: true,
	})
	if err != nil {
		return Row{}, err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Run(ctx) // ends with ctx only
	}()
	defer func() {
		stop()
		<-ended
	}()
	if err := c.Open(ctx, j.lesson.ID); err != nil {
		return Row{}, err
	}
	if _, err := c.CheckNow(ctx); err != nil {
		return Row{}, err
	}
	return j.replay(ctx, lab, c, w)
}

// replay does what the learner did, and looks at what has become of it.
func (j *job) replay(ctx context.Context, lab Lab, c *course.Course, w work) (Row, error) {
	if err := w.place(lab.Workspace(), j.submission.folder()); errors.Is(err, errPlace) {
		return j.blank(Refused, err.Error(), checks.Skipped), nil
	} else if err != nil {
		return Row{}, err
	}
	began := time.Now()
	limited, stop := context.WithTimeout(ctx, j.cfg.Deadline)
	defer stop()
	if j.submission.Paced {
		defer tellReached(c, lab.Workspace())()
	}
	output, _, err := lab.Replay(limited, w.script(j.submission.folder()), j.cfg.Hidden)
	status, note := Graded, ""
	switch {
	case ctx.Err() != nil:
		return Row{}, context.Cause(ctx)
	case errors.Is(err, ErrForged) && !teachesStatus(j.lesson):
		row := j.blank(Refused, err.Error(), checks.Skipped)
		j.evidence(ctx, lab, row, output)
		return row, nil
	case limited.Err() != nil:
		status, note = Late, fmt.Sprintf("it took longer than %s", j.cfg.Deadline)
	case errors.Is(err, ErrLimit):
		status, note = Stopped, err.Error()
	case err != nil && !errors.Is(err, ErrForged):
		return Row{}, fmt.Errorf("replay the submission: %w", err)
	}
	// What the scripts did must have been seen before an answer is judged: it may depend on a guard that they broke.
	s, err := j.rest(ctx, c, j.awaited())
	switch {
	case errors.Is(err, errBusy) && status == Graded:
		status, note = Late, err.Error()
	case err != nil && s == nil:
		return Row{}, err
	}
	given := answerable(j.lesson, w.answers)
	for _, a := range given {
		if _, err := c.Answer(ctx, a.Goal, a.Value); err != nil {
			return Row{}, err
		}
	}
	if len(given) > 0 {
		// Answers move nothing in the lab, so it need not come to rest again. Only goals that waited for them are asked now.
		if s, err = j.rest(ctx, c, nil); s == nil {
			return Row{}, err
		}
	}
	row := j.row(s, began)
	row.Status, row.Note, row.Work = status, masked(note), w.digest
	if slices.ContainsFunc(row.Goals, func(g GoalOutcome) bool { return g.Outcome == checks.Error }) && status == Graded {
		row.Status, row.Note = Broken, "a check could not be asked"
	}
	j.evidence(ctx, lab, row, output)
	return row, nil
}

// teachesStatus reports whether the lesson's own solution writes the status of something, or an Event: then that is no forgery.
func teachesStatus(l *pack.Lesson) bool {
	return slices.ContainsFunc(l.Solutions, func(s pack.Script) bool {
		return strings.Contains(s.Body, "--subresource") || strings.Contains(s.Body, "kind: Event")
	})
}

// answerable are the answers to questions that the lesson asks.
func answerable(l *pack.Lesson, given []pack.GivenAnswer) []pack.GivenAnswer {
	return slices.DeleteFunc(slices.Clone(given), func(a pack.GivenAnswer) bool {
		g := l.Goal(a.Goal)
		return g == nil || g.Check.Answer == nil
	})
}

// awaited are the goals that what is in the lab may still bring about: all but the questions to answer, and what needs them.
func (j *job) awaited() map[string]bool {
	out := map[string]bool{}
	for _, g := range j.lesson.Goals {
		out[g.ID] = g.Check.Answer == nil
	}
	for range j.lesson.Goals {
		for _, g := range j.lesson.Goals {
			if slices.ContainsFunc(g.Needs, func(id string) bool { return !out[id] }) {
				out[g.ID] = false
			}
		}
	}
	return out
}

// still is how long nothing must change until a picture is believed.
func (j *job) still(s *course.State, awaited map[string]bool) time.Duration {
	open := func(g course.GoalState) bool { return awaited[g.Goal.ID] && g.Mark != course.Done }
	guard := func(g course.GoalState) bool { return g.Goal.Kind == pack.Guard }
	switch {
	case !calm(s):
		return j.cfg.Reach
	case awaited == nil:
		return 0
	case slices.ContainsFunc(s.Goals, open):
		return j.cfg.Open
	case slices.ContainsFunc(s.Goals, guard):
		return j.cfg.Rest
	default:
		return 0 // what was reached stays so
	}
}

func calm(s *course.State) bool {
	return s.Asked && !slices.ContainsFunc(s.Goals, func(g course.GoalState) bool { return g.Mark == course.Progress })
}

func (j *job) row(s *course.State, began time.Time) Row {
	row := j.blank(Graded, "", checks.Skipped)
	row.Score = round(s.Score)
	row.Goals = row.Goals[:0]
	for i := range s.Goals {
		g := &s.Goals[i]
		o := GoalOutcome{
			Goal: g.Goal.ID, Kind: g.Goal.Kind, Outcome: outcome(g), Points: round(g.Points), Max: round(g.Goal.Points),
			Hidden: g.Goal.Hidden, Needs: g.Goal.Needs, Millis: max(0, g.Since.Sub(began).Milliseconds()),
		}
		if !o.Hidden && o.Outcome != checks.Pass {
			o.Message, o.Expected, o.Actual = g.Why().In("en"), g.Result.Expected.In("en"), g.Result.Seen.In("en")
			o.Message, o.Expected, o.Actual = masked(o.Message), masked(o.Expected), masked(o.Actual)
		}
		row.Goals = append(row.Goals, o)
	}
	return row
}

// outcome is the mark of a goal in the words of checks.
func outcome(g *course.GoalState) checks.Outcome {
	switch g.Mark {
	case course.Done:
		return checks.Pass
	case course.Blocked:
		return checks.Blocked
	case course.Unsure:
		return g.Result.Outcome
	default:
		return checks.Fail
	}
}

// What a cluster makes up: the last five letters of a pod's name (never a vowel, k8s.io/apimachinery/pkg/util/rand), the
// addresses of pods and Services, times.
var madeUp = []struct {
	form *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\b([a-z][a-z0-9-]*)-[bcdfghjklmnpqrstvwxz2456789]{5}\b`), "$1-*"},
	{regexp.MustCompile(`\b10\.(244|96)\.\d+\.\d+\b`), "10.$1.*"},
	{regexp.MustCompile(`\b[0-9a-f]{12,64}\b`), "*"},
	{regexp.MustCompile(`\bback-off \d+m?\d*s`), "back-off *"},
}

func masked(s string) string {
	for _, m := range madeUp {
		s = m.form.ReplaceAllString(s, m.to)
	}
	return s
}
