package plain

import "drydock/checks"

func both(en, ko string) checks.Text { return checks.Text{"en": en, "ko": ko} }

// What plain mode says, with the verbs of fmt.
var (
	noLesson     = both("No lesson is open. Start one with: drydock lesson start", "열린 수업이 없습니다. 다음 명령으로 시작하세요: drydock lesson start")
	lockedLesson = both("Lesson %s opens when these are done: %s", "수업 %s은(는) 다음 수업을 마치면 열립니다: %s")
	unknownID    = both("There is no lesson %q. See: drydock lesson ls", "%q이라는 수업이 없습니다. 목록 보기: drydock lesson ls")
	unknownGoal  = both("There is no goal %q. The goals are: %s", "%q이라는 목표가 없습니다. 목표 목록: %s")
	notQuestion  = both("Goal %s is not a question to answer.", "목표 %s은(는) 답하는 질문이 아닙니다.")
	noMore       = both("There is no further lesson.", "다음 수업이 없습니다.")
	noMoreHints  = both("There are no more hints for this step.", "이 단계의 힌트를 모두 보았습니다.")

	listLine    = both("%d. %s (%s), %d minutes: %s", "%d. %s (%s), %d분: %s")
	standDone   = both("done, %d of 100 points", "완료, 100점 중 %d점")
	standStale  = both("done, but the lesson has changed since", "완료했지만 그 뒤로 수업 내용이 바뀜")
	standOpen   = both("started", "진행 중")
	standNew    = both("not started", "시작 전")
	standLocked = both("opens after %s", "%s 완료 후 열림")

	lessonHead = both("Lesson %d of %d: %s", "수업 %d/%d: %s")
	stepHead   = both("Step %d of %d: %s", "단계 %d/%d: %s")
	howToCheck = both("When you are done: drydock check. If you need help: drydock lesson hint.", "다 했으면 drydock check, 도움이 필요하면 drydock lesson hint를 실행하세요.")
	goalsAre   = both("What to reach:", "목표:")

	markPass    = both("PASS", "통과")
	markFail    = both("NOT YET", "아직")
	markWait    = both("OPEN", "할 일")
	markMoving  = both("ON ITS WAY", "진행 중")
	markBlocked = both("LATER", "나중에")
	markUnsure  = both("CANNOT TELL", "확인 불가")
	markKept    = both("KEPT", "유지됨")
	markBroken  = both("BROKEN", "깨짐")

	goalLine   = both("%s %d of %d: %s", "%s %[3]d개 중 %[2]d번: %[4]s")
	hiddenGoal = both("a hidden goal", "숨겨진 목표")
	expected   = both("  Expected: %s", "  기대: %s")
	seen       = both("  Seen: %s", "  현재: %s")
	why        = both("  Why: %s", "  이유: %s")
	look       = both("  Look at: %s", "  살펴보기: %s")
	choices    = both("  Choose with: drydock lesson answer %s ID", "  답하기: drydock lesson answer %s ID")
	typed      = both("  Answer with: drydock lesson answer %s ANSWER", "  답하기: drydock lesson answer %s 답")

	reached   = both("%d of %d reached, %.0f of 100 points.", "%[2]d개 중 %[1]d개 달성, 100점 중 %.0[3]f점.")
	lessonEnd = both("The lesson is done. Go on with: drydock lesson next", "수업을 마쳤습니다. 다음 수업으로: drydock lesson next")
	stuckNow  = both("This cannot be solved any more: %s Start over with: drydock lesson reset", "이대로는 풀 수 없습니다. %s 다시 시작하려면: drydock lesson reset")
	trouble   = both("Your progress could not be recorded: %v", "진행 상황을 기록하지 못했습니다: %v")

	hintLine   = both("Hint %d of %d: %s", "힌트 %d/%d: %s")
	hintNow    = both("From what the lab looks like now: %s", "지금 상태로 보면: %s")
	hintLast   = both("The next hint gives the command. What have you tried?", "다음 힌트에는 명령이 나옵니다. 지금까지 무엇을 해 보았는지 먼저 떠올려 보세요.")
	planHead   = both("This deletes from the lab:", "실습 환경에서 다음을 지웁니다:")
	planWrites = both("And overwrites in your folder:", "작업 폴더에서 다음을 덮어씁니다:")
	planEmpty  = both("There is nothing to delete.", "지울 것이 없습니다.")
	planYes    = both("Nothing was changed. To go ahead, run it again with --yes.", "아직 아무것도 바꾸지 않았습니다. 계속하려면 --yes를 붙여 다시 실행하세요.")
	resetDone  = both("The lesson's world is as it was at the start.", "수업 환경을 처음 상태로 되돌렸습니다.")

	lintClean     = both("%s: nothing to complain about.", "%s: 문제가 없습니다.")
	lintProblem   = both("error: %s", "오류: %s")
	lintWarning   = both("warning: %s", "주의: %s")
	testOK        = both("ok    %s, %s (%d ms)", "통과  %s, %s (%d ms)")
	testFailed    = both("FAIL  %s, %s (%d ms)", "실패  %s, %s (%d ms)")
	testSummary   = both("%d of %d cases hold.", "%[2]d개 중 %[1]d개 통과.")
	testTime      = both("It took %s; the budget is %s.", "걸린 시간 %s, 목표 %s.")
	madePack      = both("%s is ready. Prove it with: drydock pack test %s", "%s 팩을 만들었습니다. 확인하기: drydock pack test %s")
	unknownStep   = both("there is no step %q in this lesson", "이 수업에 %q 단계가 없습니다")
	builtPack     = both("%s\n%s", "%s\n%s")
	madeKey       = both("Sign with %s, and keep it to yourself. Give %s away.", "%s은(는) 서명에 쓰는 열쇠이니 혼자만 가지고, %s을(를) 나누어 주세요.")
	verified      = both("%s %s (%s) is whole, and signed with the key of %s.", "%s %s (%s): 온전하며, %s 열쇠로 서명되었습니다.")
	wholeSigned   = both("%s %s (%s) is whole and signed. Whose signature it is, says --key FILE.", "%s %s (%s): 온전하고 서명되어 있습니다. 누구의 서명인지는 --key FILE로 확인하세요.")
	wholeUnsigned = both("%s %s (%s) is whole. It is not signed.", "%s %s (%s): 온전합니다. 서명은 없습니다.")
	installed     = both("%s %s is installed. Begin with: drydock lesson ls --pack %[1]s", "%s %s 팩을 설치했습니다. 시작하기: drydock lesson ls --pack %[1]s")
	sameVersion   = both("Nothing changed.", "달라진 것이 없습니다.")
	goesStale     = both("%s (old results go stale)", "%s (이전 결과는 더 이상 유효하지 않음)")
	noSuchAnswer  = both("goal %s of lesson %s is not a question to answer", "수업 %[2]s의 목표 %[1]s은(는) 답하는 질문이 아닙니다")
)
