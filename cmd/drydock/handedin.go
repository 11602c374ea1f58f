package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"drydock/lessons/grade"
	"drydock/lessons/pack"
	"drydock/lessons/submission"
)

// fileEnds are how the files are called that `drydock submit` writes.
var fileEnds = []string{".tar.gz", ".tgz"}

// handedIn lists what lies in a folder: plain folders, and files of `drydock submit`, which are unfolded below another.
func handedIn(dir, unfolded string, p *pack.Pack) ([]grade.Submission, error) {
	out, err := grade.Find(dir)
	if err != nil && !errors.Is(err, grade.ErrNone) {
		return nil, err
	}
	entries, readErr := os.ReadDir(dir)
	if readErr != nil {
		return nil, fmt.Errorf("look for submissions: %w", readErr)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") ||
			!slices.ContainsFunc(fileEnds, func(end string) bool { return strings.HasSuffix(e.Name(), end) }) {
			continue
		}
		out = append(out, unfold(filepath.Join(dir, e.Name()), unfolded, p))
	}
	if len(out) == 0 {
		return nil, err
	}
	return distinct(out), nil
}

// unfold reads one file. Whatever is wrong with it becomes the row of whoever handed it in.
func unfold(name, unfolded string, p *pack.Pack) grade.Submission {
	work, err := readSubmission(name)
	if err != nil {
		return grade.Submission{Learner: filepath.Base(name), Refused: fmt.Sprint("the file cannot be read: ", errors.Unwrap(err))}
	}
	s := grade.Submission{Learner: work.About.Learner, Seeds: work.About.Learner, Paced: true}
	if work.About.Name != "" {
		s.Learner = work.About.Name
	}
	if !printable(s.Learner) {
		s.Learner = filepath.Base(name)
	}
	sum := sha256.Sum256([]byte(name))
	s.Dir = filepath.Join(unfolded, hex.EncodeToString(sum[:8]))
	switch what := work.Verify(); {
	case len(what) > 0:
		s.Refused = what[0]
	case otherVersion(work, p):
		s.Refused = "it was done with another version of the pack"
	default:
		if err := work.Unfold(s.Dir, p.Digest); err != nil {
			s.Refused = err.Error()
		}
	}
	return s
}

// printable reports whether a name from outside can stand in a row and be the name of a folder.
func printable(name string) bool {
	return name != "" && !strings.HasPrefix(name, ".") && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '/' || !unicode.IsPrint(r)
	})
}

// otherVersion reports whether a file holds work on a pack of the same name only.
func otherVersion(work *submission.File, p *pack.Pack) bool {
	of := func(l submission.Lesson) bool { return l.Pack == p.ID }
	return slices.ContainsFunc(work.About.Lessons, of) &&
		!slices.ContainsFunc(work.About.Lessons, func(l submission.Lesson) bool { return l.PackDigest == p.Digest })
}

// distinct gives rows of the same name a number: two people may have one, and one may hand in twice.
func distinct(all []grade.Submission) []grade.Submission {
	seen := map[string]int{}
	for i, s := range all {
		seen[s.Learner]++
		if n := seen[s.Learner]; n > 1 {
			if all[i].Seeds == "" {
				all[i].Seeds = s.Learner
			}
			all[i].Learner = fmt.Sprintf("%s #%d", s.Learner, n)
		}
	}
	return all
}

// hiddenFolders are those of some paths: a submission must not see them.
func hiddenFolders(paths ...string) []string {
	var out []string
	for _, name := range paths {
		path, err := filepath.Abs(name)
		if err != nil || name == "" {
			continue
		}
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			path = filepath.Dir(path) // the folder of a built pack
		}
		out = append(out, path)
	}
	return out
}
