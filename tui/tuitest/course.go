package tuitest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"drydock/tui"
)

// text is a text in both languages.
type text struct{ en, ko string }

func (t text) in(lang tui.Language) string {
	if lang == tui.Korean {
		return t.ko
	}
	return t.en
}

var lessonTitles = []text{
	{"Your first pod", "첫 번째 파드"},
	{"Labels and a ReplicaSet", "레이블과 레플리카셋"},
	{"A Deployment, scaled", "디플로이먼트 늘리고 줄이기"},
}

var lessonIDs = []string{"first-pod", "replicaset", "deployment"}

// Lessons lists the three lessons.
func (w *World) Lessons(lang tui.Language) []tui.LessonInfo {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []tui.LessonInfo
	for i, t := range lessonTitles {
		out = append(out, tui.LessonInfo{
			ID: lessonIDs[i], Track: text{"First steps", "첫걸음"}.in(lang), Title: t.in(lang), Minutes: 10,
			Done: w.done[lessonIDs[i]], Started: i == w.current,
		})
	}
	return out
}

var firstPod = text{
	en: `A **pod** is the smallest thing Kubernetes runs: one or more containers that share an address. Let the cluster run one from the image ` + "`drydock/web:1`" + `:

` + "```sh\nkubectl run web --image=drydock/web:1\n```" + `

Watch the *cluster* pane. The pod goes through these states:

1. **Pending**: the scheduler looks for a node
2. **ContainerCreating**: the node's kubelet starts it
3. **Running**

Then look at it yourself:

` + "```sh\nkubectl get pods -o wide\n```" + `

> Everything you see in the panes comes from the same API that kubectl asks.
`,
	ko: `**파드**는 쿠버네티스가 실행하는 가장 작은 단위입니다. 하나의 주소를 나누어 쓰는 하나 이상의 컨테이너입니다. ` + "`drydock/web:1`" + ` 이미지로 파드를 실행해 보세요.

` + "```sh\nkubectl run web --image=drydock/web:1\n```" + `

*클러스터* 창을 보세요. 파드는 다음 상태를 거칩니다.

1. **Pending**: 스케줄러가 노드를 찾습니다
2. **ContainerCreating**: 노드의 kubelet이 시작합니다
3. **Running**

이제 직접 살펴보세요.

` + "```sh\nkubectl get pods -o wide\n```" + `

> 창에 보이는 모든 것은 kubectl이 묻는 것과 같은 API에서 옵니다.
`,
}

var secondStep = text{
	en: "The scheduler has chosen a node. Which one? Find out, and answer with `Ctrl+G a`.\n\n```sh\nkubectl get pods -o wide\n```\n",
	ko: "스케줄러가 노드를 골랐습니다. 어느 노드인가요? 찾아서 `Ctrl+G a`로 답하세요.\n\n```sh\nkubectl get pods -o wide\n```\n",
}

// Lesson is the current lesson.
func (w *World) Lesson(lang tui.Language) tui.Lesson {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := tui.Lesson{ID: lessonIDs[w.current], Title: lessonTitles[w.current].in(lang), Number: w.current + 1, Total: len(lessonIDs)}
	if w.current > 0 {
		l.Steps = []tui.Step{{ID: "read", Title: l.Title, Markdown: text{"Read on.", "계속 읽어 보세요."}.in(lang)}}
		return l
	}
	l.Steps = []tui.Step{
		{ID: "run", Title: text{"Run a pod", "파드 실행하기"}.in(lang), Markdown: firstPod.in(lang)},
		{ID: "where", Title: text{"Where does it run?", "어디에서 실행되나요?"}.in(lang), Markdown: secondStep.in(lang)},
	}
	l.Debrief = text{"You asked for a state, and the cluster made it so.", "원하는 상태를 말했고, 클러스터가 그렇게 만들었습니다."}.in(lang)
	return l
}

// Open makes another lesson current.
func (w *World) Open(_ context.Context, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(lessonIDs, id)
	if i < 0 {
		return fmt.Errorf("open lesson %q: there is none", id)
	}
	w.current = i
	w.changedLocked()
	return nil
}

func (w *World) move(by int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if i := w.current + by; i < 0 || i >= len(lessonIDs) {
		return tui.ErrNoMore
	}
	w.current += by
	w.changedLocked()
	return nil
}

// Next opens the next lesson.
func (w *World) Next(context.Context) error { return w.move(1) }

// Previous opens the lesson before.
func (w *World) Previous(context.Context) error { return w.move(-1) }

// Checks sends the goals of the current lesson.
func (w *World) Checks(ctx context.Context, lang tui.Language) <-chan tui.ChecksView {
	return feed(ctx, w, func() tui.ChecksView { return w.checks(lang) })
}

func (w *World) checks(lang tui.Language) tui.ChecksView {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := tui.ChecksView{LessonID: lessonIDs[w.current], Open: 1}
	if w.current > 0 {
		v.Done = true
		return v
	}
	exists, running := w.podGoals(lang)
	where := tui.CheckView{
		Goal: "node", Step: "where", Text: text{"Say which node runs the pod", "파드를 실행하는 노드 답하기"}.in(lang),
		Answer: &tui.AnswerForm{
			Kind: tui.AnswerChoice, Prompt: text{"On which node does web run?", "web은 어느 노드에서 실행되나요?"}.in(lang),
			Choices: []tui.Choice{{ID: "node-1", Text: "node-1"}, {ID: "node-2", Text: "node-2"}, {ID: "node-3", Text: "node-3"}},
			Given:   w.answers["node"],
		},
	}
	if w.Typed {
		where.Answer.Kind, where.Answer.Choices = tui.AnswerText, nil
	}
	switch w.answers["node"] {
	case "":
	case "node-1":
		where.State = tui.Done
	default:
		where.State = tui.Failed
		where.Expected, where.Seen = text{"the node of the pod", "파드의 노드"}.in(lang), w.answers["node"]
		where.Next = "kubectl get pods -o wide"
	}
	guard := tui.CheckView{Goal: "nodes", Step: "run", Guard: true, State: tui.Done, Text: text{"three nodes are Ready", "노드 세 개가 Ready"}.in(lang)}
	v.Goals = []tui.CheckView{exists, running, guard, where}
	if exists.State == tui.Done && running.State == tui.Done {
		v.Open = 2
		v.Done = where.State == tui.Done
		w.done[v.LessonID] = w.done[v.LessonID] || v.Done
	}
	return v
}

// podGoals are the two goals about the pod "web".
func (w *World) podGoals(lang tui.Language) (exists, running tui.CheckView) {
	exists = tui.CheckView{Goal: "exists", Step: "run", Text: text{"A pod named web exists", "web이라는 파드가 있음"}.in(lang)}
	running = tui.CheckView{
		Goal: "running", Step: "run", State: tui.Blocked,
		Text: text{"The pod web runs the image drydock/web:1", "web 파드가 drydock/web:1 이미지를 실행함"}.in(lang),
	}
	i := slices.IndexFunc(w.pods, func(p tui.PodRow) bool { return p.Name == "web" })
	if i < 0 {
		return exists, running
	}
	exists.State, running.State = tui.Done, tui.Progress
	switch p := w.pods[i]; p.Status {
	case "Running":
		running.State = tui.Done
	case "ErrImagePull":
		running.State, running.Expected, running.Seen = tui.Failed, "drydock/web:1", p.Status
		running.Why = text{"There is no image of that name in the lab.", "실습 환경에 그런 이미지가 없습니다."}.in(lang)
		running.Next = "kubectl describe pod web"
	default:
		running.Note = "web: " + p.Status
	}
	return exists, running
}

// CheckNow asks again.
func (w *World) CheckNow(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changedLocked()
	return nil
}

// Answer takes an answer.
func (w *World) Answer(_ context.Context, goal, value string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[goal] = value
	w.changedLocked()
	return nil
}

var hintTexts = []text{
	{"Look at the first command of the lesson.", "수업의 첫 명령을 보세요."},
	{"`kubectl run NAME --image=IMAGE` makes one pod.", "`kubectl run 이름 --image=이미지`는 파드 하나를 만듭니다."},
	{"```sh\nkubectl run web --image=drydock/web:1\n```", "```sh\nkubectl run web --image=drydock/web:1\n```"},
}

// Hints are the hints shown so far.
func (w *World) Hints(lang tui.Language, step string) tui.HintsView {
	w.mu.Lock()
	defer w.mu.Unlock()
	if step != "run" {
		return tui.HintsView{}
	}
	v := tui.HintsView{Total: len(hintTexts)}
	for _, t := range hintTexts[:w.hints[step]] {
		v.Shown = append(v.Shown, t.in(lang))
	}
	return v
}

// Hint shows one more.
func (w *World) Hint(_ context.Context, step string, price float64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hints[step] >= len(hintTexts) {
		return tui.ErrNoMore
	}
	if w.Price > price {
		return &tui.Priced{Cost: w.Price}
	}
	w.hints[step]++
	return nil
}

// ResetPlan names the pods.
func (w *World) ResetPlan(_ tui.Language, scope tui.ResetScope) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, p := range w.pods {
		if scope == tui.ResetLab || strings.HasPrefix(p.Name, "web") {
			out = append(out, "pod/"+p.Name)
		}
	}
	return out
}

// Reset deletes the pods.
func (w *World) Reset(context.Context, tui.ResetScope) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pods = nil
	w.resets++
	clear(w.answers)
	w.changedLocked()
	return nil
}
