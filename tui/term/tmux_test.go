package term_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/tui/term"
)

// streams are what programs print, chosen where emulators differ. Left out, with reasons: line drawing (capture-pane prints
// the letters behind it), a cluster split across writes (tmux 3.3 breaks it), and backspace at the margin (tmux counts from
// one column further right than xterm, and not always).
var streams = map[string]string{
	"wide at the margin":       "가나다라마바사아자차X\r\n",
	"wide after narrow":        "a가나다라마바사아자차X\r\n",
	"wide fills rows":          "가나다라마바사아자차카타파하가나다라마바사\r\n",
	"narrow fills rows":        strings.Repeat("x", 45) + "\r\n",
	"erase in line":            "hello world\x1b[5D\x1b[K",
	"erase from start":         "hello world\x1b[5D\x1b[1K",
	"erase above":              "one\r\ntwo\r\nthree\x1b[2;2H\x1b[1J",
	"erase below":              "one\r\ntwo\r\nthree\x1b[2;2H\x1b[J",
	"insert and delete lines":  "1\r\n2\r\n3\r\n4\x1b[2;1H\x1b[2L\x1b[4;1H\x1b[M",
	"insert and delete cells":  "abcdef\x1b[1;3H\x1b[2@\x1b[1;7H\x1b[P",
	"erase cells":              "abcdef\x1b[1;3H\x1b[2X",
	"scroll region":            "1\r\n2\r\n3\r\n4\r\n5\r\n6\x1b[2;4r\x1b[4;1H\n\nX\x1b[r",
	"scroll up and down":       "1\r\n2\r\n3\r\n4\x1b[2S\x1b[1T",
	"reverse index at the top": "1\r\n2\x1b[H\x1bM\x1bMX",
	"save and restore":         "ab\x1b7cd\x1b[3;3Hx\x1b8Y",
	"next line and index":      "ab\x1bEcd\x1bDef",
	"tabs":                     "a\tb\tc\td",
	"column moves":             "abc\x1b[10Gd\x1b[2Ce\x1b[5Df",
	"row moves":                "a\x1b[4db\x1b[2Ac\x1b[1Bd",
	"insert mode":              "world\r\x1b[4hhello \x1b[4l",
	"no wrap":                  "\x1b[?7l" + strings.Repeat("0123456789", 3) + "\x1b[?7h",
	"alternate screen":         "main\x1b[?1049hother\x1b[?1049l again",
	"clear":                    "some text\r\nmore\x1b[H\x1b[2J$ ",
	"origin mode":              "\x1b[2;4r\x1b[?6h\x1b[1;1Hx\x1b[9;1Hy\x1b[?6l\x1b[r",
	"long output":              strings.Repeat("line\r\n", 20) + "end",
	"repeat":                   "ab\x1b[5bc",
	"progress bar":             "[    ]\r[=   ]\r[==  ]\r[=== ] 75%",
	"colours":                  "\x1b[31mred\x1b[1;44mboth\x1b[0m plain \x1b[38;5;200mx\x1b[38;2;1;2;3my\x1b[m",
	"a prompt with a title":    "\x1b]0;title\x07\x1b[?2004h$ ls\r\n\x1b[?2004l\rfile\r\n",
}

// TestAgainstTmux prints the same bytes in tmux and here. tmux is not a specification, but what it agrees with is what
// programs have been tried on.
func TestAgainstTmux(t *testing.T) {
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		t.Skip("needs tmux to compare with")
	}
	dir := t.TempDir()
	for name, stream := range streams {
		t.Run(name, func(t *testing.T) {
			e := term.New(20, 6, nil)
			fmt.Fprint(e, stream)
			if diff := cmp.Diff(tmuxScreen(t, tmux, dir, stream), screen(e)); diff != "" {
				t.Errorf("-tmux +ours:\n%s", diff)
			}
			bytewise := term.New(20, 6, nil)
			for i := range len(stream) {
				_, _ = bytewise.Write([]byte{stream[i]})
			}
			if diff := cmp.Diff(screen(e), screen(bytewise)); diff != "" {
				t.Errorf("written byte by byte (-whole +bytes):\n%s", diff)
			}
		})
	}
}

// tmuxScreen is what tmux shows after a program has printed the stream.
func tmuxScreen(t *testing.T, tmux, dir, stream string) []string {
	t.Helper()
	file := filepath.Join(dir, "stream")
	if err := os.WriteFile(file, []byte(stream), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		cmd := exec.Command(tmux, append([]string{"-S", filepath.Join(dir, "sock"), "-u", "-f", "/dev/null"}, args...)...)
		cmd.Env = []string{"LANG=C.UTF-8", "TERM=xterm-256color", "PATH=" + os.Getenv("PATH"), "HOME=" + dir}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Skipf("tmux %v: %v: %s", args, err, out)
		}
		return string(out)
	}
	defer run("kill-server")
	// stty raw, so that the kernel leaves line ends alone; wait-for, so that nothing is guessed.
	script := fmt.Sprintf("stty raw -echo; cat %s; %s -S %s wait-for -S shown; exec sleep 100", file, tmux, filepath.Join(dir, "sock"))
	run("new-session", "-d", "-x", "20", "-y", "6", ";", "set", "-g", "status", "off", ";", "resize-window", "-x", "20", "-y", "6",
		";", "respawn-pane", "-k", script, ";", "wait-for", "shown")
	lines := strings.Split(strings.TrimSuffix(run("capture-pane", "-p", "-N"), "\n"), "\n")
	for len(lines) < 6 {
		lines = append(lines, "")
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}
