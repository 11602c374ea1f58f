package pack

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	yaml "sigs.k8s.io/yaml/goyaml.v3"
)

// privateDir holds what learners must not read. The student build leaves it out.
const privateDir = "private"

// rawPrivate is private/lessons/<id>.yaml: goals that only a grader's pack has. They are hidden whatever they say.
type rawPrivate struct {
	Step  string    `yaml:"step"` // the step they belong to; the last when left out
	Goals []rawGoal `yaml:"goals"`
}

// private adds the goals of the grader's part, if the pack has one.
func (f *lessonFile) private(id string) {
	file := path.Join(privateDir, "lessons", id+".yaml")
	data, err := f.read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return
	} else if err != nil {
		f.loader.report(file, "%v", err)
		return
	}
	d := &decoder{file: file, problems: f.problems(), drawn: map[*yaml.Node]bool{}, unsealed: f.loader.unsealed}
	root := d.parse(data)
	if root == nil {
		return
	}
	substituteNodes(root, f.values, d.drawn)
	var raw rawPrivate
	d.into(root, reflect.ValueOf(&raw).Elem())
	if len(f.raw.Steps) == 0 {
		return // verify says so
	}
	name := cmp.Or(raw.Step, f.raw.Steps[len(f.raw.Steps)-1].ID)
	at := slices.IndexFunc(f.raw.Steps, func(s Step) bool { return s.ID == name })
	if at < 0 {
		d.report(find(root, []string{"step"}), "there is no step %q", name)
		return
	}
	for _, g := range raw.Goals {
		g.Hidden = true
		f.raw.Goals = append(f.raw.Goals, g)
		f.raw.Steps[at].Goals = append(slices.Clip(f.raw.Steps[at].Goals), g.ID)
	}
}

// privateStrangers reports files of the private part that belong to no lesson.
func (l *loader) privateStrangers(p *Pack) {
	entries, err := fs.ReadDir(l.fsys, path.Join(privateDir, "lessons"))
	if err != nil {
		return // there are none
	}
	for _, e := range entries {
		id := strings.TrimSuffix(e.Name(), ".yaml")
		if id == e.Name() || !slices.ContainsFunc(p.Tracks, func(t Track) bool { return slices.Contains(t.Lessons, id) }) {
			l.report(path.Join(privateDir, "lessons", e.Name()), "expected the id of a lesson and .yaml")
		}
	}
}
