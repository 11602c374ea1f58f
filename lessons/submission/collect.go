package submission

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"drydock/lessons/journal"
	"drydock/lessons/progress"
)

// Source is where a learner's work lies.
type Source struct {
	Tool      string
	Lab       string
	Book      *progress.Book
	Journal   *journal.Journal // up to date
	Workspace string           // the learner's folder; "" when there is none
	Lessons   []string         // ids; every lesson that was opened in this lab when empty
}

// ErrNothing is the error of collecting where nothing was done.
var ErrNothing = errors.New("nothing was done of it in this lab")

// Collect gathers the work. Of several attempts at a lesson the last finished one counts, or else the last.
func Collect(s Source) (*File, error) {
	data, err := s.Journal.Bytes()
	if err != nil {
		return nil, err
	}
	chain, err := journal.Read(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	f := &File{Journal: data, Objects: map[string][]byte{}, Files: map[string][]byte{}}
	f.About = About{Format: Format, Tool: s.Tool, Learner: s.Journal.Learner(), Lab: s.Lab, Entries: len(chain.Entries), Head: chain.Head}
	if f.About.Name, err = s.Book.Name(); err != nil {
		return nil, err
	}
	for _, id := range s.lessons(chain.Entries) {
		if err := s.add(f, chain.Entries, id); err != nil {
			return nil, err
		}
	}
	if len(f.About.Lessons) == 0 {
		return nil, ErrNothing
	}
	return f, f.takeFiles(s.Workspace)
}

// lessons are the ids of those to collect, in the order in which they were first opened.
func (s Source) lessons(entries []journal.Entry) []string {
	if len(s.Lessons) > 0 {
		return s.Lessons
	}
	var out []string
	for _, e := range entries {
		if e.Kind == journal.Opened && !slices.Contains(out, e.Lesson) {
			out = append(out, e.Lesson)
		}
	}
	return out
}

// add collects one lesson.
func (s Source) add(f *File, entries []journal.Entry, id string) error {
	opened, ok := attemptAt(entries, id)
	if !ok {
		return fmt.Errorf("submit %s: %w", id, ErrNothing)
	}
	done, err := s.Book.Attempt(opened.Attempt)
	if err != nil {
		return err
	}
	l := Lesson{
		Lesson: id, Revision: opened.Revision, Pack: opened.Pack, PackDigest: opened.Digest, Seed: opened.Seed,
		Attempt: opened.Attempt, Opened: opened.Time, Finished: done.Done, Reached: done.Times, Answers: done.Answers,
	}
	for _, places := range done.Hints {
		l.Hints += len(places)
	}
	for _, e := range entries {
		if e.Kind == journal.Finished && e.Attempt == l.Attempt {
			l.Score = e.Place
		}
	}
	objects, err := s.Journal.Objects(l.Attempt)
	if err != nil {
		return fmt.Errorf("submit %s: %w", id, err)
	}
	if objects != nil {
		f.Objects[id] = objects
	}
	f.About.Lessons = append(f.About.Lessons, l)
	return nil
}

// attemptAt is the opening of the attempt that counts.
func attemptAt(entries []journal.Entry, lesson string) (journal.Entry, bool) {
	finished := map[string]bool{}
	for _, e := range entries {
		if e.Kind == journal.Finished {
			finished[e.Attempt] = true
		}
	}
	var out journal.Entry
	found := false
	for _, e := range entries {
		if e.Lesson != lesson || e.Kind != journal.Opened && e.Kind != journal.Reset {
			continue
		}
		if finished[e.Attempt] || !finished[out.Attempt] {
			out, found = e, true
		}
	}
	return out, found
}

// Limits of what is taken of the learner's folder: texts that a person wrote.
const (
	mostFiles = 150
	mostBytes = 2 << 20
	largest   = 256 << 10
)

// takeFiles takes the plain files of the learner's folder, as far as the limits allow, and names the rest.
func (f *File) takeFiles(workspace string) error {
	if workspace == "" {
		return nil
	}
	root, err := os.OpenRoot(workspace)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("open the learner's folder: %w", err)
	}
	defer func() { _ = root.Close() }() // only reads the folder
	total := 0
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != "." && strings.HasPrefix(path.Base(name), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil // settings and histories of programs
		case d.IsDir():
			return nil
		}
		size, reason := f.fits(d, total)
		if reason != "" {
			f.About.LeftOut = append(f.About.LeftOut, name+": "+reason)
			return nil
		}
		total += size
		f.Files[name], err = root.ReadFile(name)
		return err
	})
	if err != nil {
		return fmt.Errorf("take the files of the learner's folder: %w", err)
	}
	return nil
}

// fits says why a file is left out, or how large it is.
func (f *File) fits(d fs.DirEntry, total int) (size int, reason string) {
	info, err := d.Info()
	switch {
	case err != nil:
		return 0, err.Error()
	case !d.Type().IsRegular():
		return 0, "not a plain file"
	case info.Size() > largest:
		return 0, fmt.Sprintf("larger than %d KiB", largest>>10)
	case len(f.Files) == mostFiles:
		return 0, fmt.Sprintf("more than %d files", mostFiles)
	case total+int(info.Size()) > mostBytes:
		return 0, fmt.Sprintf("more than %d MiB altogether", mostBytes>>20)
	}
	return int(info.Size()), ""
}
