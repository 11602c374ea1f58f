// Package pack reads lesson packs: folders of data that declare a course.
//
// Load reads a whole pack strictly: an unknown key, a missing file, a goal without a check, a condition that does not
// compile are all Problems, each with file, line and column, and all of them are reported at once. What the format
// promises but this version does not run is refused in plain words, never ignored. Lint finds what is allowed but rarely
// meant.
//
// A loaded Lesson is still general: its parameters have no values. For draws them from a seed and gives the lesson as
// one learner meets it. A parameter is used as {{name}}, in prose, manifests, files, scripts and lesson.yaml; a value
// that is a parameter and nothing else ("{{copies}}") keeps the parameter's type.
//
// # How things are written
//
// A text is a string, which is English, or a map of two-letter languages. A hint is a text, or a map of text and when. A
// goal's fail is a text, or texts by cause: missing, mismatch, unwanted, too-few, too-many for objects; status, body,
// no-answer-from-server, open, closed, silent, no-name, address, code, output, no-pod for probes; no-answer, wrong-answer,
// not-a-number for answers; "*" for the rest.
//
//	goals:
//	  - id: ready
//	    text: {en: The pod web is ready, ko: web 파드가 준비됨}
//	    needs: [scaled]               # goals that come first; until then this one is blocked
//	    settle: {within: 5s, hold: 1s}
//	    check:
//	      object:
//	        kind: Pod                 # apiVersion as well, when it is not one of Kubernetes' usual kinds
//	        namespace: default        # "*" is all
//	        name: web                 # or selector: app=web, or where: a CEL expression
//	        match: {spec: {replicas: 3}}
//	        that:
//	          - object.status.phase == "Running"
//	          - {cel: has(object.metadata.labels), say: it has labels, look: kubectl get pods --show-labels}
//	        expect: one               # all, none; or count: 3, or count: {min: 2, max: 4}
//	    fail: {missing: There is no web yet., "*": It is there but not right.}
//
//	check: {probe: {from: pod/client, http: {url: "http://web:8080/", status: 200, contains: version}}}
//	check: {probe: {from: learner, tcp: {address: "web:8080", refused: true}, every: 1s, timeout: 3s}}
//	check: {probe: {from: pod/client, udp: {address: "echo:7", send: ping, contains: pong}}}   # or silent: true
//	check: {probe: {from: node/node-1, dns: {name: web, address: 10.96.0.7}}}
//	check: {probe: {from: pod/web, exec: {command: [cat, /etc/motd], code: 0, contains: hello}}}
//	check: {answer: {choice: [{id: a, text: A}, {id: b, text: B}], key: "…", wrong: {a: Look again.}}}
//	check: {answer: {number: {tolerance: 0.5, unit: Mi}, key: "…"}}   # or text: {caseMatters: true}
//	check: {all: […]}, {any: […]}, {not: …}
//
// In a condition, object is the object that is looked at and objects are all that are; a field that is not there makes
// the condition false. `drydock pack seal` makes the key of an answer.
//
// Prose has one heading per step, "## Step: <id>", and behind the id what the reader sees: "## Step: run — Start a pod".
// It is in lesson.md in the pack's first language, in lesson.ko.md in Korean; debrief.md likewise.
//
// A solution or mutant is a shell script whose first comment lines say more about it:
//
//	# about: the misconception, for people
//	# answer: GOAL VALUE              handed in when the script has ended
//	# fails: GOAL: part of what the learner reads, in English
package pack
