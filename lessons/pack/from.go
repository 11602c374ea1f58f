package pack

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	yaml "sigs.k8s.io/yaml/goyaml.v3"

	"drydock/checks"
)

// From writes a pack of one lesson, which is a copy of a lesson of another pack, into a folder, which must not be there
// yet. The folder's name becomes the pack's id. Who wrote the lesson and under which license stays written there. The lessons
// that it needs do not come along, and it needs them no more.
func From(dir string, p *Pack, lesson string) error {
	l := p.Lesson(lesson)
	if l == nil {
		var ids []string
		for _, one := range p.Lessons {
			ids = append(ids, one.ID)
		}
		return fmt.Errorf("there is no lesson %q%s", lesson, suggest(lesson, ids))
	}
	id, err := begin(dir)
	if err != nil {
		return err
	}
	return finish(dir, l.copyTo(dir, id))
}

func (l *Lesson) copyTo(dir, id string) error {
	about, err := l.packFile(id)
	if err != nil {
		return err
	}
	if err := write(dir, "pack.yaml", about); err != nil {
		return err
	}
	if hidden, err := fs.ReadFile(l.pack.fsys, path.Join(privateDir, "lessons", l.ID+".yaml")); err == nil { // learners' packs have none
		if err := write(dir, path.Join(privateDir, "lessons", l.ID+".yaml"), hidden); err != nil {
			return err
		}
	}
	files, err := fs.Sub(l.pack.fsys, path.Join("lessons", l.ID))
	if err != nil {
		return err
	}
	err = writeAll(filepath.Join(dir, "lessons", l.ID), files, func(name string, data []byte) []byte {
		if name == "lesson.yaml" {
			return withoutKey(data, "needs")
		}
		return data
	})
	if err != nil {
		return err
	}
	_, err = Open(dir)
	return err
}

// packFile is the pack.yaml of a pack of this lesson alone.
func (l *Lesson) packFile(id string) ([]byte, error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "# Made from the lesson %s of the pack %s %s.\n", l.ID, l.pack.ID, l.pack.Version)
	if len(l.Needs) > 0 {
		fmt.Fprintf(&out, "# There, learners have done before: %s.\n", strings.Join(l.Needs, ", "))
	}
	e := yaml.NewEncoder(&out)
	e.SetIndent(2)
	err := e.Encode(struct {
		Format    int         `yaml:"format"`
		ID        string      `yaml:"id"`
		Title     checks.Text `yaml:"title"`
		Version   string      `yaml:"version"`
		Engine    string      `yaml:"engine"`
		License   string      `yaml:"license,omitempty"`
		Authors   []string    `yaml:"authors,omitempty,flow"`
		Languages []string    `yaml:"languages,flow"`
		Policy    Policy      `yaml:"policy"`
		Images    []string    `yaml:"images,omitempty"`
		Tracks    []Track     `yaml:"tracks"`
	}{
		Format, id, l.Title, "0.1.0", cmp.Or(l.pack.Engine, ">=0.1 <1"), l.pack.License, l.pack.Authors, l.pack.Languages, Free,
		l.pack.Images,
		[]Track{{"main", l.Title, []string{l.ID}}},
	})
	if err != nil {
		return nil, err
	}
	return out.Bytes(), e.Close()
}

// withoutKey takes a key of the outermost mapping out of a YAML text and leaves everything else, comments too, as it is.
func withoutKey(text []byte, key string) []byte {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil || len(doc.Content) == 0 || doc.Content[0].Style == yaml.FlowStyle {
		return text // what cannot be mended is said when the copy is loaded
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	keys := doc.Content[0].Content
	for i := 0; i+1 < len(keys); i += 2 {
		if keys[i].Value != key {
			continue
		}
		end := len(lines)
		if i+2 < len(keys) {
			end = keys[i+2].Line - 1
			// A comment above the next key belongs to that.
			for end > keys[i].Line && bytes.HasPrefix(bytes.TrimSpace(lines[end-1]), []byte("#")) {
				end--
			}
		}
		return bytes.Join(append(lines[:keys[i].Line-1:keys[i].Line-1], lines[end:]...), nil)
	}
	return text
}
