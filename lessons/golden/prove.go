package golden

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"drydock/lessons/course"
	"drydock/lessons/pack"
	"drydock/lessons/progress"
	"drydock/lessons/seat"
)

// firstSeed draws the parameters of the lessons under test the first time.
const firstSeed = "golden"

// proof is one case to prove.
type proof struct {
	cfg    *Config
	lesson *pack.Lesson
	name   string
	lab    string
	seed   string
	script *pack.Script // nil: the world as it is
	judge  func(*bench) []string
}

// bench is a proof that is set up: a lab with the lesson open in it, and its goals being asked.
type bench struct {
	*proof
	ctx    context.Context
	lab    Lab
	course *course.Course
}

// proveAll proves everything, Jobs cases at the same time, and more while there is room. Cases are reported one at a time,
// first to done, then to Report.
func (cfg *Config) proveAll(ctx context.Context, proofs []*proof, done func(int, Case)) {
	room := &seat.Room{Always: cfg.Jobs, Further: cfg.Further}
	open, nothingLeft := context.WithCancel(ctx)
	defer nothingLeft()
	var running sync.WaitGroup
	var mu sync.Mutex
	next := 0 // guarded by mu
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		if next++; next >= len(proofs) {
			nothingLeft()
		}
		return next - 1
	}
	for range proofs {
		if room.Enter(open) != nil {
			break // whoever is at work does the rest
		}
		running.Go(func() {
			s := &seat.Seat[Lab]{Start: cfg.Labs.New}
			following := 0
			for i := take(); i < len(proofs); i = following {
				// Taken while this one still has its lab: whoever finds nothing more to do tears it down.
				c := proofs[i].prove(ctx, s, func() (last bool) {
					following = take()
					return following >= len(proofs)
				})
				mu.Lock()
				done(i, c)
				if cfg.Report != nil {
					cfg.Report(c)
				}
				mu.Unlock()
			}
		})
	}
	running.Wait()
}

// prove runs the case in a lab as good as new and always gives a result. At its end it asks once whether it was the last at this
// seat; then the lab is torn down.
func (p *proof) prove(ctx context.Context, s *seat.Seat[Lab], last func() bool) Case {
	began := time.Now()
	c := Case{Lesson: p.lesson.ID, Name: p.name}
	ctx, stop := context.WithTimeoutCause(ctx, p.cfg.Case, fmt.Errorf("it took longer than %s", p.cfg.Case))
	defer stop()
	lab, left, err := s.Take(ctx, p.lab, p.lesson.World)
	c.Problems = leftBehind(left)
	end := s.Clear
	if err != nil {
		c.Problems = append(c.Problems, fmt.Sprintf("start a lab: %v", err))
	} else {
		c.Problems = append(c.Problems, p.inLab(ctx, lab)...)
	}
	if last() || err != nil || ctx.Err() != nil {
		end = s.Leave
	}
	left, err = end(ctx)
	c.Problems = append(c.Problems, leftBehind(left)...)
	if err != nil {
		c.Problems = append(c.Problems, err.Error())
	}
	c.Millis = time.Since(began).Milliseconds()
	return c
}

func leftBehind(left []string) []string {
	var out []string
	for _, l := range left {
		out = append(out, "left on the machine: "+l)
	}
	return out
}

func (p *proof) inLab(ctx context.Context, lab Lab) []string {
	book, forget, err := scratchBook()
	if err != nil {
		return []string{err.Error()}
	}
	defer forget()
	c, err := course.New(course.Config{
		Pack: ungated(p.cfg.Pack), Book: book, Lab: p.lab, REST: lab.RESTConfig(), Prober: lab.Prober(),
		Workspace: lab.Workspace(), Seed: p.seed, Scripts: p.cfg.Scripts, Machines: lab.Machines(), Fresh: true,
	})
	if err != nil {
		return []string{err.Error()}
	}
	running, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Run(running) // ends with running only
	}()
	defer func() {
		stop()
		<-ended
	}()
	if err := c.Open(ctx, p.lesson.ID); err != nil {
		return []string{err.Error()}
	}
	return p.judge(&bench{proof: p, ctx: ctx, lab: lab, course: c})
}

// scratchBook is a record for one case.
func scratchBook() (book *progress.Book, forget func(), err error) {
	dir, err := os.MkdirTemp("", "drydock-golden-")
	if err != nil {
		return nil, nil, err
	}
	if book, err = progress.Open(dir); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return book, func() { _ = errors.Join(book.Close(), os.RemoveAll(dir)) }, nil // in the machine's own temporary folder
}

// ungated is the pack with every lesson open: each is proved by itself.
func ungated(p *pack.Pack) *pack.Pack {
	open := *p
	open.Policy = pack.Free
	return &open
}

// act runs the script and hands its answers in.
func (b *bench) act() error {
	if _, err := b.course.CheckNow(b.ctx); err != nil { // what the world looks like before anything is done
		return err
	}
	output, code, err := b.lab.RunScript(b.ctx, b.script.Body, nil)
	switch {
	case err != nil:
		return fmt.Errorf("run %s: %w", b.script.Path, err)
	case code != 0:
		return fmt.Errorf("%s ended with code %d:\n%s", b.script.Path, code, lastLines(output, 15))
	}
	for _, a := range b.script.Answers {
		if _, err := b.course.Answer(b.ctx, a.Goal, a.Value); err != nil {
			return err
		}
	}
	return nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// errUnsettled is why await gave up.
var errUnsettled = errors.New("it did not come to rest")

// await waits for a picture, at most for a time.
func (b *bench) await(limit time.Duration, ok func(*course.State) bool) (*course.State, error) {
	late := time.NewTimer(limit)
	defer late.Stop()
	for {
		changed := b.course.Changed()
		s := b.course.State()
		if ok(s) {
			return s, nil
		}
		select {
		case <-changed:
		case <-late.C:
			return s, errUnsettled
		case <-b.ctx.Done():
			return s, context.Cause(b.ctx)
		}
	}
}

// rest waits until nothing is on its way and the picture has not changed for a while, at most for Reach. That nothing was told
// for a while is not believed until the goals were asked once more: on a busy machine news is late.
func (b *bench) rest() (*course.State, error) {
	if _, err := b.course.CheckNow(b.ctx); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(b.cfg.Reach)
	for {
		s, err := b.await(time.Until(deadline), calm)
		if err != nil {
			return s, err
		}
		_, err = b.await(min(b.cfg.Rest, time.Until(deadline)), func(now *course.State) bool { return now != s })
		if err == nil {
			continue
		}
		if !errors.Is(err, errUnsettled) {
			return s, err
		}
		// Nothing happened: that is what was waited for.
		now, err := b.course.CheckNow(b.ctx)
		if err != nil || alike(s, now) || time.Now().After(deadline) {
			return now, err
		}
	}
}

// alike reports whether two pictures say the same of every goal.
func alike(a, b *course.State) bool {
	return slices.EqualFunc(a.Goals, b.Goals, func(a, b course.GoalState) bool { return a.Mark == b.Mark && a.Result.Same(b.Result) })
}

func calm(s *course.State) bool {
	if !s.Asked {
		return false
	}
	for _, g := range s.Goals {
		if g.Mark == course.Progress {
			return false
		}
	}
	return true
}
