package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"drydock/sandbox/home"
)

const (
	gradedPack   = "pods" // eight lessons
	gradeAll     = 100    // submissions, in
	gradeBudget  = 2 * time.Minute
	gradeEach    = 300 * time.Millisecond // of a processor: two of them do 800 lessons within the budget
	gradeSamples = 3 * time.Second        // between two looks at the memory of one lab
)

// measureGrading replays the solutions of a bundled pack as if each learner of a class had handed them in.
func measureGrading(ctx context.Context, w *workshop) ([]row, error) {
	submissions, commands, err := w.class(w.graded)
	if err != nil {
		return nil, err
	}
	start, err := w.commandAlone(ctx)
	if err != nil {
		return nil, err
	}
	m := w.watchGrading()
	out := filepath.Join(w.dir, "grades.json")
	took, used, err := w.withAll(ctx, "grade", gradedPack, "--submissions", submissions, "--format", "json", "--output", out)
	m.stop()
	if err != nil {
		return nil, err
	}
	lessons, err := allRight(out, w.graded)
	if err != nil {
		return nil, err
	}
	each := used / time.Duration(w.graded*lessons)
	factor := float64(gradeAll) / float64(w.graded)
	whole := time.Duration(float64(took) * factor)
	floor := start * time.Duration(commands*gradeAll) / time.Duration(runtime.NumCPU())
	measured := fmt.Sprintf("%.0f s", whole.Seconds())
	if factor != 1 {
		measured = fmt.Sprintf("%.0f s: %d took %.0f s, x %.1f", whole.Seconds(), w.graded, took.Seconds(), factor)
	}
	return []row{
		{
			what: fmt.Sprintf("grade: %d submissions to %d lessons", gradeAll, lessons), budget: "120 s", measured: measured,
			floor: fmt.Sprintf("%.0f s, their %d calls of kubectl if each did nothing", floor.Seconds(), commands*gradeAll), kept: within(whole, gradeBudget),
		},
		{
			what: "grade: processor time for one lesson", budget: ms(gradeEach), measured: ms(each),
			floor: ms(start*time.Duration(commands)/time.Duration(lessons)) + ", the same calls", kept: within(each, gradeEach),
		},
		{what: "grade: memory (PSS) of a lab at work, the largest seen", budget: mb(80e6), measured: mb(m.lab), floor: fmt.Sprintf("%s; %d looks, up to %d labs at the same time", m.parts, m.looks, m.side), kept: within(m.lab, 80e6)},
		{what: "grade: memory (PSS) of the grader", measured: mb(m.grader)},
	}, nil
}

// class writes a folder of submissions, each of them all the main solutions, and counts the calls of kubectl in one of them.
func (w *workshop) class(learners int) (dir string, commands int, err error) {
	solutions, err := filepath.Glob(filepath.Join("lessons", "library", gradedPack, "lessons", "*", "solutions", "main.sh"))
	if err != nil || len(solutions) == 0 {
		return "", 0, errors.Join(fmt.Errorf("the pack %s has no solutions", gradedPack), err)
	}
	dir = filepath.Join(w.dir, "class")
	for _, solution := range solutions {
		text, err := os.ReadFile(solution)
		if err != nil {
			return "", 0, err
		}
		commands += strings.Count(string(text), "kubectl ")
		lesson := filepath.Base(filepath.Dir(filepath.Dir(solution)))
		for i := range learners {
			to := filepath.Join(dir, fmt.Sprintf("learner-%03d", i+1), lesson)
			if err := os.MkdirAll(to, 0o755); err != nil {
				return "", 0, err
			}
			if err := os.WriteFile(filepath.Join(to, "main.sh"), text, 0o755); err != nil {
				return "", 0, err
			}
		}
	}
	return dir, commands, nil
}

// commandAlone is the processor time of a kubectl that does nothing.
func (w *workshop) commandAlone(ctx context.Context) (time.Duration, error) {
	const rounds = 20
	var total time.Duration
	for range rounds {
		cmd := exec.CommandContext(ctx, "bin/kubectl", "version", "--client")
		cmd.Env = append(os.Environ(), "LANG=C.UTF-8")
		if err := cmd.Run(); err != nil {
			return 0, fmt.Errorf("kubectl version: %w", err)
		}
		total += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return total / rounds, nil
}

// allRight counts the lessons in a report of grades. Whoever does not have all points was not graded as fast as that, but wrongly.
func allRight(report string, learners int) (lessons int, err error) {
	text, err := os.ReadFile(report)
	if err != nil {
		return 0, err
	}
	var grades struct {
		Rows []struct {
			Learner, Lesson, Status string
			Score                   float64
		}
	}
	if err := json.Unmarshal(text, &grades); err != nil {
		return 0, fmt.Errorf("read the grades: %w", err)
	}
	for _, r := range grades.Rows {
		if r.Status != "graded" || r.Score != 100 {
			return 0, fmt.Errorf("%s has %g points for %s (%s), and handed in its solution", r.Learner, r.Score, r.Lesson, r.Status)
		}
	}
	return len(grades.Rows) / learners, nil
}

// memory is what grading was seen to hold.
type memory struct {
	lab, grader int64  // the largest, in bytes
	parts       string // of lab
	looks, side int

	quit, ended chan struct{}
}

// watchGrading weighs the grader and one of its labs every now and then: to weigh all of them would cost as much as some of
// the grading.
func (w *workshop) watchGrading() *memory {
	m := &memory{quit: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(m.ended)
		tick := time.NewTicker(gradeSamples)
		defer tick.Stop()
		for {
			select {
			case <-m.quit:
				return
			case <-tick.C:
				m.look(w.home)
			}
		}
	}()
	return m
}

func (m *memory) stop() {
	close(m.quit)
	<-m.ended
}

func (m *memory) look(home home.Home) {
	labs, _ := filepath.Glob(filepath.Join(string(home), "labs", "test-*")) // the pattern is right
	m.side = max(m.side, len(labs))
	if len(labs) > 0 {
		lab := labs[m.looks%len(labs)]
		name, err := home.Lab(filepath.Base(lab))
		if err != nil {
			return
		}
		if total, parts, err := weigh(name); err == nil { // else it has just ended
			m.looks++
			if total > m.lab {
				m.lab, m.parts = total, parts
			}
		}
	}
	commands, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range commands {
		text, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(text), "bin/drydock\x00grade\x00") {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/cmdline", &pid); err != nil {
			continue
		}
		if weight, err := proportional(pid); err == nil {
			m.grader = max(m.grader, weight)
		}
	}
}

// withAll runs drydock, and tells the processor time of everything that it has started, too: who outlives its parent comes to
// this process (prctl(2), PR_SET_CHILD_SUBREAPER), and brings along what its own children used (wait4(2)).
func (w *workshop) withAll(ctx context.Context, args ...string) (took, used time.Duration, err error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return 0, 0, fmt.Errorf("take in the labs' processes: %w", err)
	}
	cmd := w.command(ctx, args...)
	began := time.Now()
	said, err := cmd.CombinedOutput()
	took = time.Since(began)
	if err != nil {
		return took, 0, fmt.Errorf("drydock %q: %w\n%s", args, err, said)
	}
	used = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	for { // nothing else that this process has started runs now
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, &usage)
		if pid <= 0 || err != nil {
			break // all of them have ended, or one has not: then it is another's
		}
		used += time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return took, used, unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
}
