package checks

import "fmt"

// phrase is a sentence in every language the program speaks. Korean sentences avoid particles after names, because which
// one is right depends on how the name is read aloud.
type phrase struct{ en, ko string }

// with fills in the verbs of fmt. A Text among the arguments is taken in the language of the sentence.
func (p phrase) with(args ...any) Text {
	return Text{"en": fill(p.en, "en", args), "ko": fill(p.ko, "ko", args)}
}

func fill(format, lang string, args []any) string {
	local := make([]any, len(args))
	for i, a := range args {
		if t, ok := a.(Text); ok {
			a = t.In(lang)
		}
		local[i] = a
	}
	return fmt.Sprintf(format, local...)
}

// plainText is text that is the same in every language: a command, a value.
func plainText(s string) Text { return Text{"en": s, "ko": s} }

// joinTexts sets texts beside each other with a separator.
func joinTexts(sep string, ts ...Text) Text {
	en, ko := "", ""
	for i, t := range ts {
		if i > 0 {
			en += sep
			ko += sep
		}
		en += t.In("en")
		ko += t.In("ko")
	}
	return Text{"en": en, "ko": ko}
}

// What an object check expects and sees.
var (
	wantNamed    = phrase{"%[1]s %[2]s", "%[1]s %[2]s"}
	wantSelected = phrase{"%[1]s with labels %[2]s", "레이블이 %[2]s인 %[1]s"}
	wantAny      = phrase{"%[1]s", "%[1]s"}
	inNamespace  = phrase{"%[1]s in namespace %[2]s", "네임스페이스 %[2]s의 %[1]s"}
	inAllSpaces  = phrase{"%[1]s in any namespace", "모든 네임스페이스의 %[1]s"}

	wantOne      = phrase{"there is %[1]s", "%[1]s: 하나 이상 있어야 합니다"}
	wantOneThat  = phrase{"%[1]s: %[2]s", "%[1]s: %[2]s"}
	wantAllThat  = phrase{"every %[1]s: %[2]s", "모든 %[1]s: %[2]s"}
	wantNone     = phrase{"there is no %[1]s", "%[1]s: 없어야 합니다"}
	wantNoneThat = phrase{"there is no %[1]s with: %[2]s", "%[1]s 중 다음에 해당하는 것이 없어야 합니다: %[2]s"}
	wantCount    = phrase{"%[2]s × %[1]s", "%[1]s %[2]s개"}
	wantCountOf  = phrase{"%[2]s × %[1]s with: %[3]s", "다음에 해당하는 %[1]s %[2]s개: %[3]s"}
	exactly      = phrase{"%[1]d", "%[1]d"}
	atLeast      = phrase{"at least %[1]d", "최소 %[1]d"}
	atMost       = phrase{"at most %[1]d", "최대 %[1]d"}
	between      = phrase{"%[1]d to %[2]d", "%[1]d~%[2]d"}

	sawNothing = phrase{"there is none", "아직 없습니다"}
	sawOthers  = phrase{"there is none; what there is: %[1]s", "없습니다. 지금 있는 것: %[1]s"}
	sawCount   = phrase{"%[1]d: %[2]s", "%[1]d개: %[2]s"}
	sawZero    = phrase{"0", "0개"}
	sawOne     = phrase{"%[1]s: %[2]s", "%[1]s: %[2]s"}

	fieldIs     = phrase{"%[1]s is %[2]s", "%[1]s = %[2]s"}
	fieldIsNot  = phrase{"%[1]s is not %[2]s", "%[1]s ≠ %[2]s"}
	fieldOp     = phrase{"%[1]s %[3]s %[2]s", "%[1]s %[3]s %[2]s"}
	fieldUnset  = phrase{"%[1]s is not set", "%[1]s 값이 없습니다"}
	listHas     = phrase{"%[1]s contains %[2]s", "%[1]s에 %[2]s 포함"}
	listLacks   = phrase{"%[1]s does not", "%[1]s에 없습니다"}
	condHolds   = phrase{"%[1]s", "%[1]s"}
	condCostly  = phrase{"the condition %[1]s costs too much to evaluate", "조건 %[1]s: 계산 비용이 너무 큽니다"}
	whyMissing  = phrase{"The cluster only works on objects that the API server holds.", "클러스터는 API 서버에 저장된 오브젝트만 보고 움직입니다."}
	whyMismatch = phrase{"What runs follows from what the object says.", "실제로 실행되는 것은 오브젝트에 적힌 내용을 따릅니다."}
	whyStatus   = phrase{"The status is what the cluster found when it carried out the spec.", "status에는 클러스터가 spec을 실행해 본 결과가 적힙니다."}
	whyTooFew   = phrase{"Fewer objects than asked for means that something was not created, or not found.", "개수가 모자라면 아직 만들어지지 않았거나 조건에 맞지 않는 것입니다."}
	whyUnwanted = phrase{"As long as the object exists, the cluster goes on working on it.", "오브젝트가 남아 있는 동안 클러스터는 계속 그 오브젝트를 처리합니다."}
)

// What an object is doing.
var (
	podPhase       = phrase{"Pod %[1]s is %[2]s", "파드 %[1]s 상태: %[2]s"}
	podReadiness   = phrase{"Pod %[1]s is %[2]s, %[3]d of %[4]d containers ready", "파드 %[1]s 상태: %[2]s, 컨테이너 %[4]d개 중 %[3]d개 준비됨"}
	podWaits       = phrase{"Pod %[1]s is %[2]s: %[3]s", "파드 %[1]s 상태: %[2]s (%[3]s)"}
	podUnscheduled = phrase{"Pod %[1]s is waiting for a node", "파드 %[1]s: 노드 배정을 기다리는 중입니다"}
	terminating    = phrase{"%[1]s %[2]s is Terminating", "%[1]s %[2]s: 종료하는 중입니다"}
	workloadReady  = phrase{"%[1]s %[2]s has %[3]d of %[4]d pods ready", "%[1]s %[2]s: 파드 %[4]d개 중 %[3]d개 준비됨"}
	notObserved    = phrase{"%[1]s %[2]s was changed a moment ago", "%[1]s %[2]s: 방금 바뀌었습니다"}
	objectExists   = phrase{"%[1]s %[2]s exists", "%[1]s %[2]s: 있습니다"}
)

// What compositions say.
var (
	mustNotHold = phrase{"this must not be so: %[1]s", "이렇게 되어 있으면 안 됩니다: %[1]s"}
	itHolds     = phrase{"it is so", "지금 그렇게 되어 있습니다"}
)

// What the engine says.
var (
	holding     = phrase{"looks right; it must last %[1]s", "맞습니다. %[1]s 동안 유지되는지 지켜보는 중입니다"}
	stillYoung  = phrase{"this may take up to %[1]s", "최대 %[1]s까지 걸릴 수 있습니다"}
	apiSilent   = phrase{"the API server could not be asked: %[1]s", "API 서버에 물어보지 못했습니다: %[1]s"}
	lookStatus  = plainText("drydock status")
	noTime      = phrase{"there was no answer in time", "제시간에 답을 얻지 못했습니다"}
	probeFailed = phrase{"the probe could not be sent: %[1]s", "요청을 보내지 못했습니다: %[1]s"}
)

// What an answer check says.
var (
	wantAnswer   = phrase{"an answer to the question", "질문에 대한 답"}
	noAnswerYet  = phrase{"no answer yet", "아직 답하지 않았습니다"}
	answered     = phrase{"you answered: %[1]s", "제출한 답: %[1]s"}
	notTheAnswer = phrase{"another answer", "다른 답"}
	wantNumber   = phrase{"a number", "숫자"}
	whyAnswer    = phrase{"Look at the lab again: the answer can be found there.", "실습 환경을 다시 살펴보세요. 답은 그 안에 있습니다."}
)

// What a probe says.
var (
	wantHTTP      = phrase{"GET %[1]s from %[2]s answers %[3]d", "%[2]s에서 GET %[1]s 요청 시 응답 코드 %[3]d"}
	wantHTTPBody  = phrase{"GET %[1]s from %[2]s answers %[3]d and contains %[4]q", "%[2]s에서 GET %[1]s 요청 시 응답 코드 %[3]d, 본문에 %[4]q 포함"}
	sawStatus     = phrase{"it answered %[1]d", "응답 코드 %[1]d"}
	sawBody       = phrase{"it answered %[1]d: %[2]q", "응답 코드 %[1]d, 본문 %[2]q"}
	sawNoAnswer   = phrase{"no answer: %[1]s", "응답 없음: %[1]s"}
	wantDial      = phrase{"%[1]s can be reached from %[2]s", "%[2]s에서 %[1]s 연결 가능"}
	wantNoDial    = phrase{"%[1]s cannot be reached from %[2]s", "%[2]s에서 %[1]s 연결 불가"}
	sawConnected  = phrase{"it can be reached", "연결됩니다"}
	wantReply     = phrase{"%[1]s answers over UDP to %[2]s", "%[2]s에서 UDP로 %[1]s에 보내면 응답"}
	wantReplySays = phrase{"%[1]s answers over UDP to %[2]s and says %[3]q", "%[2]s에서 UDP로 %[1]s에 보내면 응답, 내용에 %[3]q 포함"}
	wantSilence   = phrase{"%[1]s does not answer over UDP to %[2]s", "%[2]s에서 UDP로 %[1]s에 보내도 응답 없음"}
	sawReply      = phrase{"it answered %[1]q", "응답: %[1]q"}
	wantName      = phrase{"the name %[1]s is known to %[2]s", "%[2]s에서 이름 %[1]s 조회 가능"}
	wantNameIs    = phrase{"the name %[1]s leads to %[3]s for %[2]s", "%[2]s에서 이름 %[1]s 조회 시 %[3]s"}
	sawNoName     = phrase{"the name is not known", "알 수 없는 이름입니다"}
	sawAddresses  = phrase{"it leads to %[1]s", "조회 결과: %[1]s"}
	wantLines     = phrase{"a short script of the lesson, run on %s, ends with code %d", "%s에서 수업의 짧은 스크립트를 실행하면 종료 코드 %d"}
	wantExec      = phrase{"`%[1]s` on %[2]s ends with code %[3]d", "%[2]s에서 `%[1]s` 실행 시 종료 코드 %[3]d"}
	wantExecSays  = phrase{"`%[1]s` on %[2]s ends with code %[3]d and prints %[4]q", "%[2]s에서 `%[1]s` 실행 시 종료 코드 %[3]d, 출력에 %[4]q 포함"}
	sawExec       = phrase{"it ended with code %[1]d: %[2]q", "종료 코드 %[1]d, 출력 %[2]q"}
	whyProbe      = phrase{"Only a request that is answered proves that it works.", "요청에 응답이 와야 제대로 동작한다고 말할 수 있습니다."}
	whyProbeClose = phrase{"What should be closed is open.", "닫혀 있어야 할 것이 열려 있습니다."}
)
