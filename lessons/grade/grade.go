// Package grade runs submissions and says what they are worth.
//
// A submission is a folder per learner with a folder per lesson: manifests and scripts, replayed in order of their names
// in the shell of a fresh lab, by someone who cannot see the pack, the other submissions or the grader. Then the same
// checks are asked that the learner saw, and those that only the grader has. There is always one row for each learner and
// lesson, whatever a submission does.
//
// The same input gives the same rows, apart from times: names that a cluster makes up are written as a star.
package grade

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"drydock/checks"
	"drydock/lessons/golden"
	"drydock/lessons/pack"
	"drydock/lessons/seat"
)

// Status says how a replay ended.
type Status string

// The statuses. Only Broken is ours.
const (
	Graded  Status = "graded"
	Empty   Status = "empty"   // there is nothing for this lesson
	Late    Status = "timeout" // the deadline came first, or the machine was too busy; what was reached until then counts
	Stopped Status = "stopped" // it went beyond a limit (processes, memory, disk); what was reached until then counts
	Refused Status = "refused" // the submission itself cannot be replayed: too large, not plain files
	Broken  Status = "error"   // something of ours broke, also the second and third time
)

// Lab is a fresh lab in which one submission is replayed.
type Lab interface {
	golden.Lab
	// Replay runs a script in the lab's shell, under limits, with some folders of the machine out of sight, and ends
	// everything that it started. The error is ErrLimit when a limit was what ended it, and ErrForged, whatever that was, when it said
	// what only the cluster may say.
	Replay(ctx context.Context, script string, hidden []string) (output string, code int, err error)
}

// ErrLimit is the error of a replay that went beyond a limit.
var ErrLimit = errors.New("the submission went beyond a limit")

// ErrForged is the error of a replay that wrote into what checks believe.
var ErrForged = errors.New("the submission says what only the cluster may say")

// Labs makes labs.
type Labs interface {
	Fresh(ctx context.Context, name string, world pack.World) (Lab, error)
}

// Config says what to grade.
type Config struct {
	Pack        *pack.Pack
	Submissions []Submission
	Labs        Labs
	Scripts     checks.Scripter
	Jobs        int                // labs at the same time; 1 when 0
	Further     int                // labs beside those while processors have nothing to do
	Deadline    time.Duration      // for one replay and its checks; 3 minutes when 0
	Weights     map[string]float64 // of lessons; 1 when left out
	Hidden      []string           // folders that no submission may see
	Out         string             // folder for the evidence; "" keeps none
	Resume      bool               // take rows that are in Out already
	Tool        string             // who grades: "drydock v0.1.0"
	Report      func(Row)          // called for each row when it is known, one at a time; may be nil
	Load        func() float64     // how many times longer than on a quiet machine things take; seat.MachineLoad when nil
	Patience
}

// Patience says how long to wait for a world to come to rest, on a quiet machine: on a busy one it lasts longer. Zero values
// take the defaults.
type Patience struct {
	Reach time.Duration // until nothing is on its way: 30 seconds
	Rest  time.Duration // without any change, when all is well: 1 second
	Open  time.Duration // the same, while a goal is open that may yet be reached: a probe may need its time: 5 seconds
}

// Run grades everything and returns the rows in order of learner and lesson. An error means that nothing could begin.
func Run(ctx context.Context, cfg Config) ([]Row, error) {
	cfg.Deadline = cmp.Or(cfg.Deadline, 3*time.Minute)
	cfg.Reach, cfg.Rest, cfg.Open = cmp.Or(cfg.Reach, 30*time.Second), cmp.Or(cfg.Rest, time.Second), cmp.Or(cfg.Open, 5*time.Second)
	if cfg.Load == nil {
		cfg.Load = seat.MachineLoad
	}
	book, err := openLedger(cfg)
	if err != nil {
		return nil, err
	}
	jobs := cfg.jobs()
	var rows []Row
	var running sync.WaitGroup
	var reporting sync.Mutex
	report := func(row Row, known bool) {
		reporting.Lock()
		defer reporting.Unlock()
		rows = append(rows, row)
		if !known {
			err = errors.Join(err, book.add(row))
		}
		if cfg.Report != nil {
			cfg.Report(row)
		}
	}
	room := &seat.Room{Always: cfg.Jobs, Further: cfg.Further, Load: cfg.Load}
	for _, lane := range jobs {
		// Also when ctx has ended: there is a row for each job, one lane after the other.
		if err := room.Enter(context.WithoutCancel(ctx)); err != nil {
			return nil, err
		}
		running.Go(func() {
			defer room.Leave()
			cfg.inTurn(ctx, lane, book, report)
		})
	}
	running.Wait()
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Learner, b.Learner), cmp.Compare(cfg.place(a.Lesson), cfg.place(b.Lesson)))
	})
	return rows, errors.Join(err, book.close())
}

func (cfg *Config) place(lesson string) int {
	return slices.IndexFunc(cfg.Pack.Lessons, func(l *pack.Lesson) bool { return l.ID == lesson })
}

// jobs are a job for each learner and lesson, in lanes: what is in one lane is done in turn in one lab, as long as that is as
// good as new, and all of it is of one learner. With more labs than learners, a learner's lessons are dealt to several.
func (cfg *Config) jobs() [][]*job {
	var out [][]*job
	each := max(1, cfg.Jobs/max(1, len(cfg.Submissions)))
	for _, s := range cfg.Submissions {
		lanes := make([][]*job, min(each, len(cfg.Pack.Lessons)))
		for i, l := range cfg.Pack.Lessons {
			last := i+len(lanes) >= len(cfg.Pack.Lessons)
			lanes[i%len(lanes)] = append(lanes[i%len(lanes)], &job{cfg: cfg, submission: s, lesson: l, last: last})
		}
		out = append(out, lanes...)
	}
	return out
}

// inTurn grades the jobs of one lane. The lab is there from the first job that needs one, and is torn down after the last.
func (cfg *Config) inTurn(ctx context.Context, lane []*job, book *ledger, report func(row Row, known bool)) {
	s := &seat.Seat[Lab]{Start: cfg.Labs.Fresh}
	for _, j := range lane {
		row, known := book.row(j)
		if !known {
			row = j.grade(ctx, s)
		}
		if j.last || ctx.Err() != nil {
			j.end(ctx, s, &row)
		}
		report(row, known)
	}
}

// Totals are the learners' scores over all lessons, by weight, in order of learners.
func (cfg *Config) Totals(rows []Row) []Total {
	var out []Total
	for _, r := range rows {
		if len(out) == 0 || out[len(out)-1].Learner != r.Learner {
			out = append(out, Total{Learner: r.Learner})
		}
		t := &out[len(out)-1]
		weight := 1.0
		if w, ok := cfg.Weights[r.Lesson]; ok {
			weight = w
		}
		t.sum += weight * r.Score
		t.weight += weight
		if t.weight > 0 {
			t.Score = round(t.sum / t.weight)
		}
	}
	return out
}

// Total is the score of one learner.
type Total struct {
	Learner     string  `json:"learner"`
	Score       float64 `json:"score"`
	sum, weight float64
}

// Row is what one learner's work on one lesson is worth.
type Row struct {
	Learner  string        `json:"learner"`
	Lesson   string        `json:"lesson"`
	Revision int           `json:"revision"`
	Pack     string        `json:"pack"`
	Digest   string        `json:"packDigest"`
	Work     string        `json:"submissionDigest"`
	Tool     string        `json:"tool"`
	Seed     string        `json:"seed"`
	Status   Status        `json:"status"`
	Note     string        `json:"note,omitempty"`
	Score    float64       `json:"score"`
	Max      float64       `json:"max"`
	Goals    []GoalOutcome `json:"goals"`
	Started  string        `json:"started,omitempty"`
	Millis   int64         `json:"ms,omitempty"`
}

// GoalOutcome is one goal in a Row. Of a hidden goal only the outcome is told.
type GoalOutcome struct {
	Goal     string         `json:"goal"`
	Kind     pack.GoalKind  `json:"kind"`
	Outcome  checks.Outcome `json:"outcome"`
	Points   float64        `json:"points"`
	Max      float64        `json:"max"`
	Hidden   bool           `json:"hidden,omitempty"`
	Needs    []string       `json:"needs,omitempty"`
	Message  string         `json:"message,omitempty"`
	Expected string         `json:"expected,omitempty"`
	Actual   string         `json:"actual,omitempty"`
	Millis   int64          `json:"ms,omitempty"` // from the beginning until it was so
}

// WithoutTimes is the row without what differs between two runs.
func (r Row) WithoutTimes() Row {
	r.Started, r.Millis = "", 0
	r.Goals = slices.Clone(r.Goals)
	for i := range r.Goals {
		r.Goals[i].Millis = 0
	}
	return r
}

func round(x float64) float64 { return float64(int(x*100+0.5)) / 100 }

// label names a job for people and labs.
func (j *job) label() string { return fmt.Sprintf("grade-%s-%s", j.submission.Learner, j.lesson.ID) }
