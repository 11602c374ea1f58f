package pack

import (
	"path"
	"regexp"
	"slices"
	"strings"

	yaml "sigs.k8s.io/yaml/goyaml.v3"
)

// What the prose tells the learner to type must be about something: a name that is in no manifest, file, goal and script
// of the lesson is a slip of the hand, or a leftover.

// prose looks at the commands of the lesson's text, in every language.
func (l *linter) prose(lesson *Lesson) {
	known := lesson.everyWord()
	for _, lang := range l.pack.Languages {
		text := lesson.Prose[lang]
		file := path.Join("lessons", lesson.ID, localized(l.pack, "lesson.md", lang))
		for _, name := range lesson.undeclaredIn(text, lesson.Debrief[lang]) {
			l.problems = append(l.problems, Problem{File: file, Message: "{{" + name + "}} is not a parameter" + suggest(name, lesson.paramNames())})
		}
		said := map[string]bool{}
		for _, part := range text.parts() {
			for _, command := range codeLines(part) {
				for _, name := range objectNames(command) {
					if base := ordinal.ReplaceAllString(name, ""); !said[name] && !strings.Contains(known, base) && !created(text, base) {
						said[name] = true
						l.problems = append(l.problems, Problem{
							File:    file,
							Message: "`" + command + "` names " + name + ", which is in no manifest, file, goal or solution of the lesson",
						})
					}
				}
			}
		}
	}
}

// parts are the intro and the steps, in order.
func (t Text) parts() []string {
	out := []string{t.Intro}
	for _, h := range t.order {
		out = append(out, t.Steps[h.id].Markdown)
	}
	return out
}

func (l *Lesson) undeclaredIn(text Text, debrief string) []string {
	return l.undeclared(strings.Join(append(text.parts(), debrief), "\n"))
}

func (l *Lesson) paramNames() []string {
	var out []string
	for name := range l.Params {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// everyWord is all that the lesson says of its world beside the prose.
func (l *Lesson) everyWord() string {
	var out strings.Builder
	for _, m := range l.World.Manifests {
		out.WriteString(m.Content + "\n")
	}
	for _, f := range l.World.Files {
		out.WriteString(f.Path + "\n" + f.Content + "\n")
	}
	for _, s := range slices.Concat(l.Solutions, l.Mutants) {
		out.WriteString(s.Body + "\n")
	}
	for _, part := range []any{l.Goals, l.World.Until, l.Stuck, l.Steps} {
		raw, _ := yaml.Marshal(part) // made of what was read from YAML
		out.Write(raw)
	}
	return out.String()
}

// codeLines are the commands in a text: the lines of its fenced blocks that begin with kubectl, without a prompt.
func codeLines(markdown string) []string {
	var out []string
	fenced := false
	for line := range strings.Lines(markdown) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		line = strings.TrimPrefix(strings.TrimPrefix(line, "$ "), "drydock ")
		if fenced && strings.HasPrefix(line, "kubectl ") {
			out = append(out, line)
		}
	}
	return out
}

// Verbs of kubectl by how they name objects: KIND NAME… or KIND/NAME; a pod's name alone; a word between.
var (
	onObjects = []string{"get", "describe", "delete", "edit", "scale", "expose", "label", "annotate", "patch", "wait", "autoscale"}
	onPods    = []string{"logs", "exec", "attach", "port-forward"}
	between   = []string{"rollout", "set"}
	takeValue = []string{"-n", "-l", "-o", "-c", "-f", "-p", "-L", "--namespace", "--selector", "--output", "--container", "--patch", "--type", "--for", "--tail"}
	ordinal   = regexp.MustCompile(`-[0-9]+$`) // of a pod of a StatefulSet
	plainName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
)

// everyCluster are names that are there without any lesson.
var everyCluster = regexp.MustCompile(`^(node-\d+|kube-.*|system-.*|coredns|kubernetes|default)$`)

// objectNames are the names of objects in a command, as far as they are plain: no variables, no placeholders.
func objectNames(command string) []string {
	words := arguments(command)
	if len(words) < 3 {
		return nil
	}
	verb, rest := words[1], words[2:]
	if slices.Contains(between, verb) {
		verb, rest = "get", rest[1:]
	}
	var out []string
	switch {
	case slices.Contains(onObjects, verb):
		for i, word := range rest {
			if strings.Contains(word, "=") {
				break // labels and annotations to set
			}
			if _, name, ok := strings.Cut(word, "/"); ok {
				out = append(out, name)
			} else if i > 0 && !strings.Contains(rest[0], "/") {
				out = append(out, word)
			}
		}
	case slices.Contains(onPods, verb) && len(rest) > 0:
		_, name, ok := strings.Cut(rest[0], "/")
		if !ok {
			name = rest[0]
		}
		out = append(out, name)
	}
	return slices.DeleteFunc(out, func(name string) bool {
		return !plainName.MatchString(name) || everyCluster.MatchString(name)
	})
}

// arguments are the words of a simple command without its flags, up to a pipe, a redirection or the end of kubectl's own.
func arguments(command string) []string {
	var out []string
	skip := false
	for _, word := range strings.Fields(command) {
		switch {
		case skip:
			skip = false
		case word == "--" || strings.ContainsAny(word, "|;&<>#"):
			return out
		case strings.HasPrefix(word, "-"):
			skip = slices.Contains(takeValue, word)
		default:
			out = append(out, strings.TrimSuffix(word, `\`))
		}
	}
	return out
}

// created reports whether a command of the prose makes an object of that name.
func created(text Text, name string) bool {
	for _, part := range text.parts() {
		for _, command := range codeLines(part) {
			words := arguments(command)
			if len(words) > 2 && slices.Contains([]string{"create", "run", "expose", "apply", "debug", "cp"}, words[1]) &&
				(slices.Contains(words[2:], name) || strings.Contains(command, "--name="+name)) {
				return true
			}
		}
	}
	return false
}
