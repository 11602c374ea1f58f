package checks

// What checks about the past say.
var (
	stepNotOpen    = phrase{"the step is not open yet", "아직 열리지 않은 단계입니다"}
	nothingSuch    = phrase{"nothing of the kind", "그런 일이 없었습니다"}
	otherThings    = phrase{"nothing of the kind; the last that happened: %[1]s", "그런 일이 없었습니다. 마지막으로 일어난 일: %[1]s"}
	wantEvent      = phrase{"%[1]s happens to %[2]s", "%[2]s: %[1]s 발생"}
	wantNoEvent    = phrase{"%[1]s does not happen to %[2]s", "%[2]s: %[1]s 발생하지 않음"}
	saying         = phrase{"(saying %[1]q)", "(%[1]q 포함)"}
	sawEvent       = phrase{"%[1]s: %[2]s: %[3]s", "%[1]s: %[2]s: %[3]s"}
	sawDecision    = phrase{"%[1]s: %[2]s %[3]s: %[4]s", "%[1]s: %[2]s %[3]s: %[4]s"}
	sawChange      = phrase{"%[1]s %[2]s by %[3]s (%[4]s)", "%[2]s %[1]s: %[3]s (%[4]s)"}
	wantActor      = phrase{"%[1]s: %[2]s by %[3]s", "%[1]s: %[2]s, 한 쪽: %[3]s"}
	wantNotActor   = phrase{"%[1]s: no %[2]s by %[3]s", "%[1]s: %[3]s의 %[2]s 없음"}
	wantOnlyActor  = phrase{"%[1]s: every %[2]s by %[3]s", "%[1]s: 모든 %[2]s, 한 쪽: %[3]s"}
	wantAlways     = phrase{"at all times: %[1]s", "항상: %[1]s"}
	wantNever      = phrase{"never: %[1]s", "한 번도 없어야 함: %[1]s"}
	wantEventually = phrase{"at some time: %[1]s", "한 번은: %[1]s"}
	wantWithin     = phrase{"within %[1]s: %[2]s", "%[1]s 안에: %[2]s"}
	wantBefore     = phrase{"first %[1]s, then %[2]s", "먼저 %[1]s, 그다음 %[2]s"}
	wantFrom       = phrase{"from the moment that %[1]s", "시작: %[1]s"}
	wantUntil      = phrase{"until %[1]s", "끝: %[1]s"}
	onceSeen       = phrase{"for a time it was so: %[1]s", "한때 이랬습니다: %[1]s"}
	cameLate       = phrase{"it came too late", "너무 늦었습니다"}
	lookReset      = plainText("drydock lesson reset")
	whyEvent       = phrase{"What happened tells more than what is there now.", "지금 상태보다 무슨 일이 있었는지가 더 많은 것을 알려 줍니다."}
	whyPast        = phrase{"It has happened, and the past cannot be changed: reset the lesson to try again.", "이미 일어난 일은 바꿀 수 없습니다. 수업을 초기화하고 다시 해 보세요."}
	whyActor       = phrase{"The same change means something else when somebody else makes it.", "같은 변경도 누가 했는지에 따라 뜻이 다릅니다."}
	whyHistory     = phrase{"The way there counts, not only where it ends.", "마지막 상태만이 아니라 거기까지 가는 과정도 봅니다."}
	wantTyped      = phrase{"a command that matches %[1]s", "%[1]s 형태의 명령"}
	notTyped       = phrase{"it was not typed", "입력하지 않았습니다"}
	noHistory      = phrase{"the shell's history cannot be read", "셸의 명령 기록을 읽을 수 없습니다"}
	scriptSilent   = phrase{"the check's script gave no answer: %[1]s", "확인 스크립트가 답하지 못했습니다: %[1]s"}
)

// sideWords name who made a change.
var sideWords = map[string]phrase{
	byLearner: {"you", "당신"}, byLesson: {"the lesson", "수업"}, byController: {"a controller", "컨트롤러"},
	byScheduler: {"the scheduler", "스케줄러"}, byKubelet: {"the kubelet", "kubelet"}, byFault: {"a fault", "장애"},
}

// What a look into a machine says.
var (
	onPlace     = phrase{"on %[1]s: %[2]s", "%[1]s: %[2]s"}
	wantThere   = phrase{"there is %[1]s", "%[1]s 있음"}
	wantAbsent  = phrase{"there is no %[1]s", "%[1]s 없음"}
	fileHas     = phrase{"%[1]s contains %[2]q", "%[1]s에 %[2]q 포함"}
	fileSays    = phrase{"it contains %[1]q", "내용: %[1]q"}
	whatRuns    = phrase{"what runs: %[1]s", "실행 중인 것: %[1]s"}
	whatThereIs = phrase{"what there is: %[1]s", "지금 있는 것: %[1]s"}
	notMounted  = phrase{"nothing is mounted at %[1]s", "%[1]s에 마운트된 것이 없습니다"}
	nsSame      = phrase{"its %[1]s namespace is that of %[2]s", "%[1]s 네임스페이스가 %[2]s의 것과 같음"}
	nsDiffers   = phrase{"its %[1]s namespace is not that of %[2]s", "%[1]s 네임스페이스가 %[2]s의 것과 다름"}
	whyNode     = phrase{"What an object promises, a machine has to keep.", "오브젝트에 적힌 약속은 머신에서 지켜져야 합니다."}
)

// What is said of a container outside Kubernetes.
var (
	containerOn  = phrase{"container %[1]s on %[2]s: %[3]s", "%[2]s의 컨테이너 %[1]s: %[3]s"}
	itExists     = phrase{"it is there", "있음"}
	isAbsent     = phrase{"it is not there", "없음"}
	changedPath  = phrase{"%[1]s in its diff (%[2]s)", "diff에 %[1]s 있음 (%[2]s)"}
	unchanged    = phrase{"%[1]s is not in its diff", "diff에 %[1]s 없음"}
	whyContainer = phrase{"The runtime knows only what was run, not what was meant.", "런타임은 실제로 실행된 것만 알아요."}
)

// What stands behind a failure.
var (
	becauseOf    = phrase{"because %[1]s", "원인: %[1]s"}
	noPodMatches = phrase{"the selector of Service %[1]s, %[2]s, matches no pod", "서비스 %[1]s의 셀렉터 %[2]s에 맞는 파드가 없습니다"}
	didYouMean   = phrase{"did you mean %[1]s?", "혹시 %[1]s인가요?"}
	noneReady    = phrase{"Service %[1]s selects %[2]d pods, and none is Ready: %[3]s", "서비스 %[1]s에 맞는 파드 %[2]d개 중 Ready인 것이 없습니다: %[3]s"}
	portUnknown  = phrase{"Service %[1]s sends to port %[2]s; its pods declare %[3]s", "서비스 %[1]s: 보내는 포트 %[2]s, 파드에 적힌 포트 %[3]s"}
	noService    = phrase{"there is no Service %[1]s", "서비스 %[1]s: 없습니다"}
)
