package course_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"drydock/checks/apitest"
	"drydock/lessons/course"
	"drydock/lessons/pack"
	"drydock/lessons/progress"
)

// A cluster that is not drydock's own, with one node that has one of the images.
func abroad(t *testing.T, e pack.Elsewhere, lesson string) (*course.Course, *apitest.Server) {
	t.Helper()
	p, err := pack.Load(fstest.MapFS{
		"pack.yaml":                    {Data: []byte(`{format: 1, id: p, title: P, version: 1.0.0, tracks: [{id: main, title: Main, lessons: [a]}]}`)},
		"lessons/a/lesson.yaml":        {Data: []byte("id: a\ntitle: A\nsteps: [{id: a, goals: [a]}]\n" + lesson)},
		"lessons/a/lesson.md":          {Data: []byte("## Step: a\ndrydock/web:1\n")},
		"lessons/a/solutions/main.sh":  {Data: []byte("kubectl run a --image=drydock/web:1; kubectl run b --image=drydock/web:2")},
		"lessons/a/world/service.yaml": {Data: []byte("{apiVersion: v1, kind: Service, metadata: {name: a}}")},
		"lessons/a/world/node.yaml":    {Data: []byte("{apiVersion: v1, kind: Node, metadata: {name: a}}")},
	})
	if err != nil {
		t.Fatal(err)
	}
	book, err := progress.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = book.Close() })
	api := apitest.New(t)
	api.Set(`{apiVersion: v1, kind: Node, metadata: {name: n}, status: {images: [{names: ["docker.io/drydock/web:1"]}, {names: ["nginx"]}]}}`)
	c, err := course.New(course.Config{Pack: p, Book: book, Lab: "other", REST: api.REST(), Elsewhere: e})
	if err != nil {
		t.Fatal(err)
	}
	return c, api
}

const easy = "goals: [{id: a, text: a, check: {object: {kind: Pod, name: a}}}]\n"

// Before anything is written, another cluster is told apart from a lab by what a lesson needs.
func TestFits(t *testing.T) {
	here := pack.Elsewhere{Namespace: "lee", Images: "registry.example"}
	for name, c := range map[string]struct {
		where  pack.Elsewhere
		lesson string
		want   []string
	}{
		"nothing":              {here, easy, nil},
		"a lab":                {pack.Elsewhere{}, "world: {nodes: 9, manifests: [world/node.yaml]}\n" + easy, nil},
		"in its namespace":     {here, "world: {manifests: [world/service.yaml]}\n" + easy, nil},
		"images":               {pack.Elsewhere{Namespace: "lee", Carried: []string{"drydock/web:1", "drydock/web:2", "drydock/other:1"}}, easy, []string{"drydock/web:2"}},
		"nodes":                {here, "world: {nodes: 2}\n" + easy, []string{"2 nodes"}},
		"a Node in the world":  {here, "world: {manifests: [world/node.yaml]}\n" + easy, []string{"more than one namespace: Node"}},
		"a Node in a question": {here, "goals: [{id: a, text: a, check: {object: {kind: Node, name: a}}}]\n", []string{"more than one namespace: Node"}},
		"another namespace":    {here, "goals: [{id: a, text: a, check: {object: {kind: Pod, namespace: kube-system}}}]\n", []string{"more than one namespace: Pod"}},
		"a kind it has not":    {here, "goals: [{id: a, text: a, check: {object: {kind: Job, name: a}}}]\n", []string{"objects of kind Job, which this cluster does not have"}},
		"faults":               {here, "world: {nodes: 2, faults: [{node: node-2, do: stop}]}\n" + easy, []string{"nodes and parts of the cluster that it may break", "2 nodes"}},
		"through the API":      {here, "goals: [{id: a, text: a, check: {probe: {from: api, http: {url: 'http://a:80/'}}}}]\n", nil},
	} {
		c1, _ := abroad(t, c.where, c.lesson)
		err := c1.Fits(context.Background(), "a")
		var got []string
		var foreign *course.Foreign
		if errors.As(err, &foreign) {
			for _, w := range foreign.Wants {
				got = append(got, w.In("en"))
			}
			got = append(got, foreign.Images...)
			if opened := c1.Open(context.Background(), "a"); !errors.As(opened, &foreign) {
				t.Errorf("%s: it was opened all the same: %v", name, opened)
			}
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

// A namespace that nobody made for this learner is neither deleted nor written to.
func TestTakenNamespace(t *testing.T) {
	c, api := abroad(t, pack.Elsewhere{Namespace: "lee", Images: "registry.example"}, easy)
	api.Set(`{apiVersion: v1, kind: Namespace, metadata: {name: lee, annotations: {drydock.dev/learner: somebody}}}`)
	before := api.Version()
	if err := c.Open(context.Background(), "a"); !errors.Is(err, course.ErrTaken) {
		t.Errorf("opened with %v, want %v", err, course.ErrTaken)
	}
	if api.Version() != before || !slices.Contains(api.Names("Namespace"), "lee") {
		t.Error("the cluster was written to")
	}
}

// Where a registry has the images, every text of the lesson names them there.
func TestImagesElsewhere(t *testing.T) {
	c, _ := abroad(t, pack.Elsewhere{}, easy)
	lesson, err := c.Pack().Lesson("a").In("seed", pack.Elsewhere{Namespace: "lee", Images: "registry.example/x"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := lesson.Prose.In("en").Steps["a"].Markdown, "registry.example/x/web:1"; got != want {
		t.Errorf("the prose says %q, want %q", got, want)
	}
	if got := lesson.Solutions[0].Body; got != "kubectl run a --image=registry.example/x/web:1; kubectl run b --image=registry.example/x/web:2" {
		t.Errorf("the solution says %q", got)
	}
}
