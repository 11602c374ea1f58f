package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var _ = register("date", "[-u] [-d TIME] [-r FILE] [-I[seconds]] [+FORMAT]", date) &&
	register("time", "COMMAND [ARG...]", timeApplet) &&
	register("timeout", "[-s SIGNAL] [-k SECONDS] SECONDS COMMAND [ARG...]", timeout) &&
	register("sleep", "NUMBER[smhd]...", sleep)

// letters are strftime(3)'s, in Go's layout or as a function.
var dateLayouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January", 'c': "Mon Jan _2 15:04:05 2006", 'd': "02", 'D': "01/02/06",
	'e': "_2", 'F': "2006-01-02", 'H': "15", 'I': "03", 'j': "002", 'm': "01", 'M': "04", 'p': "PM", 'r': "03:04:05 PM", 'R': "15:04",
	'S': "05", 'T': "15:04:05", 'x': "01/02/06", 'X': "15:04:05", 'y': "06", 'Y': "2006", 'z': "-0700", 'Z': "MST",
}

func strftime(format string, t time.Time) string {
	var out strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			out.WriteByte(format[i])
			continue
		}
		i++
		switch c := format[i]; {
		case dateLayouts[c] != "":
			out.WriteString(t.Format(dateLayouts[c]))
		case c == 's':
			fmt.Fprint(&out, t.Unix())
		case c == 'N':
			fmt.Fprintf(&out, "%09d", t.Nanosecond())
		case c == 'u':
			fmt.Fprint(&out, (int(t.Weekday())+6)%7+1)
		case c == 'w':
			fmt.Fprint(&out, int(t.Weekday()))
		case c == 'n':
			out.WriteByte('\n')
		case c == 't':
			out.WriteByte('\t')
		case c == '%':
			out.WriteByte('%')
		default:
			out.WriteString(format[i-1 : i+1])
		}
	}
	return out.String()
}

// parseTime reads @SECONDS, dates with or without a time, and times of today.
func parseTime(text string) (time.Time, error) {
	if seconds, ok := strings.CutPrefix(text, "@"); ok {
		n, err := strconv.ParseInt(seconds, 10, 64)
		return time.Unix(n, 0), err
	}
	if text == "now" || text == "" {
		return time.Now(), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02", time.RFC1123, time.RFC1123Z} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			year, month, day := time.Now().Date()
			return time.Date(year, month, day, t.Hour(), t.Minute(), t.Second(), 0, time.Local), nil
		}
	}
	return time.Time{}, fmt.Errorf("invalid date '%s'", text)
}

func date(p *process) int {
	iso := ""
	var rest []string
	for _, word := range p.args {
		switch word {
		case "-I", "-Idate":
			iso = "%F"
		case "-Iseconds", "-Is":
			iso = "%FT%T%z"
		default:
			rest = append(rest, word)
		}
	}
	p.args = rest
	o, ok := p.options("ud:r:R", "utc=u", "date=d")
	if !ok || len(o.rest) > 1 || len(o.rest) == 1 && o.rest[0][0] != '+' {
		return p.misuse()
	}
	t := time.Now()
	if o.has('d') {
		var err error
		if t, err = parseTime(o.value('d', "")); err != nil {
			return p.fail(err)
		}
	}
	if o.has('r') {
		info, err := os.Stat(o.value('r', ""))
		if err != nil {
			return p.fail(err)
		}
		t = info.ModTime()
	}
	if o.has('u') {
		t = t.UTC()
	}
	format := "%a %b %e %T %Z %Y"
	switch {
	case len(o.rest) == 1:
		format = o.rest[0][1:]
	case iso != "":
		format = iso
	case o.has('R'):
		format = "%a, %d %b %Y %T %z"
	}
	fmt.Fprintln(p.stdout, strftime(format, t))
	return 0
}

// start runs a command as a child with our streams.
func (p *process) start(words []string) (*exec.Cmd, int) {
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		p.failf("can't execute '%s': No such file or directory", words[0])
		return nil, 127
	}
	return cmd, 0
}

// childStatus is a finished child's exit status as shells count it.
func childStatus(cmd *exec.Cmd) int {
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return cmd.ProcessState.ExitCode()
}

func timeApplet(p *process) int {
	if len(p.args) == 0 {
		return p.misuse()
	}
	began := time.Now()
	cmd, status := p.start(p.args)
	if cmd == nil {
		return status
	}
	_ = cmd.Wait() // its status is read below
	for _, line := range []struct {
		name  string
		spent time.Duration
	}{{"real", time.Since(began)}, {"user", cmd.ProcessState.UserTime()}, {"sys", cmd.ProcessState.SystemTime()}} {
		fmt.Fprintf(p.stderr, "%s\t%dm %.2fs\n", line.name, int(line.spent.Minutes()), line.spent.Seconds()-60*float64(int(line.spent.Minutes())))
	}
	return childStatus(cmd)
}

func timeout(p *process) int {
	o, ok := p.options("+s:k:", "signal=s", "kill-after=k")
	if !ok || len(o.rest) < 2 {
		return p.misuse()
	}
	limit, err := duration(o.rest[0])
	if err != nil {
		return p.failf("invalid number '%s'", o.rest[0])
	}
	sig, ok := signalOf(o.value('s', "TERM"))
	if !ok {
		return p.failf("bad signal name '%s'", o.value('s', ""))
	}
	grace, err := duration(o.value('k', "infinity"))
	if err != nil {
		return p.failf("invalid number '%s'", o.value('k', ""))
	}
	cmd, status := p.start(o.rest[1:])
	if cmd == nil {
		return status
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // its status is read below
		close(ended)
	}()
	select {
	case <-ended:
		return childStatus(cmd)
	case <-time.After(limit):
	}
	_ = cmd.Process.Signal(sig) // it may have ended
	select {
	case <-ended:
	case <-time.After(grace):
		_ = cmd.Process.Kill() // it may have ended
		<-ended
		return 128 + int(syscall.SIGKILL)
	}
	return 143
}
