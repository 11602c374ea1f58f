package course_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/course"
	"drydock/lessons/journal"
)

// tale is the journal without times and numbers.
func tale(t *testing.T, j *journal.Journal) []string {
	t.Helper()
	data, err := j.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	chain, err := journal.Read(bytes.NewReader(data))
	if err != nil || len(chain.Findings) > 0 {
		t.Fatalf("%v, findings %v", err, chain.Findings)
	}
	var out []string
	for _, e := range chain.Entries {
		out = append(out, strings.Join(strings.Fields(string(e.Kind)+" "+e.Lesson+" "+e.Goal+" "+e.Step+" "+e.Value), " "))
	}
	return out
}

func (c *class) write(name, text string) {
	c.t.Helper()
	f, err := os.OpenFile(filepath.Join(c.cfg.Workspace, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

// Everything a learner does is in the journal, once, also when the program is started again.
func TestJournal(t *testing.T) {
	c := begin(t, "free")
	j, err := journal.Open(t.TempDir(), "kim", "default")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	c.cfg.Journal, c.cfg.Notes = j, filepath.Join(c.cfg.Workspace, "audit.jsonl")
	c.restart()
	ctx := context.Background()
	c.open("pod")
	c.write("audit.jsonl", `{"id":"a"}`+"\n"+`{"time":"2030-03-17T17:46:39Z","object":{"resource":"pods","namespace":"default","name":"web"},"action":"Create","user":"kim","client":"kubectl"}`+"\n")
	c.write(".bash_history", "#1900000000\nkubectl run web\n#1900000002\nfor i in 1 2\ndo echo $i; done\n")
	c.api.Set(web)
	c.expect(m{"ready": course.Done})
	if _, err := c.Hint(ctx, "run", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Answer(ctx, "why", "magic"); err != nil {
		t.Fatal(err)
	}
	c.restart()
	if err := c.Resume(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CheckNow(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.PutAside(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Restored("before"); err != nil {
		t.Fatal(err)
	}
	if err := c.Reset(ctx); err != nil {
		t.Fatal(err)
	}
	got := tale(t, j)
	for i, line := range got {
		if strings.HasPrefix(line, "kept ") {
			got[i] = "kept"
		}
	}
	want := []string{
		"begun", "opened pod", "wrote create pods/default/web with kubectl", "typed kubectl run web",
		"typed for i in 1 2 do echo $i; done", "verdict pod ready pass", "hinted pod run", "answered pod why magic", "verdict pod why fail",
		"kept", "restored before", "reset pod",
	}
	// The guard's verdict comes whenever it is first asked, and the Course from before the restart sees the world go.
	got = slices.DeleteFunc(got, func(l string) bool {
		return strings.HasPrefix(l, "verdict pod keep") || strings.HasPrefix(l, "verdict pod gone")
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	entries, err := j.Entries()
	if err != nil {
		t.Fatal(err)
	}
	objects, err := j.Objects(entries[1].Attempt)
	if err != nil || !strings.Contains(string(objects), "name: web") || strings.Contains(string(objects), "guide") || strings.Contains(string(objects), "status") {
		t.Errorf("%v: what was put aside is not the learner's pod alone:\n%s", err, objects)
	}
}
