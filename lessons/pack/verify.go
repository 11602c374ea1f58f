package pack

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	yaml "sigs.k8s.io/yaml/goyaml.v3"

	"drydock/checks"
)

// What must hold between the parts of a pack. Each rule reports and goes on, so that one look finds all mistakes.

const idRule = "use lower-case letters, digits and dashes, beginning with a letter"

var (
	idForm      = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	versionForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$`)
)

func isID(s string) bool { return idForm.MatchString(s) }

func (l *loader) checkPack(d *decoder, root *yaml.Node, raw *rawPack) {
	if !isID(raw.ID) {
		d.report(find(root, []string{"id"}), "id %q: %s", raw.ID, idRule)
	}
	if raw.Title.Empty() {
		d.report(find(root, []string{"title"}), "a pack needs a title")
	}
	if !versionForm.MatchString(raw.Version) {
		d.report(find(root, []string{"version"}), "version %q: use three numbers such as 1.0.0", raw.Version)
	}
	if raw.Policy != Free && raw.Policy != Gated && raw.Policy != Exam {
		d.report(find(root, []string{"policy"}), "policy %q: use free, gated or exam", raw.Policy)
	}
	if err := fits(raw.Engine, EngineVersion); err != nil {
		d.report(find(root, []string{"engine"}), "%v", err)
	}
	for i, lang := range raw.Languages {
		if !isLanguage(lang) {
			d.report(find(root, []string{"languages", strconv.Itoa(i)}), "%q is not a language; use two letters such as en or ko", lang)
		}
	}
	if len(raw.Languages) == 0 {
		d.report(find(root, []string{"languages"}), "a pack needs at least one language")
		raw.Languages = []string{"en"}
	}
	l.checkTracks(d, root, raw)
}

func (l *loader) checkTracks(d *decoder, root *yaml.Node, raw *rawPack) {
	seen, lessons := map[string]bool{}, 0
	l.tracks = map[string][2]int{}
	for i, t := range raw.Tracks {
		at := []string{"tracks", strconv.Itoa(i)}
		if !isID(t.ID) || seen["track "+t.ID] {
			d.report(find(root, append(at, "id")), "track id %q: each needs its own; %s", t.ID, idRule)
		}
		seen["track "+t.ID] = true
		if t.Title.Empty() {
			d.report(find(root, append(at, "title")), "a track needs a title")
		}
		for j, id := range t.Lessons {
			where := find(root, append(at, "lessons", strconv.Itoa(j)))
			l.tracks[id] = [2]int{where.Line, where.Column}
			switch {
			case !isID(id):
				d.report(where, "lesson id %q: %s", id, idRule)
			case seen[id]:
				d.report(where, "lesson %q is there twice", id)
			default:
				lessons++
			}
			seen[id] = true
		}
		raw.Tracks[i].Lessons = slices.DeleteFunc(t.Lessons, func(id string) bool { return !isID(id) })
	}
	if lessons == 0 {
		d.report(find(root, []string{"tracks"}), "a pack needs a track with at least one lesson")
	}
}

// verify holds the rules within one lesson.
func (f *lessonFile) verify(p *Pack, out *Lesson) {
	if f.raw.ID != out.ID {
		f.problem(f.at("id"), "id %q: use the name of the folder, %q", f.raw.ID, out.ID)
	}
	if f.raw.Title.Empty() {
		f.problem(f.at("title"), "a lesson needs a title")
	}
	if f.raw.Revision < 1 {
		f.problem(f.at("revision"), "revision %d: count from 1", f.raw.Revision)
	}
	if f.raw.World.Nodes < 0 || f.raw.World.Nodes > 20 {
		f.problem(f.at("world", "nodes"), "nodes %d: use 1 to 20", f.raw.World.Nodes)
	}
	if len(f.raw.Steps) == 0 {
		f.problem(f.at("steps"), "a lesson needs at least one step")
	}
	f.verifyGoals()
	f.verifySteps()
	f.verifyScripts(out)
	f.verifyFaults()
	for i, s := range f.raw.World.Until {
		if asks(s, func(s checks.Spec) bool {
			return s.Command != nil || s.Answer != nil || s.History != nil || s.Actor != nil
		}) {
			f.problem(f.at("world", "until", strconv.Itoa(i)), "a world waits for its state only: use object, probe or node")
		}
	}
	if f.raw.Stuck != nil && f.raw.Stuck.Message.Empty() {
		f.problem(f.at("stuck"), "stuck needs a message")
	}
}

func (f *lessonFile) verifyGoals() {
	seen := map[string]bool{}
	for i, g := range f.raw.Goals {
		at := f.at("goals", strconv.Itoa(i))
		if !isID(g.ID) {
			f.problem(at, "goal id %q: %s", g.ID, idRule)
		}
		if seen[g.ID] {
			f.problem(at, "there are two goals %q", g.ID)
		}
		seen[g.ID] = true
		if g.Kind != "" && g.Kind != Do && g.Kind != Guard && g.Kind != Bonus {
			f.problem(f.at("goals", strconv.Itoa(i), "kind"), "kind %q: use do, guard or bonus", g.Kind)
		}
		if g.Kind == Guard && g.Points != nil {
			f.problem(f.at("goals", strconv.Itoa(i), "points"), "a guard earns nothing; leave its points out")
		}
		if g.Points != nil && *g.Points < 0 {
			f.problem(f.at("goals", strconv.Itoa(i), "points"), "points %g: use 0 or more", *g.Points)
		}
		if g.Text.Empty() {
			f.problem(at, "goal %q needs a text: what the learner reads", g.ID)
		}
		if g.Check == nil {
			f.problem(at, "goal %q needs a check", g.ID)
		} else if g.Kind != Bonus && asks(*g.Check, func(s checks.Spec) bool { return s.Command != nil }) {
			f.problem(f.at("goals", strconv.Itoa(i), "check"),
				"what was typed decides nothing, because a learner can make the shell say anything; let it be kind: bonus, or ask for what the command does")
		}
		for j, need := range g.Needs {
			if !f.hasGoal(need) {
				f.problem(f.at("goals", strconv.Itoa(i), "needs", strconv.Itoa(j)), "there is no goal %q%s", need, suggest(need, f.goalIDs()))
			}
		}
	}
	if cycle := findCycle(f.goalIDs(), f.needsOf); cycle != nil {
		f.problem(f.at("goals"), "the goals need each other in a circle: %s", strings.Join(cycle, " needs "))
	}
}

// asks reports whether a check, or one inside it, is of some sort.
func asks(s checks.Spec, is func(checks.Spec) bool) bool {
	found := false
	walk(s, func(one checks.Spec) { found = found || is(one) })
	return found
}

func (f *lessonFile) needsOf(id string) []string {
	for _, g := range f.raw.Goals {
		if g.ID == id {
			return g.Needs
		}
	}
	return nil
}

func (f *lessonFile) goalIDs() []string {
	var out []string
	for _, g := range f.raw.Goals {
		out = append(out, g.ID)
	}
	return out
}

func (f *lessonFile) hasGoal(id string) bool { return slices.Contains(f.goalIDs(), id) }

func (f *lessonFile) verifySteps() {
	steps, in := map[string]bool{}, map[string]string{}
	for i, s := range f.raw.Steps {
		at := f.at("steps", strconv.Itoa(i))
		if !isID(s.ID) || steps[s.ID] {
			f.problem(at, "step id %q: each needs its own; %s", s.ID, idRule)
		}
		steps[s.ID] = true
		for j, goal := range s.Goals {
			where := f.at("steps", strconv.Itoa(i), "goals", strconv.Itoa(j))
			switch {
			case !f.hasGoal(goal):
				f.problem(where, "there is no goal %q%s", goal, suggest(goal, f.goalIDs()))
			case in[goal] != "":
				f.problem(where, "goal %q is in step %q already", goal, in[goal])
			}
			in[goal] = s.ID
		}
		for j, h := range s.Hints {
			if h.Text.Empty() {
				f.problem(f.at("steps", strconv.Itoa(i), "hints", strconv.Itoa(j)), "a hint needs a text")
			}
			if h.Cost < 0 || h.Cost > 100 {
				f.problem(f.at("steps", strconv.Itoa(i), "hints", strconv.Itoa(j), "cost"), "cost %g: use 0 to 100 points", h.Cost)
			}
		}
	}
	for i, g := range f.raw.Goals {
		if in[g.ID] == "" && g.ID != "" {
			f.problem(f.at("goals", strconv.Itoa(i)), "no step has the goal %q", g.ID)
		}
	}
}

func (f *lessonFile) verifyScripts(out *Lesson) {
	if !slices.ContainsFunc(out.Solutions, func(s Script) bool { return s.Name == "main.sh" }) {
		f.loader.report(path.Join(f.dir, "solutions/main.sh"), "there is no such file; a lesson without a solution cannot be proved")
	}
	for _, s := range out.Mutants {
		if len(s.Fails) == 0 {
			f.loader.report(path.Join(f.dir, s.Path), "a mutant names what it fails: `# fails: GOAL: part of the message`")
		}
	}
	for _, s := range slices.Concat(out.Solutions, out.Mutants) {
		for _, a := range s.Answers {
			if g := out.Goal(a.Goal); g == nil || g.Check.Answer == nil {
				f.loader.report(path.Join(f.dir, s.Path), "goal %q is not a question to answer", a.Goal)
			}
		}
	}
}

// lessonNeeds holds the rules between lessons.
func (l *loader) lessonNeeds(p *Pack) {
	var ids []string
	needs := map[string][]string{}
	for _, t := range p.Tracks {
		ids = append(ids, t.Lessons...)
	}
	for _, lesson := range p.Lessons {
		needs[lesson.ID] = lesson.Needs
		for _, need := range lesson.Needs {
			if !slices.Contains(ids, need) {
				l.report("lessons/"+lesson.ID+"/lesson.yaml", "needs: there is no lesson %q%s", need, suggest(need, ids))
			}
		}
	}
	if cycle := findCycle(ids, func(id string) []string { return needs[id] }); cycle != nil {
		l.report("pack.yaml", "the lessons need each other in a circle: %s", strings.Join(cycle, " needs "))
	}
}

// findCycle is a way from something back to itself, or nil.
func findCycle(ids []string, needs func(string) []string) []string {
	done := map[string]bool{}
	var visit func(id string, way []string) []string
	visit = func(id string, way []string) []string {
		if i := slices.Index(way, id); i >= 0 {
			return append(slices.Clone(way[i:]), id)
		}
		if done[id] {
			return nil
		}
		for _, n := range needs(id) {
			if cycle := visit(n, append(way, id)); cycle != nil {
				return cycle
			}
		}
		done[id] = true
		return nil
	}
	for _, id := range ids {
		if cycle := visit(id, nil); cycle != nil {
			return cycle
		}
	}
	return nil
}

// EngineVersion is what a pack's `engine` is compared with.
const EngineVersion = "0.1.0"

// fits checks a version against conditions such as ">=0.1 <1", all of which must hold. No condition always holds.
func fits(conditions, version string) error {
	for _, c := range strings.Fields(conditions) {
		op := strings.TrimRight(c, "0123456789.")
		order, err := compareVersions(version, c[len(op):])
		if err != nil {
			return fmt.Errorf("engine %q: %w", conditions, err)
		}
		ok, known := map[string]bool{">=": order >= 0, ">": order > 0, "<=": order <= 0, "<": order < 0, "=": order == 0}[op]
		if !known {
			return fmt.Errorf("engine %q: write conditions such as \">=0.1 <1\"", conditions)
		}
		if !ok {
			return fmt.Errorf("this pack needs drydock %s; this is %s", conditions, version)
		}
	}
	return nil
}

func compareVersions(a, b string) (int, error) {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		var x, y int
		for _, part := range []struct {
			from []string
			to   *int
		}{{as, &x}, {bs, &y}} {
			if i >= len(part.from) {
				continue
			}
			n, err := strconv.Atoi(part.from[i])
			if err != nil {
				return 0, fmt.Errorf("%q is not a version", strings.Join(part.from, "."))
			}
			*part.to = n
		}
		if x != y {
			return x - y, nil
		}
	}
	return 0, nil
}
