package journal_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/journal"
)

func open(t *testing.T, dir, learner string) *journal.Journal {
	t.Helper()
	j, err := journal.Open(dir, learner, "lab")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func typed(t *testing.T, j *journal.Journal, commands ...string) {
	t.Helper()
	for _, c := range commands {
		if err := j.Append(journal.Entry{Kind: journal.Typed, Value: c}); err != nil {
			t.Fatal(err)
		}
	}
}

// lines are those of a journal with four commands, behind the entry with which it begins.
func lines(t *testing.T, learner string) [][]byte {
	t.Helper()
	j := open(t, t.TempDir(), learner)
	typed(t, j, "one", "two", "three", "four")
	data, err := j.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(bytes.Lines(data))
}

func read(t *testing.T, lines [][]byte) journal.Chain {
	t.Helper()
	c, err := journal.Read(bytes.NewReader(bytes.Join(lines, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// values are what the entries tell.
func values(entries []journal.Entry) []string {
	var out []string
	for _, e := range entries {
		if e.Kind == journal.Typed {
			out = append(out, e.Value)
		}
	}
	return out
}

func TestWhole(t *testing.T) {
	c := read(t, lines(t, "kim"))
	if diff := cmp.Diff([]string{"one", "two", "three", "four"}, values(c.Entries)); diff != "" || len(c.Findings) > 0 || c.Torn {
		t.Errorf("findings %v, torn %v (-want +got):\n%s", c.Findings, c.Torn, diff)
	}
	for i, e := range c.Entries {
		if e.Number != i+1 || e.Learner != "kim" || e.Lab != "lab" || e.Time.IsZero() {
			t.Errorf("entry %d: %+v", i+1, e)
		}
	}
}

// Every way to forge a journal is named with the entry at which it shows.
func TestForged(t *testing.T) {
	for name, test := range map[string]struct {
		forge func(l [][]byte) [][]byte
		want  string
	}{
		"changed": {func(l [][]byte) [][]byte {
			l[2] = bytes.Replace(l[2], []byte("two"), []byte("TWO"), 1)
			return l
		}, "entry 3: it was changed after it was written"},
		"changed, with a new sum": {func(l [][]byte) [][]byte {
			l[2] = resigned(bytes.Replace(l[2], []byte("two"), []byte("TWO"), 1))
			return l
		}, "entry 4: it does not follow the entry before it"},
		"cut in the middle": {func(l [][]byte) [][]byte { return slices.Delete(l, 2, 4) }, "entry 3: it is number 5: numbers 3 to 4 before it were cut out"},
		"cut at the start":  {func(l [][]byte) [][]byte { return l[2:] }, "entry 1: the journal begins with number 3"},
		"reordered": {func(l [][]byte) [][]byte {
			l[2], l[3] = l[3], l[2]
			return l
		}, "entry 3: it is number 4 and stands in the place of number 3: the order was changed"},
		"doubled":                           {func(l [][]byte) [][]byte { return slices.Insert(l, 3, l[2]) }, "entry 4: it is number 3 and stands in the place of number 4"},
		"unreadable":                        {func(l [][]byte) [][]byte { l[3] = []byte("four\n"); return l }, "entry 4: it cannot be read"},
		"spliced from another learner":      {func(l [][]byte) [][]byte { l[3] = lines(t, "lee")[3]; return l }, `entry 4: it comes from another journal, of learner "lee"`},
		"spliced from the same learner":     {func(l [][]byte) [][]byte { l[3] = lines(t, "kim")[3]; return l }, "entry 4: it does not follow the entry before it"},
		"the end of another learner's work": {func(l [][]byte) [][]byte { return append(l[:3], lines(t, "lee")[3:]...) }, `entry 4: it comes from another journal, of learner "lee"`},
	} {
		t.Run(name, func(t *testing.T) {
			c := read(t, test.forge(lines(t, "kim")))
			if len(c.Findings) == 0 || !strings.HasPrefix(c.Findings[0].String(), test.want) {
				t.Errorf("findings %v, want first %q", c.Findings, test.want)
			}
		})
	}
}

// resigned is a line with the sum of what it says now.
func resigned(line []byte) []byte {
	_, text, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	return journal.Line(text)
}

// Cut at every byte of its last line, a journal is whole up to the entry before, and goes on.
func TestTornTail(t *testing.T) {
	all := lines(t, "kim")
	before, last := bytes.Join(all[:4], nil), all[4]
	for cut := range last {
		dir := t.TempDir()
		open(t, dir, "kim") // makes the folders
		if err := os.WriteFile(journal.Path(dir, "kim", "lab"), append(slices.Clone(before), last[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		typed(t, open(t, dir, "kim"), "five")
		data, err := os.ReadFile(journal.Path(dir, "kim", "lab"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := journal.Read(bytes.NewReader(data))
		if diff := cmp.Diff([]string{"one", "two", "three", "five"}, values(c.Entries)); err != nil || diff != "" || len(c.Findings) > 0 || c.Torn {
			t.Fatalf("cut at %d: %v, findings %v (-want +got):\n%s", cut, err, c.Findings, diff)
		}
	}
	if c := read(t, append(all[:4], last[:9])); !c.Torn || len(c.Findings) > 0 {
		t.Errorf("torn %v, findings %v", c.Torn, c.Findings)
	}
}

// A damaged last line is not hidden by what is written behind it.
func TestGoesOnBehindDamage(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir, "kim")
	typed(t, j, "one", "two")
	data, err := j.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(journal.Path(dir, "kim", "lab"), bytes.Replace(data, []byte("two"), []byte("TWO"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir, "kim")
	typed(t, again, "three")
	data, err = again.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	c, err := journal.Read(bytes.NewReader(data))
	if err != nil || len(c.Findings) != 1 || c.Findings[0].Entry != 3 {
		t.Errorf("%v, findings %v, want one at entry 3", err, c.Findings)
	}
}

func TestTwoAtOnce(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir, "kim"), open(t, dir, "kim")
	const each = 40
	var done sync.WaitGroup
	for i, j := range []*journal.Journal{a, b} {
		done.Go(func() {
			for n := range each {
				if err := j.Append(journal.Entry{Kind: journal.Typed, Value: fmt.Sprintf("%d-%d", i, n)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	data, err := a.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	c, err := journal.Read(bytes.NewReader(data))
	if err != nil || len(c.Findings) > 0 || len(c.Entries) != 2*each+1 {
		t.Errorf("%v: %d entries, findings %v", err, len(c.Entries), c.Findings)
	}
}

// Whatever a journal holds, it is read without a panic, and one that is appended to goes on.
func FuzzRead(f *testing.F) {
	f.Add([]byte("0 {}\n"))
	f.Add([]byte("\n\n{\"n\":"))
	f.Add(journal.Line([]byte(`{"n":1,"kind":"begun"}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := journal.Read(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range c.Findings {
			if found.Entry < 1 || found.What == "" {
				t.Errorf("finding %+v", found)
			}
		}
		dir := t.TempDir()
		open(t, dir, "kim")
		if err := os.WriteFile(journal.Path(dir, "kim", "lab"), data, 0o600); err != nil {
			t.Fatal(err)
		}
		typed(t, open(t, dir, "kim"), "last")
		entries, err := open(t, dir, "kim").Entries()
		if err != nil || len(entries) == 0 || entries[len(entries)-1].Value != "last" {
			t.Errorf("%v: the last entry is gone", err)
		}
	})
}
