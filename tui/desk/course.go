package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"drydock/checks"
	"drydock/lessons/course"
	"drydock/lessons/pack"
	"drydock/tui"
)

// Course is a way through one pack, in one lab. It is made before its lab runs: until Begin, there are lessons to list and
// nothing else.
type Course struct {
	// set once in NewCourse
	open  func() (*course.Course, error)
	renew func(ctx context.Context) error

	begun   chan struct{} // closed by Begin
	running sync.WaitGroup

	mu sync.Mutex
	// guarded by mu
	course  *course.Course // nil until Begin
	pack    *pack.Pack
	edition int           // counts Reload
	broken  error         // what is wrong with the newest edition, or nil
	again   chan struct{} // closed by Reload
}

// planWithin bounds how long the names of what a reset deletes may take: the dialog waits for them.
const planWithin = 3 * time.Second

// NewCourse prepares a course over a pack. open connects to the lab; renew puts the whole lab back to its first moment.
func NewCourse(p *pack.Pack, open func() (*course.Course, error), renew func(context.Context) error) *Course {
	return &Course{pack: p, open: open, renew: renew, begun: make(chan struct{}), again: make(chan struct{})}
}

// Reload shows another edition of the pack, or what is wrong with it, in place of the one before. What the learner has done
// and the world of the lesson stay.
func (c *Course) Reload(p *pack.Pack, err error) {
	c.mu.Lock()
	live := c.course
	if err == nil {
		c.pack = p
	}
	c.mu.Unlock()
	if err == nil && live != nil {
		err = live.Reload(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.edition++
	c.broken = err
	close(c.again)
	c.again = make(chan struct{})
}

// now is the pack, how often it was read again, a channel that is closed when that changes, and what is wrong with the newest edition.
func (c *Course) now() (p *pack.Pack, edition int, again <-chan struct{}, broken error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pack, c.edition, c.again, c.broken
}

// Begin connects to the lab and takes the course up where it was left, or opens its first lesson that is not finished.
// Its goals are asked until ctx ends. A second call does nothing.
func (c *Course) Begin(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.course != nil {
		return nil
	}
	opened, err := c.open()
	if err != nil {
		return err
	}
	c.running.Go(func() {
		_ = opened.Run(ctx) // ends with ctx only
	})
	err = opened.Resume(ctx)
	if errors.Is(err, course.ErrNoLesson) {
		err = opened.Open(ctx, firstUnfinished(opened))
	}
	if err != nil {
		return fmt.Errorf("open a lesson: %w", err)
	}
	c.course = opened
	close(c.begun)
	return nil
}

// Wait returns when nothing of the course runs any more, after the context of Begin has ended.
func (c *Course) Wait() { c.running.Wait() }

func firstUnfinished(c *course.Course) string {
	infos, err := c.Lessons()
	for _, info := range infos {
		if err == nil && !info.Finished {
			return info.Lesson.ID
		}
	}
	return c.Pack().Lessons[0].ID
}

// live is the course, or an error before Begin.
func (c *Course) live() (*course.Course, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.course == nil {
		return nil, course.ErrNoLesson
	}
	return c.course, nil
}

var _ tui.Course = (*Course)(nil)

// Lessons implements tui.Course.
func (c *Course) Lessons(lang tui.Language) []tui.LessonInfo {
	infos := c.infos()
	out := make([]tui.LessonInfo, len(infos))
	for i, info := range infos {
		l := info.Lesson
		out[i] = tui.LessonInfo{
			ID: l.ID, Track: info.Track.In(string(lang)), Title: l.Title.In(string(lang)), Summary: l.Summary.In(string(lang)),
			Minutes: l.Minutes, Done: info.Finished, Started: info.Started, Locked: locked(info.Needs, lang),
		}
	}
	return out
}

// infos are all lessons; when what was done is not known, at least their names.
func (c *Course) infos() []course.LessonInfo {
	if live, err := c.live(); err == nil {
		if infos, err := live.Lessons(); err == nil {
			return infos
		}
	}
	var infos []course.LessonInfo
	p, _, _, _ := c.now()
	for _, l := range p.Lessons {
		infos = append(infos, course.LessonInfo{Lesson: l, Track: p.Track(l.ID).Title})
	}
	return infos
}

func locked(needs []string, lang tui.Language) string {
	if len(needs) == 0 {
		return ""
	}
	if lang == tui.Korean {
		return "먼저 끝내야 하는 수업: " + strings.Join(needs, ", ")
	}
	return "finish first: " + strings.Join(needs, ", ")
}

// Lesson implements tui.Course.
func (c *Course) Lesson(lang tui.Language) tui.Lesson {
	live, err := c.live()
	if err != nil {
		return tui.Lesson{}
	}
	l := live.Current()
	if l == nil {
		return tui.Lesson{}
	}
	prose := l.Prose.In(string(lang))
	p, _, _, broken := c.now()
	out := tui.Lesson{ID: l.ID, Title: l.Title.In(string(lang)), Total: len(p.Lessons), Debrief: l.Debrief.In(string(lang))}
	for i, other := range p.Lessons {
		if other.ID == l.ID {
			out.Number = i + 1
		}
	}
	for i, step := range l.Steps {
		text := prose.Steps[step.ID]
		markdown := text.Markdown
		if i == 0 && prose.Intro != "" {
			markdown = prose.Intro + "\n\n" + markdown
		}
		if broken != nil {
			markdown = mistakes(broken, lang)
		}
		out.Steps = append(out.Steps, tui.Step{ID: step.ID, Title: text.Title, Markdown: markdown})
	}
	return out
}

// mistakes stand where the text of the lesson was, until they are mended.
func mistakes(err error, lang tui.Language) string {
	head := "The pack cannot be read as it was saved:"
	if lang == tui.Korean {
		head = "저장한 팩을 읽을 수 없어요:"
	}
	var b strings.Builder
	b.WriteString(head + "\n")
	for line := range strings.Lines(err.Error()) {
		b.WriteString("\n- " + strings.NewReplacer("*", "\\*", "_", "\\_", "<", "\\<", "`", "\\`").Replace(strings.TrimSpace(line)) + "\n")
	}
	return b.String()
}

// Open implements tui.Course.
func (c *Course) Open(ctx context.Context, lesson string) error {
	return explained(c.course.Open(ctx, lesson))
}

// Next implements tui.Course.
func (c *Course) Next(ctx context.Context) error {
	return c.do(func(live *course.Course) error { return live.Next(ctx) })
}

// Previous implements tui.Course.
func (c *Course) Previous(ctx context.Context) error {
	return c.do(func(live *course.Course) error { return live.Previous(ctx) })
}

// do runs fn on the live course and explains its error.
func (c *Course) do(fn func(*course.Course) error) error {
	live, err := c.live()
	if err != nil {
		return err
	}
	return explained(fn(live))
}

// explained puts the course's refusals into the interface's words.
func explained(err error) error {
	var locked *course.Locked
	switch {
	case errors.Is(err, course.ErrNoMore):
		return tui.ErrNoMore
	case errors.As(err, &locked):
		return &tui.Problem{What: "This lesson is not open yet.", Where: err.Error(), Err: err}
	}
	return err
}

// CheckNow implements tui.Course.
func (c *Course) CheckNow(ctx context.Context) error {
	return c.do(func(live *course.Course) error {
		_, err := live.CheckNow(ctx)
		return err
	})
}

// Answer implements tui.Course.
func (c *Course) Answer(ctx context.Context, goal, value string) error {
	return c.do(func(live *course.Course) error {
		_, err := live.Answer(ctx, goal, value)
		return err
	})
}

// Hints implements tui.Course.
func (c *Course) Hints(lang tui.Language, step string) tui.HintsView {
	live, err := c.live()
	if err != nil {
		return tui.HintsView{}
	}
	shown, total := live.Hints(step)
	v := tui.HintsView{Total: total}
	for _, h := range shown {
		v.Shown = append(v.Shown, h.Text.In(string(lang)))
	}
	return v
}

// Hint implements tui.Course.
func (c *Course) Hint(ctx context.Context, step string, price float64) error {
	return c.do(func(live *course.Course) error {
		_, err := live.Hint(ctx, step, price)
		var priced *course.Priced
		if errors.As(err, &priced) {
			return &tui.Priced{Cost: priced.Cost}
		}
		return err
	})
}

// ResetPlan implements tui.Course.
func (c *Course) ResetPlan(lang tui.Language, scope tui.ResetScope) []string {
	if scope == tui.ResetLab {
		if lang == tui.Korean {
			return []string{"실습 환경의 모든 쿠버네티스 오브젝트", "컨테이너와 그 안의 파일", "(작업 폴더와 진도는 그대로 남습니다)"}
		}
		return []string{"every Kubernetes object in the lab", "all containers and the files in them", "(your workspace and your progress stay)"}
	}
	ctx, cancel := context.WithTimeout(context.Background(), planWithin)
	defer cancel()
	live, err := c.live()
	if err != nil {
		return []string{err.Error()}
	}
	plan, err := live.Plan(ctx, live.State().Lesson)
	if err != nil {
		return []string{err.Error()}
	}
	var lines []string
	for _, o := range plan.Deletes {
		lines = append(lines, o.String())
	}
	for _, o := range plan.Undoes {
		lines = append(lines, o.String())
	}
	return append(lines, plan.Writes...)
}

// Reset implements tui.Course.
func (c *Course) Reset(ctx context.Context, scope tui.ResetScope) error {
	live, err := c.live()
	if err != nil {
		return err
	}
	if scope == tui.ResetLesson {
		return live.Reset(ctx)
	}
	lesson := live.State().Lesson
	if err := c.renew(ctx); err != nil {
		return fmt.Errorf("start the lab afresh: %w", err)
	}
	if lesson == "" {
		return nil
	}
	return live.Open(ctx, lesson)
}

// Checks implements tui.Course.
func (c *Course) Checks(ctx context.Context, lang tui.Language) <-chan tui.ChecksView {
	views := make(chan tui.ChecksView)
	go func() { // ends with ctx
		defer close(views)
		select {
		case <-c.begun:
		case <-ctx.Done():
			return
		}
		live, err := c.live()
		if err != nil {
			return
		}
		for {
			changed := live.Changed() // before the state, so that no change is missed
			_, edition, again, _ := c.now()
			view := checksView(live.State(), lang)
			view.Edition = edition
			select {
			case views <- view:
			case <-ctx.Done():
				return
			}
			select {
			case <-changed:
			case <-again:
			case <-ctx.Done():
				return
			}
		}
	}()
	return views
}

func checksView(s *course.State, lang tui.Language) tui.ChecksView {
	v := tui.ChecksView{LessonID: s.Lesson, Open: s.Open, Done: s.Done}
	for i := range s.Goals {
		if g := &s.Goals[i]; !g.Goal.Hidden {
			v.Goals = append(v.Goals, checkView(g, string(lang)))
		}
	}
	return v
}

var states = map[course.Mark]tui.CheckState{
	course.Waiting: tui.Waiting, course.Progress: tui.Progress, course.Done: tui.Done,
	course.Failed: tui.Failed, course.Blocked: tui.Blocked, course.Unsure: tui.Unsure,
}

func checkView(g *course.GoalState, lang string) tui.CheckView {
	return tui.CheckView{
		Goal: g.Goal.ID, Step: g.Step, Text: g.Goal.Text.In(lang),
		Guard: g.Goal.Kind == pack.Guard, Bonus: g.Goal.Kind == pack.Bonus,
		State: states[g.Mark], Note: g.Result.Progress.In(lang),
		Expected: g.Result.Expected.In(lang), Seen: g.Result.Seen.In(lang), Why: g.Why().In(lang), Next: g.Result.Look.In(lang),
		Answer: answerForm(g, lang),
	}
}

// answerForm is the question of an answer goal, or nil.
func answerForm(g *course.GoalState, lang string) *tui.AnswerForm {
	a := g.Goal.Check.Answer
	if a == nil {
		return nil
	}
	form := &tui.AnswerForm{Prompt: g.Goal.Text.In(lang), Given: g.Given}
	switch {
	case a.Number != nil:
		form.Kind = tui.AnswerNumber
	case a.Choice != nil:
		form.Kind = tui.AnswerChoice
		form.Choices = choices(a.Choice, lang)
	default:
		form.Kind = tui.AnswerText
	}
	return form
}

func choices(options []checks.Option, lang string) []tui.Choice {
	out := make([]tui.Choice, len(options))
	for i, o := range options {
		out[i] = tui.Choice{ID: o.ID, Text: o.Text.In(lang)}
	}
	return out
}
