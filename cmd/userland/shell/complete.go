package shell

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shellWords are builtins worth completing.
var shellWords = []string{"alias", "cd", "command", "eval", "exec", "exit", "export", "fg", "history", "jobs", "local", "read", "readonly", "return", "set", "shift", "source", "trap", "type", "umask", "unalias", "unset", "wait"}

// complete lists what the word before the cursor may become: a command in the first place, $NAME, a file anywhere else.
func (s *shell) complete(line string, cursor int) (start int, words []string) {
	start = strings.LastIndexAny(line[:cursor], " \t|;&<>(`=") + 1
	word := line[start:cursor]
	before := strings.TrimRight(line[:start], " \t")
	first := before == "" || strings.ContainsAny(before[len(before)-1:], "|;&(`") || strings.HasSuffix(before, " do") || strings.HasSuffix(before, " then")
	switch {
	case strings.HasPrefix(word, "$"):
		return start, s.variableNames(word[1:])
	case first && !strings.Contains(word, "/"):
		return start, s.commandNames(word)
	default:
		return start, s.files(word)
	}
}

func (s *shell) variableNames(prefix string) []string {
	var words []string
	for name := range s.runner.Vars {
		if strings.HasPrefix(name, prefix) {
			words = append(words, "$"+name)
		}
	}
	return words
}

func (s *shell) commandNames(prefix string) []string {
	found := map[string]bool{}
	add := func(name string) {
		if strings.HasPrefix(name, prefix) {
			found[name+" "] = true
		}
	}
	for _, name := range slices.Concat(shellWords, s.programs) {
		add(name)
	}
	for name := range s.runner.Funcs {
		add(name)
	}
	for _, dir := range filepath.SplitList(s.variable("PATH")) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // PATH may name what is not there
		}
		for _, e := range entries {
			add(e.Name())
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func (s *shell) files(word string) []string {
	dir, prefix := word[:strings.LastIndexByte(word, '/')+1], word[strings.LastIndexByte(word, '/')+1:]
	real := dir
	if home := s.variable("HOME"); strings.HasPrefix(dir, "~/") && home != "" {
		real = home + dir[1:]
	}
	entries, err := os.ReadDir(inDir(s.runner.Dir, real))
	if err != nil {
		return nil
	}
	var words []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || prefix == "" && strings.HasPrefix(e.Name(), ".") {
			continue
		}
		end := " "
		if info, err := os.Stat(filepath.Join(inDir(s.runner.Dir, real), e.Name())); err == nil && info.IsDir() {
			end = "/"
		}
		words = append(words, dir+e.Name()+end)
	}
	return words
}
