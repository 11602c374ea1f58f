package box_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"drydock/sandbox/box"
)

// TestMain lets this program be a box, as dockbox is.
func TestMain(m *testing.M) {
	if os.Getenv("DRYDOCK_BOX") == "" {
		os.Exit(m.Run())
	}
	code, err := box.Run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dockbox:", err)
		code = 4
	}
	os.Exit(code)
}

// run is a script in a box with wide limits, changed by change.
func run(t *testing.T, script string, change func(*box.Spec)) (out string, code int) {
	t.Helper()
	s := box.Spec{Args: []string{"/bin/sh", "-c", script}, Processes: 64, Memory: 1 << 30, Disk: 16 << 20}
	if change != nil {
		change(&s)
	}
	variable, err := s.Command()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), variable)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	code, err = box.ToEnd(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if code == 4 && os.Getenv("DRYDOCK_CI") == "" && strings.Contains(said.String(), "not permitted") {
		t.Skipf("this machine lets nobody make user namespaces: %s", &said)
	}
	return said.String(), code
}

func TestExitCode(t *testing.T) {
	for script, want := range map[string]int{"true": 0, "exit 7": 7, "kill -9 $$": 137} {
		if out, code := run(t, script, nil); code != want {
			t.Errorf("%s ended with %d, want %d\n%s", script, code, want, out)
		}
	}
}

func TestHidden(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("the pack"), 0o600); err != nil {
		t.Fatal(err)
	}
	hide := func(s *box.Spec) { s.Hidden = []string{dir, filepath.Join(dir, "not-there")} }
	if out, code := run(t, "umount "+dir+" 2>/dev/null; ls -A "+dir+"; touch "+dir+"/x 2>/dev/null && echo written", hide); out != "" || code == 0 {
		t.Errorf("of a hidden folder is seen, with code %d:\n%s", code, out)
	}
}

// Neither the box's specification nor other processes can be seen, and nothing outlives the script.
func TestAlone(t *testing.T) {
	out, code := run(t, `echo "<$DRYDOCK_BOX>"; ls -d /proc/[0-9]* | grep -cv -e '/proc/1$'; sleep 1000 & echo $!`, nil)
	if lines := strings.Fields(out); code != 0 || len(lines) != 3 || lines[0] != "<>" {
		t.Errorf("code %d\n%s", code, out)
	}
}

func TestReadOnlyAndOffline(t *testing.T) {
	dir := t.TempDir()
	out, code := run(t, "touch "+dir+"/x; grep -c : /proc/net/dev", func(s *box.Spec) { s.ReadOnly, s.Offline = true, true })
	if _, err := os.Stat(filepath.Join(dir, "x")); err == nil || code != 0 {
		t.Errorf("it wrote, or failed with %d: %s", code, out)
	}
	if lines := strings.Split(strings.TrimSpace(out), "\n"); lines[len(lines)-1] != "1" { // lo
		t.Errorf("there is a way into a network:\n%s", out)
	}
}

func TestLimits(t *testing.T) {
	dir := t.TempDir()
	for what, c := range map[string]struct {
		script string
		change func(*box.Spec)
	}{
		"8 processes":     {"for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; wait", func(s *box.Spec) { s.Processes = 8 }},
		"1 MiB of memory": {"sleep 1000", func(s *box.Spec) { s.Memory = 1 << 20 }},
		"1 MiB on disk": {
			"for i in 1 2 3; do head -c 600000 /dev/urandom >" + dir + "/$i; done; sleep 1000",
			func(s *box.Spec) { s.Disk, s.Watched = 1<<20, []string{dir} },
		},
	} {
		out, code := run(t, c.script, c.change)
		if code != box.Stopped || box.Exceeded(out) != what {
			t.Errorf("ended with %d beyond %s, want %s\n%s", code, box.Exceeded(out), what, out)
		}
	}
	// Also what is passed in the last moment.
	out, code := run(t, "for i in 1 2 3; do head -c 600000 /dev/urandom >"+dir+"/$i; done", func(s *box.Spec) { s.Disk, s.Watched = 1<<20, []string{dir} })
	if code != box.Stopped || box.Exceeded(out) != "1 MiB on disk" {
		t.Errorf("ended with %d beyond %s", code, box.Exceeded(out))
	}
}
