package seat

import "testing"

func TestLoadIn(t *testing.T) {
	for text, want := range map[string]float64{
		"15.77 12.09 15.10 7/812 14330\n": 3, // six others on two processors
		"0.00 0.01 0.05 1/200 99\n":       1,
		"0.00 0.01":                       1,
		"":                                1,
		"1 1 1 x/9 1":                     1,
	} {
		if got := loadIn(text, 2); got != want {
			t.Errorf("%q: load %g, want %g", text, got, want)
		}
	}
}
