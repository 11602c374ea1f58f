package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// block is a fenced block of the page that is a file of the example.
var block = regexp.MustCompile("(?ms)^(`{3,4})[a-z]+ file=(\\S+)\n(.*?)^(`{3,4})$")

// TestWritingLessons proves the example of docs/writing-lessons.md as it stands there.
func TestWritingLessons(t *testing.T) {
	page, err := os.ReadFile("../docs/writing-lessons.md")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	dir, files := filepath.Join(home, "mypack"), 0
	for rest := string(page); ; {
		m := block.FindStringSubmatchIndex(rest)
		if m == nil {
			break
		}
		fence, name, body := rest[m[2]:m[3]], rest[m[4]:m[5]], rest[m[6]:]
		end := strings.Index(body, "\n"+fence+"\n")
		write(t, filepath.Join(dir, name), body[:end+1])
		rest = body[end+len(fence)+1:]
		files++
	}
	if files < 8 {
		t.Fatalf("only %d files found in the page", files)
	}
	env := append(os.Environ(), "DRYDOCK_HOME="+filepath.Join(home, "state"), "HOME="+home)
	for _, args := range [][]string{{"pack", "lint", dir}, {"pack", "test", dir}} {
		if out, err := command(binary(t), nil, env, args...).CombinedOutput(); err != nil {
			t.Fatalf("drydock %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
