package checks

// What a check can need of a lab.
var (
	wantsPast       = Text{"en": "every state that objects were in since the lesson began", "ko": "수업을 시작한 뒤 오브젝트가 거친 모든 상태"}
	wantsRecords    = Text{"en": "what the parts of the cluster noted of who did what", "ko": "누가 무엇을 했는지 클러스터의 각 부분이 남긴 기록"}
	wantsTyped      = Text{"en": "what was typed in the lab's shell", "ko": "실습 셸에 입력한 명령"}
	wantsContainers = Text{"en": "containers outside Kubernetes", "ko": "쿠버네티스 밖의 컨테이너"}
	wantsScripts    = Text{"en": "a script that reads the whole cluster", "ko": "클러스터 전체를 읽는 스크립트"}
	wantsPlaces     = Text{"en": "probes from the lab's network", "ko": "실습 환경 네트워크 안에서 해 보는 점검"}
	wantsNodes      = Text{"en": "a look into nodes", "ko": "노드 안을 들여다보는 점검"}
)

// Wants says what a check needs of a lab of drydock's own, each thing once; nothing when any cluster's API can answer it.
func (s Spec) Wants() []Text {
	var out []Text
	want := func(t Text, needed bool) {
		if needed {
			out = append(out, t)
		}
	}
	want(wantsPast, s.History != nil)
	want(wantsRecords, s.Actor != nil || s.Event != nil && (s.Event.Actor != "" || s.Event.Action != ""))
	want(wantsTyped, s.Command != nil)
	want(wantsContainers, s.Container != nil)
	want(wantsScripts, s.Script != nil)
	want(wantsPlaces, s.Probe != nil && !throughAPI(s.Probe.From))
	want(wantsNodes, s.Node != nil && !s.Node.throughAPI())
	parts := append(append([]Spec{}, s.All...), s.Any...)
	if s.Not != nil {
		parts = append(parts, *s.Not)
	}
	for _, part := range parts {
		for _, t := range part.Wants() {
			want(t, !has(out, t))
		}
	}
	return out
}

func has(texts []Text, t Text) bool {
	for _, one := range texts {
		if one.Equal(t) {
			return true
		}
	}
	return false
}

// throughAPI reports whether the API server leads to a place.
func throughAPI(place string) bool {
	p, err := ParsePlace(place)
	return err == nil && (p.Kind == PlacePod || p.Kind == PlaceAPI)
}

func (n NodeSpec) throughAPI() bool {
	other := ""
	if n.Namespace != nil {
		other = n.Namespace.Same + n.Namespace.Differ
	}
	return throughAPI(n.Of) && (other == "" || throughAPI(other))
}
