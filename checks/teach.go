package checks

import (
	"context"
	"net"
	"strings"
)

// Every failure teaches: it says what was expected, what was seen, why that matters and where to look next. Most checks know the
// last two better than anybody; for the rest there is a sentence for the kind of question.

// taught is a check that never fails without a reason and a next step.
type taught struct {
	Check
	why, look Text
}

// Ask implements Check. What is on its way is not a failure yet, and needs no lesson.
func (t taught) Ask(ctx context.Context, v View) Result {
	r := t.Check.Ask(ctx, v)
	if r.Outcome != Fail || !r.Progress.Empty() {
		return r
	}
	if r.Why.Empty() {
		r.Why = t.why
	}
	if r.Look.Empty() {
		r.Look = t.look
	}
	return r
}

// teaching gives a check the sentences of its kind.
func teaching(s Spec, c Check) Check {
	switch {
	case s.Answer != nil:
		return taught{c, whyAnswer.with(), lookLesson}
	case s.Command != nil:
		return taught{c, whyTyped.with(), lookTyped}
	case s.Event != nil, s.Actor != nil, s.History != nil:
		return taught{c, whyOrder.with(), lookLesson}
	case s.Probe != nil:
		return taught{c, whyProbe.with(), s.Probe.look()}
	case s.Script != nil:
		return taught{c, whyScript.with(), lookLesson}
	case s.Not != nil:
		return taught{c, whyNot.with(), lookStatus}
	default:
		return taught{c, whyMismatch.with(), lookLesson}
	}
}

var (
	whyTyped   = phrase{"Fingers remember what they have typed.", "직접 입력해 본 명령은 손이 기억해요."}
	whyScript  = phrase{"The lesson looked at the lab with a script of its own.", "이 수업은 자체 스크립트로 실습 환경을 살펴봐요."}
	whyOrder   = phrase{"What happened before the step opened does not count.", "단계가 열리기 전에 일어난 일은 치지 않아요."}
	whyNot     = phrase{"As long as this is so, the goal stays open.", "이 상태인 동안에는 목표를 달성할 수 없어요."}
	lookLesson = plainText("drydock lesson show")
	lookTyped  = plainText("history | tail")
)

// look is the same question as a person would ask it, from the same place; nothing when no person would type it.
func (s ProbeSpec) look() Text {
	command := ""
	switch {
	case s.Exec != nil && s.Exec.script():
		return nil
	case s.HTTP != nil:
		command = "wget -qO- " + s.HTTP.URL
	case s.TCP != nil:
		host, port, _ := net.SplitHostPort(s.TCP.Address) // it was read when the check was compiled
		command = "nc -vz " + host + " " + port
	case s.UDP != nil:
		host, port, _ := net.SplitHostPort(s.UDP.Address) // as above
		command = "nc -u -w 1 " + host + " " + port
	case s.DNS != nil:
		command = "nslookup " + s.DNS.Name
	case s.Exec != nil:
		command = typed(s.Exec.Command)
	}
	from, _ := ParsePlace(s.From)
	switch {
	case from.Kind == PlacePod && from.Namespace != "default":
		command = "kubectl exec -n " + from.Namespace + " " + from.Name + " -- " + command
	case from.Kind == PlacePod:
		command = "kubectl exec " + from.Name + " -- " + command
	case from.Kind == PlaceNode:
		command = "drydock node shell " + from.Name + " -- " + command
	case from.Kind == PlaceLearner:
		command = "drydock exec -- " + command
	}
	return plainText(command)
}

// script reports whether the command is several lines, which nobody types or wants to read.
func (s *ExecProbe) script() bool { return strings.Contains(strings.Join(s.Command, ""), "\n") }

// typed is a command as a shell takes it.
func typed(argv []string) string {
	words := make([]string, len(argv))
	for i, word := range argv {
		words[i] = word
		if word == "" || strings.ContainsAny(word, " \t\n'\"`\\$&|;<>()*?[]{}#~!") {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
