package pack_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
	"drydock/lessons/pack"
)

// small is a whole pack that is right.
var small = map[string]string{
	"pack.yaml": `format: 1
id: small
title: {en: Small, ko: 작은 팩}
version: 1.0.0
engine: ">=0.1 <1"
languages: [en, ko]
tracks:
  - id: main
    title: {en: Main, ko: 기본}
    lessons: [pod]
`,
	"lessons/pod/lesson.yaml": `id: pod
title: {en: A pod, ko: 파드}
params:
  name: {word: true}
  copies: {int: {min: 2, max: 5}}
world:
  manifests: [world/start.yaml]
  files:
    - {path: notes.txt, content: "call it {{name}}"}
  until:
    - object: {kind: ConfigMap, name: start}
steps:
  - id: run
    goals: [ready]
    hints:
      - {en: Look around., ko: 둘러보세요.}
      - text: {en: Nothing is there., ko: 아직 없습니다.}
        when: {object: {kind: Pod, name: "{{name}}", expect: none}}
  - id: end
    goals: [gone, safe, why]
    hints: [{en: Take it away., ko: 지우세요.}]
goals:
  - id: ready
    text: {en: "Run {{name}}", ko: "{{name}} 실행"}
    check:
      object:
        kind: Pod
        name: "{{name}}"
        match: {spec: {replicas: "{{copies}}"}}
        that:
          - object.status.phase == "Running"
          - {cel: "object.status.ready", say: {en: it is ready, ko: 준비됨}}
    settle: {within: 5s, hold: 1s}
    fail: {missing: {en: Make it., ko: 만드세요.}, "*": {en: No., ko: 아닙니다.}}
  - id: gone
    text: {en: Gone, ko: 삭제}
    points: 40
    needs: [ready]
    check: {object: {kind: Pod, name: "{{name}}", count: 0}}
    fail: {en: It is there., ko: 아직 있습니다.}
  - id: safe
    kind: guard
    text: {en: Keep it, ko: 유지}
    check: {object: {kind: ConfigMap, name: start}}
    fail: {en: You need it., ko: 필요합니다.}
  - id: why
    kind: bonus
    points: 5
    text: {en: Reason, ko: 이유}
    check:
      answer:
        choice: [{id: a, text: {en: A, ko: 가}}, {id: b, text: {en: B, ko: 나}}]
        key: "hmac-sha256:00:0000000000000000000000000000000000000000000000000000000000000000"
    fail: {en: Think., ko: 생각해 보세요.}
`,
	"lessons/pod/lesson.md": `# A pod

Why a pod.

## Step: run — Run it

Run {{name}}. Templates such as {{.Name}} stay.

` + "```\n## Step: not-a-step\n```" + `

## Step: end
The end.
`,
	"lessons/pod/lesson.ko.md":       "머리말\n\n## Step: run — 실행\n실행하세요.\n\n## Step: end — 끝\n끝입니다.\n",
	"lessons/pod/debrief.md":         "Well done.",
	"lessons/pod/debrief.ko.md":      "잘했습니다.",
	"lessons/pod/world/start.yaml":   "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: start}\n---\n",
	"lessons/pod/solutions/main.sh":  "#!/bin/sh\n# about: the usual way\n# answer: why b\nkubectl run {{name}}\n",
	"lessons/pod/solutions/alt-2.sh": "kubectl create\n",
	"lessons/pod/mutants/none.sh":    "# fails: ready: Make it.\n# fails: gone: It is\ntrue\n",
}

func files(changes map[string]string) fstest.MapFS {
	all := maps.Clone(small)
	maps.Copy(all, changes)
	out := fstest.MapFS{}
	for name, text := range all {
		if text != "" {
			out[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return out
}

// edited is the small pack with one change in one file.
func edited(t *testing.T, file, from, to string) fstest.MapFS {
	t.Helper()
	if !strings.Contains(small[file], from) {
		t.Fatalf("%s does not contain %q", file, from)
	}
	return files(map[string]string{file: strings.Replace(small[file], from, to, 1)})
}

func TestLoad(t *testing.T) {
	p, err := pack.Load(files(nil))
	if err != nil {
		t.Fatal(err)
	}
	if warnings := pack.Lint(p); len(warnings) > 0 {
		t.Errorf("lint:\n%s", warnings)
	}
	l, err := p.Lessons[0].For("someone")
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Lesson("pod").For("someone")
	if err != nil {
		t.Fatal(err)
	}
	name := l.Goal("ready").Check.Object.Name
	if name == "" || name != again.Goal("ready").Check.Object.Name {
		t.Errorf("the parameter is %q, then %q", name, again.Goal("ready").Check.Object.Name)
	}
	spec, ok := l.Goal("ready").Check.Object.Match["spec"].(map[string]any)
	if copies, isInt := spec["replicas"].(int); !ok || !isInt || copies < 2 || copies > 5 {
		t.Errorf("replicas: %v", l.Goal("ready").Check.Object.Match)
	}
	got := map[string]any{
		"points":   []float64{l.Goals[0].Points, l.Goals[1].Points, l.Goals[2].Points, l.Goals[3].Points},
		"settle":   l.Goals[0].Settle,
		"step":     l.Prose.In("en").Steps["run"],
		"intro":    l.Prose.In("en").Intro,
		"korean":   l.Prose.In("ko").Steps["end"].Title,
		"file":     l.World.Files,
		"first":    l.Solutions[0].Name,
		"answers":  l.Solutions[0].Answers,
		"script":   l.Solutions[0].Body,
		"fails":    l.Mutants[0].Fails,
		"missing":  l.Goals[0].Message("missing").In("ko"),
		"mismatch": l.Goals[0].Message("mismatch").In("en"),
	}
	want := map[string]any{
		"points": []float64{60, 40, 0, 5},
		"settle": checks.Settle{Within: 5 * time.Second, Hold: time.Second},
		"step": pack.StepText{
			Title:    "Run it",
			Markdown: "Run " + name + ". Templates such as {{.Name}} stay.\n\n```\n## Step: not-a-step\n```",
		},
		"intro":    "Why a pod.",
		"korean":   "끝",
		"file":     []pack.File{{Path: "notes.txt", Content: "call it " + name, Mode: 0o644}},
		"first":    "main.sh",
		"answers":  []pack.GivenAnswer{{Goal: "why", Value: "b"}},
		"script":   "#!/bin/sh\n# about: the usual way\n# answer: why b\nkubectl run " + name + "\n",
		"fails":    []pack.Failure{{Goal: "ready", Message: "Make it."}, {Goal: "gone", Message: "It is"}},
		"missing":  "만드세요.",
		"mismatch": "No.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lesson (-want +got):\n%s", diff)
	}
}

func TestLoadBroken(t *testing.T) {
	const lesson = "lessons/pod/lesson.yaml"
	for name, tt := range map[string]struct {
		pack fstest.MapFS
		want string
	}{
		"no pack.yaml": {fstest.MapFS{}, "pack.yaml: there is no such file; every pack needs one"},
		"another format": {
			edited(t, "pack.yaml", "format: 1", "format: 2"), "pack.yaml:1:9: this drydock reads format: 1",
		},
		"unknown key, a slip": {
			edited(t, "pack.yaml", "languages:", "langages:"),
			`pack.yaml:6:1: unknown key "langages"; did you mean "languages"? (accepted: authors, engine, format, id, images, languages, license, policy, title, tracks, version)`,
		},
		"unknown key, far away": {
			edited(t, lesson, "settle: {within: 5s, hold: 1s}", "patience: 5s"),
			lesson + `:33:5: unknown key "patience" (accepted: check, fail, hidden, id, kind, needs, points, settle, show, text)`,
		},
		"a newer engine": {
			edited(t, "pack.yaml", ">=0.1 <1", ">=3"), "pack.yaml:5:9: this pack needs drydock >=3; this is 0.1.0",
		},
		"not YAML": {
			edited(t, lesson, "title: {en: A pod, ko: 파드}", "title: {en: A pod"),
			lesson + ":2:1: not valid YAML: did not find expected ',' or '}'",
		},
		"a condition that is wrong": {
			edited(t, lesson, `object.status.phase == "Running"`, `pod.status.phase == "Running"`),
			lesson + ":31:13: condition, column 1: undeclared reference to 'pod' (in container '')",
		},
		"a question about a container that makes no sense": {
			edited(t, lesson, "check: {object: {kind: ConfigMap, name: start}}", "check: {container: {name: web, state: dead}}"),
			lesson + `:44:43: state "dead": use created, running, exited, absent`,
		},
		"faults that cannot happen": {
			edited(t, lesson, "world:", `world:
  nodes: 2
  faults:
    - {node: node-1, do: melt}
    - {node: node-3, do: kill}
    - {node: worker, do: cut}
    - {component: shceduler, do: stop}
    - {component: kubelet@node-9, do: kill}
    - {do: stop}
    - {pod: Web, do: cut}
    - {pod: shop/web, do: kill}
    - {pod: web, do: delay, amount: long}
    - {node: node-1, do: loss}
    - {node: node-2, do: kill, amount: 1s}
    - {node: node-2, do: bandwidth, amount: 1bit}
    - {node: node-2, do: reorder, amount: 25%}`),
			lesson + `:9:26: do "melt": what can happen to a node: stop, kill, cut, delay, loss, reorder, bandwidth
` + lesson + `:10:14: node-3: say that the world has that many nodes (world.nodes)
` + lesson + `:11:14: node "worker": nodes are called node-1, node-2 and so on
` + lesson + `:12:19: there is no component "shceduler"; did you mean "scheduler"?; there are controller-manager, dns, scheduler, and on each node kubelet@node-1, proxy@node-1 and storage@node-1
` + lesson + `:13:19: node-9: say that the world has that many nodes (world.nodes)
` + lesson + `:13:39: do "kill": what can happen to a component: stop
` + lesson + `:14:7: a fault happens to exactly one node, pod or component
` + lesson + `:15:13: pod "Web": write NAME or NAMESPACE/NAME
` + lesson + `:16:27: do "kill": what can happen to a pod: cut, delay, loss, reorder, bandwidth
` + lesson + `:17:37: amount: "long" is no duration: write 100ms or 2s
` + lesson + `:18:26: amount: "" is no percentage: write 10%
` + lesson + `:19:40: kill has no amount
` + lesson + ":20:45: amount: a bandwidth of 1 bit/s: want at least 1kbit",
		},
		"a hint that pays": {
			edited(t, lesson, "        when: {object: {kind: Pod, name: \"{{name}}\", expect: none}}\n", "        when: {object: {kind: Pod, name: \"{{name}}\", expect: none}}\n        cost: -5\n"),
			lesson + ":19:15: cost -5: use 0 to 100 points",
		},
		"limits of the lab": {
			edited(t, lesson, "world:", "world:\n  limits: {cpu: none, memory: -1Mi, pods: -3, disk: 1}"),
			lesson + `:7:17: cpu "none": a quantity above zero is expected, like 500m or 256Mi` + "\n" +
				lesson + `:7:31: memory "-1Mi": a quantity above zero is expected, like 500m or 256Mi` + "\n" +
				lesson + `:7:43: pods -3: use a number above zero` + "\n" +
				lesson + `:7:47: unknown key "disk" (accepted: cpu, memory, pods)`,
		},
		"a goal without a check": {
			edited(t, lesson, "    check: {object: {kind: ConfigMap, name: start}}\n", ""),
			lesson + `:41:5: goal "safe" needs a check`,
		},
		"needs in a circle": {
			edited(t, lesson, "  - id: ready\n", "  - id: ready\n    needs: [gone]\n"),
			lesson + ":23:3: the goals need each other in a circle: ready needs gone needs ready",
		},
		"a goal that is not there": {
			edited(t, lesson, "goals: [gone, safe, why]", "goals: [gone, save, safe, why]"),
			lesson + `:20:19: there is no goal "save"; did you mean "safe"?`,
		},
		"points that do not fit": {
			edited(t, lesson, "    points: 40\n", "    points: 140\n"),
			lesson + ":23:3: the points of the goals that must be reached add up to 140; make it 100, or leave some out",
		},
		"text where a number belongs": {
			edited(t, lesson, "min: 2", "min: two"), lesson + `:5:23: expected a whole number, found the text "two"`,
		},
		"a number where text belongs": {
			edited(t, lesson, "id: pod", "id: 7"), lesson + ":1:5: expected text, found the number 7; put it in quotes\n" +
				lesson + `:1:5: id "": use the name of the folder, "pod"`,
		},
		"an anchor": {
			edited(t, lesson, "world:", "world: &w"),
			lesson + ":6:8: anchors and aliases are not part of the format; write the value out",
		},
		"a key twice": {
			edited(t, lesson, "    kind: bonus\n", "    kind: bonus\n    kind: do\n"), lesson + `:48:5: key "kind" is there twice`,
		},
		"a path outside": {
			edited(t, lesson, "path: notes.txt", "path: ../notes.txt"),
			lesson + `:9:7: path "../notes.txt": use a path below the learner's folder, without .. and without a leading slash`,
		},
		"a manifest that is missing": {
			files(map[string]string{"lessons/pod/world/start.yaml": ""}),
			lesson + ":7:15: there is no file lessons/pod/world/start.yaml",
		},
		"a manifest without a name": {
			files(map[string]string{"lessons/pod/world/start.yaml": "apiVersion: v1\nkind: Pod\n"}),
			"lessons/pod/world/start.yaml: object 1 needs apiVersion, kind and metadata.name",
		},
		"headings that do not fit": {
			edited(t, "lessons/pod/lesson.md", "## Step: end", "## Step: ends"),
			"lessons/pod/lesson.md: there is no heading \"## Step: end\"\n" +
				`lessons/pod/lesson.md:13:1: lesson.yaml has no step "ends"; did you mean "end"?`,
		},
		"a language that is missing": {
			files(map[string]string{"lessons/pod/lesson.ko.md": ""}),
			"lessons/pod/lesson.ko.md: there is no such file; the pack has the language ko",
		},
		"no solution": {
			files(map[string]string{"lessons/pod/solutions/main.sh": ""}),
			"lessons/pod/solutions/main.sh: there is no such file; a lesson without a solution cannot be proved",
		},
		"a mutant that fails nothing": {
			files(map[string]string{"lessons/pod/mutants/none.sh": "true\n"}),
			"lessons/pod/mutants/none.sh: a mutant names what it fails: `# fails: GOAL: part of the message`",
		},
		"a lesson that nobody names": {
			files(map[string]string{"lessons/other/lesson.yaml": "id: other"}),
			"lessons/other: no track of pack.yaml names this lesson",
		},
		"an answer in the clear": {
			edited(t, lesson, "hmac-sha256:00:", "b"),
			lesson + ":53:14: the key is not a sealed answer; make one with: drydock pack seal LESSON GOAL ANSWER",
		},
		"several at once": {
			files(map[string]string{
				"pack.yaml": strings.Replace(small["pack.yaml"], "version: 1.0.0", `version: "1"`, 1),
				lesson:      strings.NewReplacer("revision", "", "id: run", "id: Run", "word: true", "wrod: true").Replace(small[lesson]),
			}),
			lesson + `:4:9: parameter "name": a parameter is exactly one of int, word, choice, hash` + "\n" +
				lesson + `:4:10: unknown key "wrod"; did you mean "word"? (accepted: choice, hash, int, word)` + "\n" +
				`pack.yaml:4:10: version "1": use three numbers such as 1.0.0`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pack.Load(tt.pack)
			var problems pack.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got %v, want Problems", err)
			}
			if diff := cmp.Diff(tt.want, problems.Error()); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLint(t *testing.T) {
	const lesson = "lessons/pod/lesson.yaml"
	hint := strings.Repeat("kubectl run this exactly ", 6)
	for name, tt := range map[string]struct {
		pack fstest.MapFS
		want string
	}{
		"a text in one language only": {
			edited(t, lesson, "{en: Gone, ko: 삭제}", "Gone"), lesson + ": goal gone: text: there is no text in ko",
		},
		"no words for a failure": {
			edited(t, lesson, "    fail: {en: It is there., ko: 아직 있습니다.}\n", ""),
			lesson + ": goal gone: there is no text for failing it (fail)",
		},
		"a negative without a positive": {
			edited(t, lesson, "count: 0}}", "expect: none}}\n    hidden: true"), "",
		},
		"a negative alone": {
			edited(t, lesson, `    needs: [ready]
    check: {object: {kind: Pod, name: "{{name}}", count: 0}}`, `    check: {object: {kind: Pod, expect: none}}`),
			lesson + ": goal gone: it asks only that something is not there, which is so before anything was done; let it need a goal that was reached before",
		},
		"a place in a list": {
			edited(t, lesson, `object.status.phase == "Running"`, `object.spec.containers[0].name == "web"`),
			lesson + `: goal ready: "object.spec.containers[0].name == \"web\"" counts on a place in a list; use exists or all`,
		},
		"a hint with the solution": {
			files(map[string]string{
				lesson:                          strings.Replace(small[lesson], "en: Look around.", "en: "+hint, 1),
				"lessons/pod/solutions/main.sh": hint,
			}),
			lesson + ": step run: hint 1 shares 120 characters with solutions/main.sh",
		},
		"an emoji that breaks columns": {
			edited(t, "lessons/pod/debrief.md", "Well", "⚠️ Well"),
			"lessons/pod/debrief.md:1:4: an emoji with U+FE0F breaks the columns of some terminals",
		},
		"no mutant": {
			files(map[string]string{"lessons/pod/mutants/none.sh": ""}),
			lesson + ": there is no mutant: nothing shows that a wrong answer fails",
		},
		"no debrief": {
			files(map[string]string{"lessons/pod/debrief.ko.md": ""}), lesson + ": there is no debrief in ko",
		},
		"a part of a name": {
			edited(t, lesson, `object.status.phase == "Running"`, `object.metadata.name.contains("web")`),
			lesson + `: goal ready: "object.metadata.name.contains(\"web\")" takes a part of a name for the name; use labels or startsWith`,
		},
		"an image that may change": {
			edited(t, lesson, "world:\n", "world:\n  images: [drydock/web:1, nginx:1]\n"),
			lesson + ": image nginx:1 has no digest: what it holds may change",
		},
		"an image that nobody brings": {
			edited(t, "lessons/pod/world/start.yaml", "---\n", "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: drydock/no:1}, {name: b, image: nginx}]}\n"),
			lesson + ": world/start.yaml: image nginx is none that drydock carries, and a lab pulls nothing; name it in images of pack.yaml, with its digest, and build the pack --with-images",
		},
		"an image that cannot be brought": {
			edited(t, "pack.yaml", "languages:", "images: [nginx:1]\nlanguages:"), "pack.yaml: image nginx:1 has no digest: it cannot be brought along; write NAME@sha256:…",
		},
		"a step without help": {
			edited(t, lesson, "    hints: [{en: Take it away., ko: 지우세요.}]\n", ""), lesson + ": step end has no hints",
		},
		"only that a container is not there": {
			edited(t, lesson, `    needs: [ready]
    check: {object: {kind: Pod, name: "{{name}}", count: 0}}`, `    check: {container: {name: web, state: absent}}`),
			lesson + ": goal gone: it asks only that something is not there, which is so before anything was done; let it need a goal that was reached before",
		},
		"a script": {
			edited(t, lesson, "check: {object: {kind: ConfigMap, name: start}}", "check: {script: {run: echo}}"),
			lesson + ": goal safe: a script can be wrong in more ways than a declared check, and explains less; see whether object, probe, node, event or history will do",
		},
		"a parameter that is none, in a step": {
			edited(t, "lessons/pod/lesson.md", "The end.", "The end of {{nane}}."),
			`lessons/pod/lesson.md: {{nane}} is not a parameter; did you mean "name"?`,
		},
		"every one of few": {
			edited(t, lesson, `        name: "{{name}}"
        match: {spec: {replicas: "{{copies}}"}}
`, "        expect: all\n"),
			lesson + `: goal ready: one Pod is enough for "every"; say how many there must be: a count beside it (all: […]), or a goal that it needs`,
		},
		"every one of none": {
			edited(t, lesson, `        name: "{{name}}"
        match: {spec: {replicas: "{{copies}}"}}
`, "        expect: all\n        allowEmpty: true\n"),
			lesson + `: goal ready: every Pod may be so because there is none (allowEmpty); let it need a goal that counts them`,
		},
		"commands about what is not there": {
			edited(t, "lessons/pod/lesson.md", "The end.", "```sh\n$ kubectl get pod wbe -o wide | cat\nkubectl logs deploy/shop -c web\n"+
				"kubectl get configmap start kube-root-ca.crt\nkubectl create ns made\nkubectl get ns/made node/node-2 NAME $POD\n"+
				"kubectl set image deployment/other web=drydock/web:2\nkubectl label pod/{{name}} a=b --overwrite\n```"),
			"lessons/pod/lesson.md: `kubectl get pod wbe -o wide | cat` names wbe, which is in no manifest, file, goal or solution of the lesson\n" +
				"lessons/pod/lesson.md: `kubectl logs deploy/shop -c web` names shop, which is in no manifest, file, goal or solution of the lesson\n" +
				"lessons/pod/lesson.md: `kubectl set image deployment/other web=drydock/web:2` names other, which is in no manifest, file, goal or solution of the lesson",
		},
		"faults too early, twice, and everywhere": {
			edited(t, lesson, "  until:\n    - object: {kind: ConfigMap, name: start}\n", `  nodes: 1
  faults:
    - {node: node-1, do: cut}
    - {node: node-1, do: kill}
    - {pod: web, do: loss, amount: 1%}
    - {pod: web, do: delay, amount: 10ms}
`),
			lesson + ": world.faults: two faults happen to node-1\n" +
				lesson + ": world.faults: every node is taken away, so nothing can run\n" +
				lesson + ": world.faults: they happen as soon as world.until holds, and it is empty; say what must stand before",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := pack.Load(tt.pack)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, pack.Lint(p).Error()); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// Whatever is in a lesson's files, Load says yes or no and does not panic, and what it takes can be given to a learner.
func FuzzLoad(f *testing.F) {
	f.Add(small["lessons/pod/lesson.yaml"], small["lessons/pod/lesson.md"], small["lessons/pod/world/start.yaml"])
	f.Add("id: pod\nsteps: [{id: a}]\ngoals: []", "## Step: a", "a: b")
	f.Add("a: &a [*a]", "## Step: ", "---\n---\n")
	f.Fuzz(func(t *testing.T, lesson, prose, manifest string) {
		p, err := pack.Load(files(map[string]string{
			"lessons/pod/lesson.yaml": lesson, "lessons/pod/lesson.md": prose, "lessons/pod/world/start.yaml": manifest,
		}))
		if err != nil {
			var problems pack.Problems
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Errorf("an error without a problem: %v", err)
			}
			return
		}
		_ = pack.Lint(p)
		_, _ = p.Lessons[0].For("fuzz") // other values may not fit; that is an error, not a panic
	})
}
