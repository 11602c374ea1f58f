package main

// An internal test: this is a program, and these are its parsers.

import "testing"

func TestHomeIn(t *testing.T) {
	const passwd = "# comment\nroot:x:0:0:root:/root:/bin/sh\nbroken:x:1\nnobody:x:65534:65534::/nonexistent:/bin/false\nempty:x:7:7:::\n"
	for uid, want := range map[string]string{"0": "/root", "65534": "/nonexistent", "1": "/", "7": "/", "1000": "/"} {
		if got := homeIn([]byte(passwd), uid); got != want {
			t.Errorf("home of %s is %q, want %q", uid, got, want)
		}
	}
}

func FuzzHomeIn(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/sh\n"))
	f.Fuzz(func(t *testing.T, passwd []byte) {
		if homeIn(passwd, "0") == "" {
			t.Error("an empty home")
		}
	})
}

func TestVariable(t *testing.T) {
	env := []string{"PATHS=x", "PATH=/a", "PATH=/b", "EMPTY="}
	for name, want := range map[string]string{"PATH": "/b", "EMPTY": "", "NONE": ""} {
		if got := variable(env, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}
