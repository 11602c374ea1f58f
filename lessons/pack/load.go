package pack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	yaml "sigs.k8s.io/yaml/goyaml.v3"

	"drydock/checks"
)

// rawLesson is lesson.yaml.
type rawLesson struct {
	ID       string      `yaml:"id"`
	Revision int         `yaml:"revision"`
	Title    checks.Text `yaml:"title"`
	Summary  checks.Text `yaml:"summary"`
	Concepts []string    `yaml:"concepts"`
	Needs    []string    `yaml:"needs"`
	Minutes  int         `yaml:"minutes"`
	Level    string      `yaml:"level"`

	Params map[string]Generator `yaml:"params"`
	World  rawWorld             `yaml:"world"`
	Steps  []Step               `yaml:"steps"`
	Goals  []rawGoal            `yaml:"goals"`
	Stuck  *Stuck               `yaml:"stuck"`
}

type rawWorld struct {
	Nodes     int           `yaml:"nodes"`
	Limits    Limits        `yaml:"limits"`
	Images    []string      `yaml:"images"`
	Manifests []string      `yaml:"manifests"`
	Files     []rawFile     `yaml:"files"`
	Until     []checks.Spec `yaml:"until"`
	Faults    []Fault       `yaml:"faults"`
}

type rawFile struct {
	Path    string `yaml:"path"`
	From    string `yaml:"from"`
	Content string `yaml:"content"`
	Mode    string `yaml:"mode"`
}

type rawGoal struct {
	ID     string       `yaml:"id"`
	Text   checks.Text  `yaml:"text"`
	Kind   GoalKind     `yaml:"kind"`
	Points *float64     `yaml:"points"`
	Needs  []string     `yaml:"needs"`
	Hidden bool         `yaml:"hidden"`
	Check  *checks.Spec `yaml:"check"`
	Settle rawSettle    `yaml:"settle"`
	Fail   failTexts    `yaml:"fail"`
	Show   []string     `yaml:"show"`
}

type rawSettle = checks.Settle

// lessonFile is one lesson being read.
type lessonFile struct {
	*loader
	*decoder
	dir    string
	root   *yaml.Node
	raw    rawLesson
	values map[string]string
}

// lesson reads a lesson's folder with its parameters drawn once, to see that it is whole.
func (l *loader) lesson(p *Pack, id string) *Lesson {
	before := len(l.problems)
	params := l.params(id)
	if len(l.problems) > before {
		return nil
	}
	draft := &Lesson{ID: id, Params: params, packID: p.ID}
	return l.build(p, id, draft.values(""))
}

// params reads only the parameters: their values are needed before anything else can be understood.
func (l *loader) params(id string) map[string]Generator {
	file := "lessons/" + id + "/lesson.yaml"
	data, err := l.read(file)
	if errors.Is(err, fs.ErrNotExist) {
		near := nearest(id, l.folders())
		l.meant = append(l.meant, near)
		at := l.tracks[id]
		l.problems = append(l.problems, Problem{"pack.yaml", at[0], at[1], "there is no file " + file + suggest(id, l.folders())})
		return nil
	} else if err != nil {
		l.report(file, "%v", err)
		return nil
	}
	d := &decoder{file: file, problems: &l.problems}
	root := d.parse(data)
	if root == nil {
		return nil
	}
	out := map[string]Generator{}
	d.pairs(root, func(key, value *yaml.Node) {
		if key.Value != "params" {
			return
		}
		d.into(value, reflect.ValueOf(&out).Elem())
		for name, g := range out {
			if !isID(name) {
				d.report(find(value, []string{name}), "parameter %q: %s", name, idRule)
			}
			if err := g.valid(); err != nil {
				d.report(find(value, []string{name}), "parameter %q: %v", name, err)
			}
		}
	})
	return out
}

// folders are the names below lessons/.
func (l *loader) folders() []string {
	entries, _ := fs.ReadDir(l.fsys, "lessons") // strangers reports an error
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

// build reads a lesson's folder with the values of its parameters.
func (l *loader) build(p *Pack, id string, values map[string]string) *Lesson {
	dir := "lessons/" + id
	data, err := l.read(dir + "/lesson.yaml")
	if err != nil {
		l.report(dir+"/lesson.yaml", "%v", err)
		return nil
	}
	f := &lessonFile{loader: l, dir: dir, values: values}
	f.decoder = &decoder{file: dir + "/lesson.yaml", problems: &l.problems, drawn: map[*yaml.Node]bool{}, unsealed: l.unsealed}
	if f.root = f.parse(data); f.root == nil {
		return nil
	}
	for i := 0; i+1 < len(f.root.Content); i += 2 {
		if f.root.Content[i].Value != "params" {
			substituteNodes(f.root.Content[i+1], values, f.drawn)
		}
	}
	f.raw = rawLesson{Revision: 1}
	f.into(f.root, reflect.ValueOf(&f.raw).Elem())
	f.private(id)
	out := &Lesson{
		ID: id, Revision: f.raw.Revision, Title: f.raw.Title, Summary: f.raw.Summary, Concepts: f.raw.Concepts,
		Needs: f.raw.Needs, Minutes: f.raw.Minutes, Level: f.raw.Level, Params: f.raw.Params, Steps: f.raw.Steps,
		Stuck: f.raw.Stuck, packID: p.ID, pack: p,
	}
	f.goals(out)
	f.world(out)
	f.texts(p, out)
	f.scripts(out)
	f.verify(p, out)
	return out
}

func (f *lessonFile) at(path ...string) *yaml.Node { return find(f.root, path) }

// problem reports a mistake at a place in lesson.yaml.
func (f *lessonFile) problem(n *yaml.Node, format string, args ...any) {
	f.decoder.report(n, format, args...)
}

func (f *lessonFile) goals(out *Lesson) {
	open, left := 0, 100.0
	for _, g := range f.raw.Goals {
		switch {
		case g.Kind == Guard || g.Kind == Bonus:
		case g.Points == nil:
			open++
		default:
			left -= *g.Points
		}
	}
	for _, g := range f.raw.Goals {
		goal := Goal{ID: g.ID, Text: g.Text, Kind: g.Kind, Needs: g.Needs, Hidden: g.Hidden, Settle: g.Settle, Fail: g.Fail}
		if goal.Kind == "" {
			goal.Kind = Do
		}
		if g.Check != nil {
			goal.Check = showing(*g.Check, g.Show)
		}
		switch {
		case g.Points != nil:
			goal.Points = *g.Points
		case goal.Kind == Do:
			goal.Points = left / float64(open)
		}
		out.Goals = append(out.Goals, goal)
	}
	if left < 0 || left > 0 && open == 0 && len(out.Goals) > 0 {
		f.problem(f.at("goals"), "the points of the goals that must be reached add up to %g; make it 100, or leave some out",
			100-left)
	}
}

// showing makes every question about objects in a check show these fields, unless it has its own.
func showing(s checks.Spec, fields []string) checks.Spec {
	if s.Object != nil && len(s.Object.Show) == 0 && len(fields) > 0 {
		object := *s.Object
		object.Show = fields
		s.Object = &object
	}
	inner := func(specs []checks.Spec) []checks.Spec {
		var out []checks.Spec
		for _, one := range specs {
			out = append(out, showing(one, fields))
		}
		return out
	}
	s.All, s.Any = inner(s.All), inner(s.Any)
	if s.Not != nil {
		not := showing(*s.Not, fields)
		s.Not = &not
	}
	return s
}

func (f *lessonFile) world(out *Lesson) {
	w := &out.World
	w.Nodes, w.Images, w.Until, w.Faults = f.raw.World.Nodes, f.raw.World.Images, f.raw.World.Until, f.raw.World.Faults
	f.limits(w)
	for i, name := range f.raw.World.Manifests {
		at := f.at("world", "manifests", strconv.Itoa(i))
		text, ok := f.file(at, name)
		if !ok {
			continue
		}
		w.Manifests = append(w.Manifests, Manifest{name, text})
		if _, err := Objects(text); err != nil {
			f.loader.report(path.Join(f.dir, name), "%v", err)
		}
	}
	for i, raw := range f.raw.World.Files {
		at := f.at("world", "files", strconv.Itoa(i))
		file := File{Path: raw.Path, Content: raw.Content, Mode: 0o644}
		if !fs.ValidPath(raw.Path) || raw.Path == "." {
			f.problem(at, "path %q: use a path below the learner's folder, without .. and without a leading slash", raw.Path)
		}
		if raw.Mode != "" {
			mode, err := strconv.ParseUint(raw.Mode, 8, 9)
			if err != nil {
				f.problem(at, `mode %q: use permissions in quotes, such as "0755"`, raw.Mode)
			}
			file.Mode = uint32(mode)
		}
		switch {
		case raw.From != "" && raw.Content != "":
			f.problem(at, "give either from or content")
		case raw.From != "":
			file.Content, _ = f.file(at, raw.From)
		}
		w.Files = append(w.Files, file)
	}
}

// file reads a file that lesson.yaml names, with the parameters put in.
func (f *lessonFile) file(at *yaml.Node, name string) (string, bool) {
	if !fs.ValidPath(name) {
		f.problem(at, "path %q: use a path within the lesson's folder", name)
		return "", false
	}
	data, err := f.read(path.Join(f.dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.problem(at, "there is no file %s", path.Join(f.dir, name))
		return "", false
	case err != nil:
		f.problem(at, "read %s: %v", path.Join(f.dir, name), err)
		return "", false
	}
	return substitute(string(data), f.values), true
}

func (f *lessonFile) scripts(out *Lesson) {
	out.Solutions = f.folder("solutions")
	out.Mutants = f.folder("mutants")
	slices.SortStableFunc(out.Solutions, func(a, b Script) int { return rank(a) - rank(b) })
}

// rank puts main.sh before the alternatives.
func rank(s Script) int {
	if s.Name == "main.sh" {
		return 0
	}
	return 1
}

func (f *lessonFile) folder(name string) []Script {
	entries, err := fs.ReadDir(f.fsys, path.Join(f.dir, name))
	if err != nil {
		return nil // verify says what must be there
	}
	var out []Script
	for _, e := range entries {
		file := path.Join(f.dir, name, e.Name())
		data, err := f.read(file)
		if err != nil {
			f.loader.report(file, "%v", err)
			continue
		}
		if path.Ext(e.Name()) != ".sh" {
			f.loader.report(file, "expected only scripts (*.sh) here")
			continue
		}
		s := Script{Name: e.Name(), Path: path.Join(name, e.Name()), Body: substitute(string(data), f.values)}
		f.header(file, &s)
		out = append(out, s)
	}
	return out
}

// header reads the comment lines at the top of a script.
func (f *lessonFile) header(file string, s *Script) {
	number := 0
	for line := range strings.Lines(s.Body) {
		number++
		text, comment := strings.CutPrefix(strings.TrimSpace(line), "#")
		if !comment && strings.TrimSpace(line) != "" {
			return
		}
		key, value, found := strings.Cut(strings.TrimSpace(text), ":")
		value = strings.TrimSpace(value)
		if !found {
			continue
		}
		switch key {
		case "about":
			s.About = strings.TrimSpace(s.About + " " + value)
		case "answer":
			goal, answer, _ := strings.Cut(value, " ")
			s.Answers = append(s.Answers, GivenAnswer{goal, strings.TrimSpace(answer)})
		case "fails":
			goal, message, _ := strings.Cut(value, ":")
			goal = strings.TrimSpace(goal)
			s.Fails = append(s.Fails, Failure{goal, strings.TrimSpace(message)})
			if !f.hasGoal(goal) {
				f.reportLine(file, number, "there is no goal %q%s", goal, suggest(goal, f.goalIDs()))
			}
			if strings.TrimSpace(message) == "" {
				*f.problems() = append(*f.problems(), Problem{file, number, 1, "write `# fails: GOAL: part of the message`"})
			}
		}
	}
}

func (f *lessonFile) problems() *Problems { return &f.loader.problems }

// Objects splits a manifest into its objects.
func Objects(manifest string) ([]map[string]any, error) {
	d := yaml.NewDecoder(strings.NewReader(manifest))
	var out []map[string]any
	for {
		var o map[string]any
		err := d.Decode(&o)
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("read a manifest: %s", strings.TrimPrefix(err.Error(), "yaml: "))
		case o == nil:
			continue // an empty document between two separators
		}
		meta, _ := o["metadata"].(map[string]any)
		name, _ := meta["name"].(string)
		if o["apiVersion"] == nil || o["kind"] == nil || name == "" {
			return nil, fmt.Errorf("object %d needs apiVersion, kind and metadata.name", len(out)+1)
		}
		out = append(out, o)
	}
}
