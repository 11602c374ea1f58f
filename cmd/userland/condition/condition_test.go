package condition_test

import (
	"strings"
	"testing"

	"drydock/cmd/userland/condition"
)

func TestEval(t *testing.T) {
	for line, want := range map[string]bool{
		"": false, "a": true, "-n": true, "-n a": true, "-z a": false, "! a": false, "a = a": true, "a = b": false, "a != b": true,
		"1 -lt 2": true, "10 -lt 9": false, "= = =": true, "! = !": true, "( a )": true, "! a = b": true, "-d /": true, "-f /": false,
		"a -a b": true, "a = a -a b = c": false, "a = b -o c = c": true, "! a = b -a ( c = c )": true, "-n a -a -z b -o c": true,
		"-e /none": false, "/ -ef /": true, "-n =": true, "( = (": true,
	} {
		got, err := condition.Eval(strings.Fields(line), "/")
		if err != nil || got != want {
			t.Errorf("[ %s ] = %v, %v; want %v", line, got, err, want)
		}
	}
	for _, line := range []string{"a b", "1 -eq x", "a b c", "( a", "a = b -o", "-a -a -a -a -a -a ( )", "x -lt 1"} {
		if got, err := condition.Eval(strings.Fields(line), "/"); err == nil {
			t.Errorf("[ %s ] = %v, want an error", line, got)
		}
	}
}

func FuzzEval(f *testing.F) {
	for _, seed := range []string{"a = b", "! ( -n a -a b )", "1 -lt 2 -o x", "( ( ) )", "-f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words := strings.Fields(line)
		first, err := condition.Eval(words, "/none")
		if again, err2 := condition.Eval(words, "/none"); first != again || (err == nil) != (err2 == nil) {
			t.Errorf("%q: %v, %v and then %v, %v", line, first, err, again, err2)
		}
	})
}
