package main_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// links is a directory with the built program and a link for each applet, as in an image's /bin.
var links string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "userland")
	if err == nil {
		links, err = dir, build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	_ = os.RemoveAll(dir) // the run is over
	os.Exit(status)
}

func build(dir string) error {
	program := filepath.Join(dir, "userland")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build userland: %w\n%s", err, out)
	}
	names, err := exec.Command(program).Output()
	if err != nil {
		return fmt.Errorf("list applets: %w", err)
	}
	for _, name := range strings.Fields(string(names)) {
		if err := os.Symlink("userland", filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func TestSessions(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", links)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("TZ", "UTC")
			return nil
		},
	})
}

// sh runs a command line with nothing but our programs.
func sh(t *testing.T, line string, args ...string) (output string, status int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(links, "sh"), append([]string{"-c", line}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + links, "HOME=/root", "TERM=xterm"}
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatalf("sh -c %q: %v", line, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func TestQuoting(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`echo 'a  b' "c  d" e\ \ f`, "a  b c  d e  f\n"},
		{`x='1 2'; echo $x "$x" '$x' \$x`, "1 2 1 2 $x $x\n"},
		{`x="a   b"; echo $x; echo "$x"`, "a b\na   b\n"},
		{`echo "$(echo "in  ner")"`, "in  ner\n"},
		{"echo `echo old`", "old\n"},
		{`echo "it's" 'say "hi"'`, "it's say \"hi\"\n"},
		{`set -- a "b c"; for w in "$@"; do echo "[$w]"; done`, "[a]\n[b c]\n"},
		{`set -- a "b c"; for w in $*; do echo "[$w]"; done`, "[a]\n[b]\n[c]\n"},
		{`echo ${none:-fallback} ${none}x ${#none}`, "fallback x 0\n"},
		{`f=/a/b.tar.gz; echo ${f##*/} ${f%.*} ${f%%.*}`, "b.tar.gz /a/b.tar /a/b\n"},
		{`echo $((2 + 3 * 4)) $((7 / 2)) $((1 << 4))`, "14 3 16\n"},
		{"cat <<'E'\n$HOME\nE", "$HOME\n"},
		{"x=1; cat <<E\n$x $((x+1))\nE", "1 2\n"},
		{"cat <<E; echo after\ntext\nE", "text\nafter\n"},
		{"cat <<E & wait\nlater\nE", "later\n"},
		{`echo *.none`, "*.none\n"},
		{`touch b a; echo *; echo "*"`, "a b\n*\n"},
		{`echo a;echo b&&echo c||echo d`, "a\nb\nc\n"},
		{`printf '%s-%03d\n' x 7 y 8`, "x-007\ny-008\n"},
		{`echo 한글 | tr 한 국`, "국글\n"},
		{`eval 'echo "$0" $#' `, "sh 0\n"},
	} {
		if got, _ := sh(t, c.line); got != c.want {
			t.Errorf("sh -c %q (-want +got):\n%s", c.line, cmp.Diff(c.want, got))
		}
	}
}

func TestExitStatus(t *testing.T) {
	for line, want := range map[string]int{
		"true": 0, "false": 1, "exit 7": 7, "exit 256": 0, "nosuchprogram": 127, "/etc/passwd": 126, "(exit 3)": 3,
		"false | true": 0, "true | false": 1, "! true": 1, "set -e; false; exit 9": 1, "set -eu; echo $none; exit 9": 1,
		"sh -c 'kill -9 $$'; exit $?": 137, "sh -c 'kill -TERM $$'; exit $?": 143, "if": 2, "cd /none": 2, "ls /none": 1, "ls -Z": 2,
		"test 1 -eq 2": 1, "[ 1 -eq x ]": 2, "grep x /none": 2, "echo a | grep -q b": 1, "wget -q nosuch.invalid": 1,
		"timeout 0.1 sleep 9": 143, "sleep 9 & kill $!; wait $!": 143, "trap 'exit 5' TERM; kill -TERM $$; sleep 1": 5,
		"trap 'true' EXIT; exit 4": 4, "f() { return 6; }; f": 6, "exec sh -c 'exit 8'": 8, "yes | head -n 1": 0,
	} {
		if out, got := sh(t, line); got != want {
			t.Errorf("sh -c %q ended with %d, want %d; it said: %s", line, got, want, out)
		}
	}
}

func TestEveryAppletExplainsItself(t *testing.T) {
	names, err := exec.Command(filepath.Join(links, "userland")).Output()
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Fields(string(names))
	if len(list) < 100 {
		t.Fatalf("only %d applets: %v", len(list), list)
	}
	for _, name := range list {
		if name == "echo" || name == "[" { // which print what they are given, and read an expression
			continue
		}
		out, err := exec.Command(filepath.Join(links, name), "--help").Output()
		if err != nil || !strings.HasPrefix(string(out), "Usage: "+name) {
			t.Errorf("%s --help: %v, %q", name, err, out)
		}
	}
}

func TestSizeAndStart(t *testing.T) {
	info, err := os.Stat(filepath.Join(links, "userland"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 10<<20 {
		t.Errorf("the program has %d bytes, more than 10 MB: every image carries it", info.Size())
	}
	best := time.Hour
	for range 30 { // the least is what it costs; the rest is what else the machine does
		began := time.Now()
		if err := exec.Command(filepath.Join(links, "true")).Run(); err != nil {
			t.Fatal(err)
		}
		best = min(best, time.Since(began))
	}
	t.Logf("%d bytes, true in %v", info.Size(), best)
	if best > 6*time.Millisecond { // twice the budget, for slow machines
		t.Errorf("true takes %v, the budget is 3 ms", best)
	}
}

// console is a program on a pseudo-terminal.
type console struct {
	t    *testing.T
	file *os.File
	cmd  *exec.Cmd
	out  chan []byte // closed when the program is gone
	seen bytes.Buffer
}

func open(t *testing.T, dir string, name string, args ...string) *console {
	t.Helper()
	cmd := exec.Command(filepath.Join(links, name), args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + links, "HOME=" + dir, "TERM=xterm", "PS1=ready> "}
	f, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	c := &console{t: t, file: f, cmd: cmd, out: make(chan []byte, 1000)}
	go func() { // a terminal has no read deadline
		defer close(c.out)
		for {
			b := make([]byte, 4096)
			n, err := f.Read(b)
			if err != nil {
				return
			}
			c.out <- b[:n]
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended when all went well
		_ = cmd.Wait()
		f.Close()
	})
	return c
}

func (c *console) send(keys string) {
	c.t.Helper()
	if _, err := c.file.WriteString(keys); err != nil {
		c.t.Fatalf("type %q: %v", keys, err)
	}
}

// expect reads until text shows, and forgets what came before it.
func (c *console) expect(text string) {
	c.t.Helper()
	limit := time.After(10 * time.Second)
	for {
		if i := strings.Index(c.seen.String(), text); i >= 0 {
			c.seen.Next(i + len(text))
			return
		}
		more, ok := []byte(nil), false
		select {
		case more, ok = <-c.out:
		case <-limit:
		}
		if !ok {
			screen := c.seen.String()
			c.t.Fatalf("%q does not show; the screen's end: %q", text, screen[max(0, len(screen)-400):])
		}
		c.seen.Write(more)
	}
}

// awaitChild waits until the shell has a child of that name: nothing on the screen tells that it runs.
func (c *console) awaitChild(name string) {
	c.t.Helper()
	pid := fmt.Sprint(c.cmd.Process.Pid)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		out, err := exec.Command(filepath.Join(links, "ps"), "-o", "ppid,args").Output()
		if err != nil {
			c.t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == pid && f[1] == name {
				return
			}
		}
	}
	c.t.Fatalf("%s does not start", name)
}

// emptyPrompt is the prompt with nothing typed: the shell reads, and gets what is sent now.
const emptyPrompt = "ready> \r\x1b[7C"

// do types a line, waits for what it shows, and for the next prompt.
func (c *console) do(line string, shows ...string) {
	c.t.Helper()
	c.send(line + "\r")
	for _, text := range shows {
		c.expect(text)
	}
	c.expect(emptyPrompt)
}

func TestInteractiveShell(t *testing.T) {
	c := open(t, t.TempDir(), "sh")
	c.expect(emptyPrompt)
	c.do("echo one$((1+1))", "\none2\r\n")
	c.send("sleep 100\r")
	c.awaitChild("sleep")
	c.send("\x03") // ends the program, not the shell
	c.expect(emptyPrompt)
	c.do("echo status=$?", "\nstatus=130")
	c.send("while true; do sleep 0.05; echo tick; done\r")
	c.expect("\ntick")
	c.send("\x03")
	c.expect(emptyPrompt)
	c.send("half a line\x03")
	c.expect("^C")
	c.expect(emptyPrompt)
	c.do("echo f$((1+1))rst", "\nf2rst")
	c.do("\x1b[A\x1b[D\x1b[D\x7fX", "\nf2Xst") // up, two left, rub out one, an X for it
	c.do("touch unique-name-here")
	c.do("ls uni\t", "\nunique-name-here\r\n")
	c.do("for i in 1 2\rdo echo n$i\rdone", "\nn2\r\n")
	c.do("sleep 100 &", "[1] ")
	c.do("jobs", "[1]+ Running")
	c.do("kill %1; wait")
	c.do("cat <<E\rdoc $((2+2))\rE", "\ndoc 4\r\n")
	c.send("exit 3\r")
	_ = c.cmd.Wait() // its status is read below
	if got := c.cmd.ProcessState.ExitCode(); got != 3 {
		t.Errorf("exit 3 left the shell with %d", got)
	}
}

func TestEndOfFileLeavesTheShell(t *testing.T) {
	c := open(t, t.TempDir(), "sh")
	c.expect(emptyPrompt)
	c.do("false")
	c.send("\x04")
	_ = c.cmd.Wait() // its status is read below
	if got := c.cmd.ProcessState.ExitCode(); got != 1 {
		t.Errorf("Ctrl+D after false: status %d, want 1", got)
	}
}

func TestVi(t *testing.T) {
	for name, c := range map[string]struct{ before, keys, want string }{
		"insert":            {"", "ihello\rworld\x1b:wq\r", "hello\nworld\n"},
		"append and open":   {"b\n", "Ax\x1bo below\x1bggOabove\x1b:wq\r", "above\nbx\n below\n"},
		"delete":            {"one two three\nfour\nfive\n", "wdwxjdd:wq\r", "one hree\nfive\n"},
		"change word":       {"name: old\n", "wwcwnew\x1b:x\r", "name: new\n"},
		"yank and put":      {"a\nb\n", "yyjp:wq\r", "a\nb\na\n"},
		"undo":              {"keep\n", "ddu:wq\r", "keep\n"},
		"undo of an insert": {"keep\n", "ano\x1bu:wq\r", "keep\n"},
		"count":             {"1\n2\n3\n4\n", "3dd:wq\r", "4\n"},
		"search":            {"image: web:1\nport: 80\n", "/80\rcw8080\x1b:wq\r", "image: web:1\nport: 8080\n"},
		"substitute":        {"a a\nb a\n", ":%s/a/X/g\r:wq\r", "X X\nb X\n"},
		"korean":            {"한글 문장\n", "wi새 \x1b0x:wq\r", "글 새 문장\n"},
		"repeat":            {"a\nb\nc\n", "A;\x1bj.j.:wq\r", "a;\nb;\nc;\n"},
		"join and replace":  {"ab\ncd\n", "rxJ:wq\r", "xb cd\n"},
		"arrows":            {"abc\ndef\n", "\x1b[C\x1b[Bx:wq\r", "abc\ndf\n"},
		"quit without save": {"same\n", "ddianything\x1b:q!\r", "same\n"},
		"to a line":         {"1\n2\n3\n", ":2\rdd:wq\r", "1\n3\n"},
		"indent":            {"a:\nb\n", "j>>:wq\r", "a:\n\tb\n"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, []byte(c.before), 0o644); err != nil {
				t.Fatal(err)
			}
			v := open(t, filepath.Dir(file), "vi", file)
			v.expect("\x1b[?1049h")
			v.send(c.keys)
			v.expect("\x1b[?1049l")
			if err := v.cmd.Wait(); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("after %q (-want +got):\n%s", c.keys, diff)
			}
		})
	}
}

func TestViRefusesToLoseChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	c := open(t, filepath.Dir(file), "vi", file)
	c.expect("[New file]")
	c.send("itext\x1b:q\r")
	c.expect("No write since last change")
	c.send(":w\r")
	c.expect("1 lines")
	c.send(":q\r")
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestPager(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	for i := range 100 {
		fmt.Fprintf(&text, "line %d\n", i+1)
	}
	if err := os.WriteFile(filepath.Join(dir, "text"), []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir, "less", "text")
	c.expect("lines 1-23/100")
	c.send(" ")
	c.expect("lines 24-46/100")
	c.send("/line 60\r")
	c.expect("lines 60-82/100")
	c.send("G")
	c.expect("(END)")
	c.send("q")
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}
