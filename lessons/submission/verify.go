package submission

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"drydock/lessons/journal"
)

// Verify names everything in the file that does not fit together: the journal's own trouble, each with the entry at which
// it shows, then what the rest of the file says otherwise than the journal. Nothing is returned for a file that is whole.
func (f *File) Verify() []string {
	chain, err := journal.Read(bytes.NewReader(f.Journal))
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, found := range chain.Findings {
		out = append(out, "the journal does not hold: "+found.String())
	}
	out = append(out, f.verifyEnd(chain)...)
	out = append(out, f.verifyOwner(chain)...)
	if len(out) > 0 {
		return out // what follows would say the same in other words
	}
	out = f.verifyParts()
	for _, l := range f.About.Lessons {
		for _, what := range f.verifyLesson(l, chain.Entries) {
			out = append(out, "lesson "+l.Lesson+": "+what)
		}
	}
	return out
}

// verifyEnd: a journal that lost its end holds together by itself.
func (f *File) verifyEnd(chain journal.Chain) []string {
	switch {
	case len(chain.Findings) > 0:
		return nil
	case len(chain.Entries) < f.About.Entries || chain.Torn:
		return []string{fmt.Sprintf("the journal does not hold: entry %d: the journal ends with it, and %d entries were submitted",
			len(chain.Entries), f.About.Entries)}
	case len(chain.Entries) > f.About.Entries:
		return []string{fmt.Sprintf("the journal does not hold: entry %d: it was added after the submission", f.About.Entries+1)}
	case chain.Head != f.About.Head:
		return []string{fmt.Sprintf("the journal does not hold: entry %d: it is not the last that was submitted", len(chain.Entries))}
	}
	return nil
}

// verifyOwner: a whole journal of somebody else holds together too.
func (f *File) verifyOwner(chain journal.Chain) []string {
	if len(chain.Entries) == 0 {
		return []string{"the journal does not hold: entry 1: there is none"}
	}
	first := chain.Entries[0]
	if first.Learner != f.About.Learner || first.Lab != f.About.Lab {
		return []string{fmt.Sprintf("the journal does not hold: entry 1: it is the journal of learner %q in lab %q, and the submission is of %q in %q",
			first.Learner, first.Lab, f.About.Learner, f.About.Lab)}
	}
	return nil
}

func (f *File) verifyParts() []string {
	var out []string
	parts := f.parts()
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		switch digest, ok := f.About.Digests[name]; {
		case !ok:
			out = append(out, name+" was added after the submission")
		case digest != journal.Digest(parts[name]):
			out = append(out, name+" was changed after the submission")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.About.Digests)) {
		if _, ok := parts[name]; !ok {
			out = append(out, name+" was taken out after the submission")
		}
	}
	return out
}

// verifyLesson holds what is said of a lesson against the journal.
func (f *File) verifyLesson(l Lesson, entries []journal.Entry) []string {
	mine := during(entries, l.Attempt)
	if len(mine) == 0 {
		return []string{fmt.Sprintf("the journal knows no attempt %q", l.Attempt)}
	}
	opened := mine[0]
	var out []string
	if opened.Lesson != l.Lesson || opened.Pack != l.Pack || opened.Digest != l.PackDigest || opened.Revision != l.Revision || opened.Seed != l.Seed {
		out = append(out, fmt.Sprintf("it is not what entry %d opened", opened.Number))
	}
	if want := Seed(f.About.Learner, l.PackDigest); l.Seed != want {
		out = append(out, fmt.Sprintf("its parameters were drawn from %q, not from %q", l.Seed, want))
	}
	passed, kept := map[string]bool{}, ""
	for _, e := range mine {
		switch e.Kind {
		case journal.Verdict:
			passed[e.Goal] = passed[e.Goal] || e.Value == "pass"
		case journal.Kept:
			kept = e.Value
		}
	}
	for _, goal := range slices.Sorted(maps.Keys(l.Reached)) {
		if !passed[goal] {
			out = append(out, fmt.Sprintf("goal %s is said to be reached, and the journal never saw it", goal))
		}
	}
	if objects, ok := f.Objects[l.Lesson]; ok && journal.Digest(objects) != kept {
		out = append(out, "its objects are not those that the journal saw")
	}
	return out
}

// Seed is what draws the parameters of a pack's lessons for a learner.
func Seed(learner, packDigest string) string { return learner + "/" + packDigest }
