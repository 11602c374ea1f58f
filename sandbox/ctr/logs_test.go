package ctr

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLogs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.log")
	text := "2026-01-02T03:04:05Z stdout P hel\n2026-01-02T03:04:05Z stdout F lo\n2026-01-02T03:04:05Z stderr F oh  no\nbroken\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, errOut strings.Builder
	if err := (&Client{}).Logs(Container{log: file}, &out, &errOut); err != nil {
		t.Fatal(err)
	}
	if out.String() != "hello\n" || errOut.String() != "oh  no\n" {
		t.Errorf("out %q, err %q", out.String(), errOut.String())
	}
}
