package pack_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/pack"
)

func TestNew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my-pack")
	if err := pack.New(dir); err != nil {
		t.Fatal(err)
	}
	p, err := pack.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if warnings := pack.Lint(p); len(warnings) > 0 || p.ID != "my-pack" {
		t.Errorf("pack %q:\n%v", p.ID, warnings)
	}
	if err := pack.New(dir); err == nil {
		t.Error("New wrote over a folder that was there")
	}
	if err := pack.New(filepath.Join(t.TempDir(), "My Pack")); err == nil {
		t.Error("New took a name that is no id")
	}
}

func TestFrom(t *testing.T) {
	source, err := pack.Load(files(map[string]string{
		"private/lessons/pod.yaml": "goals:\n  - {id: secret, text: Secret, check: {object: {kind: ConfigMap, name: s}}}\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "mine")
	if err := pack.From(dir, source, "pot"); err == nil || !strings.Contains(err.Error(), `did you mean "pod"`) {
		t.Errorf("a lesson that is not there: %v", err)
	}
	if err := pack.From(dir, source, "pod"); err != nil {
		t.Fatal(err)
	}
	p, err := pack.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	if p.ID != "mine" || len(p.Lessons) != 1 || p.Lesson("pod").Goal("secret") == nil {
		t.Errorf("the copy is %+v", p)
	}
	if err := pack.From(dir, source, "pod"); err == nil {
		t.Error("From wrote over a folder that was there")
	}
}

// What a copied lesson needs does not come along; nothing else of its file is touched.
func TestFromWithoutNeeds(t *testing.T) {
	for name, needs := range map[string]string{
		"on one line": "needs: [other]\n", "as a list": "needs:\n  - other   # why\n", "over lines": "needs: [\n  other,\n]\n",
	} {
		const lesson = "lessons/pod/lesson.yaml"
		changes := map[string]string{
			"pack.yaml": strings.Replace(small["pack.yaml"], "[pod]", "[other, pod]", 1),
			lesson:      strings.Replace(small[lesson], "params:", needs+"# drawn\nparams:", 1),
		}
		for file, text := range small {
			if to, ok := strings.CutPrefix(file, "lessons/pod/"); ok {
				changes["lessons/other/"+to] = strings.Replace(text, "id: pod", "id: other", 1)
			}
		}
		source, err := pack.Load(files(changes))
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "mine")
		if err := pack.From(dir, source, "pod"); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := os.ReadFile(filepath.Join(dir, lesson))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Replace(small[lesson], "params:", "# drawn\nparams:", 1)
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", name, diff)
		}
	}
}
