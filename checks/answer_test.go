package checks_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
)

// answers are a learner's answers by goal.
type answers map[string]string

func (a answers) Answer(goal string) (string, bool) {
	s, ok := a[goal]
	return s, ok
}

func sealed(t *testing.T, s checks.AnswerSpec, answer string) checks.AnswerSpec {
	t.Helper()
	key, err := s.Seal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(key, answer) && len(answer) > 2 {
		t.Errorf("the key %q shows the answer %q", key, answer)
	}
	s.Key = key
	return s
}

func TestAnswer(t *testing.T) {
	const why = "Look at the lab again: the answer can be found there."
	const look = "drydock lesson show"
	choice := sealed(t, checks.AnswerSpec{
		Choice: []checks.Option{{ID: "a", Text: checks.English("Nothing")}, {ID: "b", Text: checks.English("The kubelet")}},
		Wrong:  map[string]checks.Text{"a": checks.English("Something started it.")},
	}, "b")
	number := sealed(t, checks.AnswerSpec{Number: &checks.NumberForm{Tolerance: 0.5}}, "8080")
	text := sealed(t, checks.AnswerSpec{Text: &checks.TextForm{}}, "node 1")
	strict := sealed(t, checks.AnswerSpec{Text: &checks.TextForm{CaseMatters: true}}, "Ready")
	for name, tt := range map[string]struct {
		spec  checks.AnswerSpec
		given answers
		want  reading
	}{
		"choice passes": {choice, answers{"q": "b"}, reading{
			Outcome: "pass", Expected: "an answer to the question", Seen: "you answered: The kubelet",
		}},
		"choice is wrong": {choice, answers{"q": "a"}, reading{
			"fail", "wrong-answer", "", "another answer", "you answered: Nothing", "Something started it.", look,
		}},
		"no answer": {choice, answers{"other": "b"}, reading{
			Outcome: "fail", Cause: "no-answer", Expected: "an answer to the question", Seen: "no answer yet", Why: why, Look: look,
		}},
		"number passes": {number, answers{"q": " 8,080 "}, reading{
			Outcome: "pass", Expected: "an answer to the question", Seen: "you answered: 8,080",
		}},
		"number is near": {number, answers{"q": "8080.4"}, reading{
			Outcome: "pass", Expected: "an answer to the question", Seen: "you answered: 8080.4",
		}},
		"number is off": {number, answers{"q": "8081"}, reading{
			"fail", "wrong-answer", "", "another answer", "you answered: 8081", why, look,
		}},
		"not a number": {number, answers{"q": "web"}, reading{
			"fail", "not-a-number", "", "a number", "you answered: web", why, look,
		}},
		"text in another case": {text, answers{"q": "  NODE   1"}, reading{
			Outcome: "pass", Expected: "an answer to the question", Seen: "you answered: NODE   1",
		}},
		"text is wrong": {text, answers{"q": "node 2"}, reading{
			"fail", "wrong-answer", "", "another answer", "you answered: node 2", why, look,
		}},
		"case matters": {strict, answers{"q": "ready"}, reading{
			"fail", "wrong-answer", "", "another answer", "you answered: ready", why, look,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := read(ask(t, checks.Spec{Answer: &tt.spec}, checks.View{Answers: tt.given, Goal: "q"}), "en")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}
