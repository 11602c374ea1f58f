package pack

import (
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
)

// Difference is what changed between two versions of a pack.
type Difference struct {
	Lesson string `json:"lesson,omitempty"` // "" is the pack as a whole
	What   string `json:"what"`
	Stale  bool   `json:"stale,omitempty"`   // results of learners no longer count as the present revision's
	Beware bool   `json:"warning,omitempty"` // the author may have forgotten something
}

// Diff says what changed from one version to another, in the order of the newer one.
func Diff(older, newer *Pack) []Difference {
	var out []Difference
	say := func(lesson, format string, args ...any) {
		out = append(out, Difference{Lesson: lesson, What: fmt.Sprintf(format, args...)})
	}
	if older.ID != newer.ID {
		say("", "another pack: %s, before %s", newer.ID, older.ID)
	}
	if older.Version != newer.Version {
		say("", "version %s, before %s", newer.Version, older.Version)
	} else if older.Digest != newer.Digest {
		out = append(out, Difference{What: "the content changed and the version did not", Beware: true})
	}
	if older.Policy != newer.Policy {
		say("", "policy %s, before %s", newer.Policy, older.Policy)
	}
	for _, l := range newer.Lessons {
		before := older.Lesson(l.ID)
		if before == nil {
			say(l.ID, "is new")
			continue
		}
		out = append(out, lessonDiff(older, newer, before, l)...)
	}
	for _, l := range older.Lessons {
		if newer.Lesson(l.ID) == nil {
			out = append(out, Difference{Lesson: l.ID, What: "is gone", Stale: true})
		}
	}
	return out
}

func lessonDiff(older, newer *Pack, a, b *Lesson) []Difference {
	var out []Difference
	graded := false
	for _, g := range b.Goals {
		before := a.Goal(g.ID)
		switch {
		case before == nil:
			out = append(out, Difference{Lesson: b.ID, What: "goal " + g.ID + " is new"})
			graded = true
		case !reflect.DeepEqual(before.Check, g.Check) || before.Settle != g.Settle || !slices.Equal(before.Needs, g.Needs) || before.Kind != g.Kind:
			out = append(out, Difference{Lesson: b.ID, What: "goal " + g.ID + " asks something else"})
			graded = true
		case before.Points != g.Points:
			out = append(out, Difference{Lesson: b.ID, What: fmt.Sprintf("goal %s is worth %.4g, before %.4g", g.ID, g.Points, before.Points)})
			graded = true
		}
	}
	for _, g := range a.Goals {
		if b.Goal(g.ID) == nil {
			out = append(out, Difference{Lesson: b.ID, What: "goal " + g.ID + " is gone"})
			graded = true
		}
	}
	if !reflect.DeepEqual(a.World, b.World) || !reflect.DeepEqual(a.Params, b.Params) {
		out = append(out, Difference{Lesson: b.ID, What: "begins from another world"})
		graded = true
	}
	if len(out) == 0 && folderDigest(older.fsys, a.ID) != folderDigest(newer.fsys, b.ID) {
		out = append(out, Difference{Lesson: b.ID, What: "texts changed"})
	}
	switch {
	case a.Revision != b.Revision:
		out = append(out, Difference{Lesson: b.ID, What: fmt.Sprintf("revision %d, before %d", b.Revision, a.Revision), Stale: true})
	case graded:
		out = append(out, Difference{Lesson: b.ID, What: "what is graded changed, and the revision did not: old results count as if nothing had", Beware: true})
	}
	return out
}

// folderDigest is a hash over a lesson's files; "" when they cannot be read.
func folderDigest(fsys fs.FS, lesson string) string {
	sub, err := fs.Sub(fsys, path.Join("lessons", lesson))
	if err != nil {
		return ""
	}
	digest, err := digestOf(sub)
	if err != nil {
		return ""
	}
	return digest
}
