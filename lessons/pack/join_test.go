package pack_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/pack"
)

func little(t *testing.T, id, lesson string) *pack.Pack {
	t.Helper()
	p, err := pack.Load(fstest.MapFS{
		"pack.yaml": {Data: []byte(`{format: 1, id: ` + id + `, title: T, version: 1.0.0, tracks: [{id: main, title: ` + id + `, lessons: [` + lesson + `]}]}`)},
		"lessons/" + lesson + "/lesson.yaml": {Data: []byte(`
id: ` + lesson + `
title: T
steps: [{id: a, goals: [a]}]
goals: [{id: a, text: a, check: {object: {kind: Pod, name: a}}}]
`)},
		"lessons/" + lesson + "/lesson.md":         {Data: []byte("## Step: a\na\n")},
		"lessons/" + lesson + "/solutions/main.sh": {Data: []byte("true")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Joined packs are one way through all lessons, each of which still knows its own pack and track.
func TestJoin(t *testing.T) {
	one, two := little(t, "one", "early"), little(t, "two", "late")
	all, err := pack.Join(one, two)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range all.Lessons {
		got = append(got, l.Pack().ID+"/"+all.Track(l.ID).Title.In("en")+"/"+l.ID)
	}
	if diff := cmp.Diff([]string{"one/one/early", "two/two/late"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(one.Lessons) != 1 || len(one.Tracks) != 1 {
		t.Error("joining changed the first pack")
	}
	if _, err := pack.Join(one, little(t, "three", "early")); err == nil {
		t.Error("two lessons of one id were joined")
	}
}
