package grade

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"drydock/lessons/pack"
)

// Submission is the folder of one learner.
type Submission struct {
	Learner string
	Dir     string
	Seeds   string // the id that draws the learner's parameters, when it is another than Learner
	Refused string // why nothing of it is replayed: it was forged, or cannot be read
	Paced   bool   // its scripts wait for goals: those that were reached are written beside them
}

// ErrNone is the error of a folder without submissions.
var ErrNone = errors.New("there is no folder in it, and no file of `drydock submit`; make a folder for each learner")

// Find lists the submissions in a folder: each folder in it is a learner's.
func Find(dir string) ([]Submission, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for submissions: %w", err)
	}
	var out []Submission
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			out = append(out, Submission{Learner: e.Name(), Dir: filepath.Join(dir, e.Name())})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("look for submissions in %s: %w", dir, ErrNone)
	}
	return out, nil
}

// Limits of a submission to one lesson.
const (
	mostFiles = 200
	mostBytes = 4 << 20
)

// work is what a learner handed in for one lesson.
type work struct {
	files   []file // in the order in which they are replayed
	answers []pack.GivenAnswer
	digest  string
}

type file struct {
	name string
	data []byte
}

// read takes the files of a folder. A folder that is not there is empty work. The error is the learner's.
func read(dir string) (work, error) {
	var w work
	root, err := os.OpenRoot(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return w, nil
	} else if err != nil {
		return w, err
	}
	defer func() { _ = root.Close() }() // only reads it
	total, sum := 0, sha256.New()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is not a plain file", name)
		case len(w.files) == mostFiles:
			return fmt.Errorf("there are more than %d files", mostFiles)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if total += int(info.Size()); info.Size() > mostBytes || total > mostBytes {
			return fmt.Errorf("the files are larger than %d MiB", mostBytes>>20)
		}
		data, err := root.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(sum, "%d %s %d\n%s", len(name), name, len(data), data)
		w.files = append(w.files, file{name, data})
		return nil
	})
	if len(w.files) > 0 {
		w.digest = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	}
	slices.SortFunc(w.files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	for _, f := range w.files {
		w.answers = append(w.answers, answersIn(f)...)
	}
	return w, err
}

// answersIn reads answers to questions: "# answer: GOAL VALUE" in a script, "GOAL VALUE" in answers.txt.
func answersIn(f file) []pack.GivenAnswer {
	var out []pack.GivenAnswer
	for line := range strings.Lines(string(f.data)) {
		line = strings.TrimSpace(line)
		if path.Base(f.name) != "answers.txt" {
			rest, ok := strings.CutPrefix(line, "# answer:")
			if !ok || path.Ext(f.name) != ".sh" {
				continue
			}
			line = strings.TrimSpace(rest)
		}
		if goal, value, ok := strings.Cut(line, " "); ok {
			out = append(out, pack.GivenAnswer{Goal: goal, Value: strings.TrimSpace(value)})
		}
	}
	return out
}

// aside is where a paced submission lies in the lab's workspace: its script puts what it needs in place itself.
const aside = "submission"

// folder is where the submission lies in the lab's workspace, and where its scripts run: with the files of the lesson's
// world, as the learner had them. A file of theirs takes the place of the world's file of the same name.
func (s Submission) folder() string {
	if s.Paced {
		return aside
	}
	return "."
}

// errPlace is the error of files that cannot lie where the world has others. It is the learner's.
var errPlace = errors.New("the lesson has something else of that name")

// place writes the files into a folder of a lab's workspace.
func (w work) place(workspace, folder string) error {
	root, err := os.OpenRoot(workspace)
	if err != nil {
		return fmt.Errorf("put the submission into the lab: %w", err)
	}
	defer func() { _ = root.Close() }() // what was written is closed
	for _, f := range w.files {
		name := path.Join(folder, f.name)
		err := root.MkdirAll(path.Dir(name), 0o755)
		if err == nil {
			err = root.WriteFile(name, f.data, 0o755)
		}
		switch {
		case errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENOTDIR), errors.Is(err, fs.ErrExist):
			return fmt.Errorf("%s: %w", f.name, errPlace)
		case err != nil:
			return fmt.Errorf("put the submission into the lab: %w", err)
		}
	}
	return nil
}

// script replays the files in order, in that folder. One that fails does not keep the next from its turn.
func (w work) script(folder string) string {
	var out strings.Builder
	out.WriteString("cd " + folder + " || exit 1\n")
	for _, f := range w.files {
		name := "./" + strings.ReplaceAll(f.name, "'", `'\''`)
		var command string
		switch path.Ext(f.name) {
		case ".yaml", ".yml", ".json":
			command = "kubectl apply -f '" + name + "'"
		case ".sh":
			command = "sh '" + name + "'"
		default:
			continue
		}
		fmt.Fprintf(&out, "echo '== %s'\n%s || echo \"== it ended with code $?\"\n", strings.ReplaceAll(f.name, "'", "_"), command)
	}
	return out.String()
}
