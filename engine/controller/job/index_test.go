package job

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The set of indexes is internal: its text is what users see, and a wrong one would lose work.

func TestIndexes(t *testing.T) {
	for _, test := range []struct {
		text string
		want string
	}{
		{"", ""},
		{"1", "1"},
		{"1,2", "1,2"},
		{"1,2,3", "1-3"},
		{"0-2,4,6-9", "0-2,4,6-9"},
		{"5-9,7-20", "5-19"},
		{"x,3,4-y,-1,8", "3,8"},
		{"20,21", ""},
		{"4-2", ""},
	} {
		if got := parseIndexes(test.text, 20).String(); got != test.want {
			t.Errorf("%q is read as %q, want %q", test.text, got, test.want)
		}
	}
	x := parseIndexes("1,3-5", 20)
	if diff := cmp.Diff([]int{0, 2, 6, 7}, x.missing(4, 8)); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if x.total() != 4 || !x.has(4) || x.has(2) || x.overlap(parseIndexes("4-9", 20)) != 2 || x.with(2).String() != "1-5" {
		t.Errorf("set %v", x)
	}
}

func FuzzIndexes(f *testing.F) {
	f.Add("1,3-5,7")
	f.Fuzz(func(t *testing.T, text string) {
		x := parseIndexes(text, 1000)
		if again := parseIndexes(x.String(), 1000); !cmp.Equal(x, again, cmp.AllowUnexported(interval{})) {
			t.Errorf("%q is read as %v, and its text as %v", text, x, again)
		}
		if x.total()+len(x.missing(1000, 1000)) != 1000 {
			t.Errorf("%v and what is missing of it are not all", x)
		}
	})
}
