package submission

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"drydock/lessons/journal"
)

// Unfold makes a folder as `drydock grade` reads it: for each lesson of a pack, the script that does the learner's work
// again, the answers, and the files that it needs. pack is the digest of the pack; "" takes every lesson.
func (f *File) Unfold(dir, pack string) error {
	root, err := openNew(dir)
	if err != nil {
		return fmt.Errorf("unfold the submission of %s: %w", f.Who(), err)
	}
	defer func() { _ = root.Close() }() // what was written is closed
	chain, err := journal.Read(bytes.NewReader(f.Journal))
	if err != nil {
		return err
	}
	for i := range f.About.Lessons {
		l := &f.About.Lessons[i]
		if pack != "" && l.PackDigest != pack {
			continue
		}
		if err := f.unfold(root, l, chain.Entries); err != nil {
			return fmt.Errorf("unfold the submission of %s to lesson %s: %w", f.Who(), l.Lesson, err)
		}
	}
	return nil
}

func openNew(dir string) (*os.Root, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return os.OpenRoot(dir)
}

// errLesson is the error of a lesson that cannot be a folder.
var errLesson = errors.New("this is no lesson's id")

func (f *File) unfold(root *os.Root, l *Lesson, entries []journal.Entry) error {
	if !fs.ValidPath(l.Lesson) || path.Base(l.Lesson) != l.Lesson || strings.HasPrefix(l.Lesson, ".") {
		return fmt.Errorf("%q: %w", l.Lesson, errLesson)
	}
	parts, place := map[string][]byte{}, map[string]string{}
	for i, name := range slices.Sorted(maps.Keys(f.Files)) {
		place[name] = fmt.Sprintf("files/%d", i)
		parts[place[name]] = f.Files[name]
	}
	script := f.script(l, entries, place)
	if script == "" && len(l.Answers) == 0 {
		return nil
	}
	parts["commands.sh"] = []byte(script)
	parts["objects"] = f.Objects[l.Lesson]
	parts["answers.txt"] = answers(during(entries, l.Attempt), l.Answers)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		full := filepath.Join(l.Lesson, filepath.FromSlash(name))
		if err := root.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			return err
		}
		if err := root.WriteFile(full, parts[name], 0o600); err != nil {
			return err
		}
	}
	return nil
}

// answers are the last ones given, in the order in which they were.
func answers(entries []journal.Entry, given map[string]string) []byte {
	var out bytes.Buffer
	order := map[string]int{}
	for _, e := range entries {
		if e.Kind == journal.Answered {
			order[e.Goal] = e.Number
		}
	}
	goals := slices.SortedFunc(maps.Keys(given), func(a, b string) int {
		return cmp.Or(cmp.Compare(order[a], order[b]), strings.Compare(a, b))
	})
	for _, goal := range goals {
		fmt.Fprintf(&out, "%s %s\n", goal, strings.ReplaceAll(given[goal], "\n", " "))
	}
	return out.Bytes()
}
