package pack

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"drydock/checks"
)

// Prose is the text of a lesson, by language.
type Prose map[string]Text

// Text is the prose of one language: what comes before the first step, and each step's part by id.
type Text struct {
	Intro string
	Steps map[string]StepText
	order []heading
}

// StepText is a step's title and its Markdown.
type StepText struct {
	Title    string
	Markdown string
}

type heading struct {
	id   string
	line int
}

// In is the prose in a language, or else in English, or else in any.
func (p Prose) In(lang string) Text {
	for _, l := range []string{lang, "en"} {
		if t, ok := p[l]; ok {
			return t
		}
	}
	for _, t := range p {
		return t
	}
	return Text{}
}

// stepHeading is "## Step: <id>", and behind it what a reader sees: "## Step: run — Start a pod".
var stepHeading = regexp.MustCompile(`^##\s+Step:\s+([a-z0-9][a-z0-9-]*)\s*[:—–-]?\s*(.*)$`)

// splitProse cuts Markdown at its step headings. Headings inside fenced code are code.
func splitProse(markdown string) Text {
	out := Text{Steps: map[string]StepText{}}
	current, title, fenced := "", "", false
	var part strings.Builder
	end := func() {
		body := strings.TrimSpace(part.String())
		part.Reset()
		if current == "" {
			out.Intro = withoutTitle(body)
			return
		}
		out.Steps[current] = StepText{Title: title, Markdown: body}
	}
	number := 0
	for line := range strings.Lines(markdown) {
		number++
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		m := stepHeading.FindStringSubmatch(strings.TrimRight(line, "\r\n"))
		if m == nil || fenced {
			part.WriteString(line)
			continue
		}
		end()
		current, title = m[1], strings.TrimSpace(m[2])
		out.order = append(out.order, heading{current, number})
	}
	end()
	return out
}

// withoutTitle leaves out a first "# …" line: the title is in lesson.yaml.
func withoutTitle(s string) string {
	if !strings.HasPrefix(s, "# ") {
		return s
	}
	_, rest, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(rest)
}

// localized is the name of a file in a language: lesson.md in the pack's first, lesson.ko.md in others.
func localized(p *Pack, name, lang string) string {
	if lang == p.Languages[0] {
		return name
	}
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + lang + ext
}

// texts reads the prose and the debrief in every language of the pack.
func (f *lessonFile) texts(p *Pack, out *Lesson) {
	out.Prose, out.Debrief = Prose{}, checks.Text{}
	for _, lang := range p.Languages {
		name := path.Join(f.dir, localized(p, "lesson.md", lang))
		data, err := f.read(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			f.loader.report(name, "there is no such file; the pack has the language %s", lang)
		case err != nil:
			f.loader.report(name, "%v", err)
		default:
			out.Prose[lang] = splitProse(substitute(string(data), f.values))
			f.headings(name, out.Prose[lang], string(data))
		}
		if data, err := f.read(path.Join(f.dir, localized(p, "debrief.md", lang))); err == nil {
			out.Debrief[lang] = strings.TrimSpace(substitute(string(data), f.values))
		}
	}
}

// headings compares the headings of a text, as it was written, with the steps of lesson.yaml.
func (f *lessonFile) headings(name string, text Text, markdown string) {
	seen := map[string]bool{}
	for _, h := range text.order {
		switch {
		case seen[h.id]:
			f.reportLine(name, h.line, "step %q has two headings", h.id)
		case !f.hasStep(h.id):
			f.reportLine(name, h.line, "lesson.yaml has no step %q%s", h.id, suggest(h.id, f.stepIDs()))
		}
		seen[h.id] = true
	}
	for _, s := range f.raw.Steps {
		if !seen[s.ID] && s.ID != "" {
			f.missingHeading(name, s.ID, markdown)
		}
	}
}

// missingHeading names the heading that was probably meant for a step: one that says its id.
func (f *lessonFile) missingHeading(name, step, markdown string) {
	number := 0
	for line := range strings.Lines(markdown) {
		number++
		line = strings.TrimSpace(line)
		words := strings.FieldsFunc(strings.ToLower(line), func(r rune) bool { return strings.ContainsRune(" #:—–", r) })
		if strings.HasPrefix(line, "#") && !stepHeading.MatchString(line) && slices.Contains(words, step) {
			f.reportLine(name, number, "there is no heading \"## Step: %s\"; this one says %q", step, line)
			return
		}
	}
	f.loader.report(name, "there is no heading \"## Step: %s\"", step)
}

func (f *lessonFile) stepIDs() []string {
	var out []string
	for _, s := range f.raw.Steps {
		out = append(out, s.ID)
	}
	return out
}

func (f *lessonFile) hasStep(id string) bool {
	for _, s := range f.raw.Steps {
		if s.ID == id {
			return true
		}
	}
	return false
}

func (f *lessonFile) reportLine(file string, line int, format string, args ...any) {
	f.loader.report(file, format, args...)
	last := &f.loader.problems[len(f.loader.problems)-1]
	last.Line, last.Column = line, 1
}

func suggest(word string, accepted []string) string {
	if near := nearest(word, accepted); near != "" {
		return "; did you mean \"" + near + "\"?"
	}
	return ""
}
