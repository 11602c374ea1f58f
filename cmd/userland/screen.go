package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"drydock/cmd/userland/terminal"
	"drydock/cmd/userland/vi"
)

var _ = register("vi", "[FILE]", viApplet) && register("vim", "[FILE]   (it is vi)", viApplet) &&
	register("more", "[FILE...]", pager) && register("less", "[FILE...]", pager) &&
	register("top", "[-b] [-n N] [-d SECONDS]", top)

func viApplet(p *process) int {
	o, ok := p.options("R")
	if !ok || len(o.rest) > 1 {
		return p.misuse()
	}
	if !terminal.IsTerminal(os.Stdin) || !terminal.IsTerminal(os.Stdout) {
		return p.failf("needs a terminal (kubectl exec needs -it)")
	}
	if err := vi.Run(strings.Join(o.rest, ""), os.Stdin, os.Stdout); err != nil {
		return p.fail(err)
	}
	return 0
}

// pager shows text a screen at a time: space and b, j and k, g and G, /text and n, q. Without a terminal it is cat.
func pager(p *process) int {
	o, ok := p.options("eFRSXnNid")
	if !ok {
		return p.misuse()
	}
	var text bytes.Buffer
	if len(o.rest) == 0 && terminal.IsTerminal(os.Stdin) {
		return p.misuse()
	}
	status := p.eachInput(o.rest, func(_ string, r io.Reader) error {
		_, err := io.Copy(&text, r)
		return err
	})
	if !terminal.IsTerminal(os.Stdout) {
		if _, err := p.stdout.Write(text.Bytes()); err != nil {
			return p.fail(err)
		}
		return status
	}
	if status != 0 && text.Len() == 0 {
		return status
	}
	keys, err := os.Open("/dev/tty") // standard input may be the text
	if err != nil {
		return p.fail(err)
	}
	t, err := terminal.Open(keys, os.Stdout)
	if err != nil {
		return p.fail(err)
	}
	v := &viewer{term: t, lines: strings.Split(strings.TrimSuffix(text.String(), "\n"), "\n")}
	err = v.run()
	if closed := t.Close(); err == nil {
		err = closed
	}
	fmt.Fprint(p.stdout, "\r\x1b[K")
	if err != nil {
		return p.fail(err)
	}
	return status
}

// viewer is the pager's screen.
type viewer struct {
	term    *terminal.Terminal
	lines   []string
	top     int
	pattern string
	message string
}

func (v *viewer) run() error {
	for {
		_, rows := v.term.Size()
		page := max(rows-1, 1)
		v.top = max(0, min(v.top, len(v.lines)-page))
		v.draw(page)
		v.message = ""
		key, err := v.term.ReadKey()
		if err != nil {
			return err
		}
		switch key {
		case 'q', 'Q', terminal.Ctrl('C'):
			return nil
		case ' ', 'f', terminal.PageDown, terminal.Ctrl('F'):
			v.top += page
		case 'b', terminal.PageUp, terminal.Ctrl('B'):
			v.top -= page
		case 'j', '\r', '\n', terminal.Down:
			v.top++
		case 'k', terminal.Up:
			v.top--
		case 'd':
			v.top += page / 2
		case 'u':
			v.top -= page / 2
		case 'g', '<', terminal.Home:
			v.top = 0
		case 'G', '>', terminal.End:
			v.top = len(v.lines)
		case '/':
			if err := v.ask(); err != nil {
				return err
			}
		case 'n':
			v.find()
		}
	}
}

func (v *viewer) draw(page int) {
	columns, _ := v.term.Size()
	var out strings.Builder
	out.WriteString("\x1b[H")
	for i := v.top; i < v.top+page; i++ {
		line := "~"
		if i < len(v.lines) {
			line = clip(strings.ReplaceAll(v.lines[i], "\t", "        "), columns)
		}
		out.WriteString(line + "\x1b[m\x1b[K\r\n")
	}
	status := fmt.Sprintf("lines %d-%d/%d", v.top+1, min(v.top+page, len(v.lines)), len(v.lines))
	if v.top+page >= len(v.lines) {
		status += " (END)"
	}
	if v.message != "" {
		status = v.message
	}
	out.WriteString("\x1b[7m" + status + "\x1b[m\x1b[K")
	_, _ = v.term.Out.WriteString(out.String()) // a terminal that is gone shows in the next read
}

func (v *viewer) ask() error {
	text := []rune{}
	for {
		_, _ = v.term.Out.WriteString("\r/" + string(text) + "\x1b[K") // as in draw
		key, err := v.term.ReadKey()
		switch {
		case err != nil:
			return err
		case key == '\r' || key == '\n':
			if len(text) > 0 {
				v.pattern = string(text)
			}
			v.find()
			return nil
		case key == terminal.Escape || key == terminal.Ctrl('C'):
			return nil
		case key == terminal.Backspace && len(text) > 0:
			text = text[:len(text)-1]
		case key >= ' ':
			text = append(text, rune(key))
		}
	}
}

func (v *viewer) find() {
	for i := v.top + 1; i < len(v.lines); i++ {
		if strings.Contains(v.lines[i], v.pattern) {
			v.top = i
			return
		}
	}
	v.message = "Pattern not found"
}

func top(p *process) int {
	o, ok := p.options("bn:d:")
	rounds, errN := count(o.value('n', "0"))
	every, errD := duration(o.value('d', "2"))
	if !ok || errN != nil || errD != nil {
		return p.misuse()
	}
	batch := o.has('b') || !terminal.IsTerminal(os.Stdout) || !terminal.IsTerminal(os.Stdin)
	if batch {
		before := map[int]time.Duration{}
		for i := int64(0); rounds == 0 || i < rounds; i++ {
			if i > 0 {
				<-time.After(every)
			}
			fmt.Fprint(p.stdout, topPage(before, every, 0))
		}
		return 0
	}
	t, err := terminal.Open(os.Stdin, os.Stdout)
	if err != nil {
		return p.fail(err)
	}
	err = topScreen(t, rounds, every)
	if closed := t.Close(); err == nil {
		err = closed
	}
	fmt.Fprint(p.stdout, "\x1b[?1049l")
	if err != nil {
		return p.fail(err)
	}
	return 0
}

func topScreen(t *terminal.Terminal, rounds int64, every time.Duration) error {
	before := map[int]time.Duration{}
	fmt.Fprint(t.Out, "\x1b[?1049h")
	for i := int64(0); rounds == 0 || i < rounds; i++ {
		columns, rows := t.Size()
		var out strings.Builder
		out.WriteString("\x1b[H")
		for n, line := range strings.Split(strings.TrimSuffix(topPage(before, every, columns), "\n"), "\n") {
			if n < rows-1 {
				out.WriteString(line + "\x1b[K\r\n")
			}
		}
		out.WriteString("\x1b[J")
		fmt.Fprint(t.Out, out.String())
		ready, err := t.WaitKey(int(every.Milliseconds()))
		if err != nil {
			return err
		}
		if ready {
			if key, err := t.ReadKey(); err != nil || key == 'q' || key == terminal.Ctrl('C') {
				return err
			}
		}
	}
	return nil
}

// topPage is one picture; before holds each process's time at the last one.
func topPage(before map[int]time.Duration, every time.Duration, columns int) string {
	var out strings.Builder
	m, _ := meminfo() // zeros without /proc/meminfo
	var info unix.Sysinfo_t
	_ = unix.Sysinfo(&info) // zeros say enough
	fmt.Fprintf(&out, "Mem: %dK used, %dK free, %dK buff/cache\nLoad average: %s\n", m["MemTotal"]-m["MemAvailable"], m["MemFree"], m["Buffers"]+m["Cached"], loads(info))
	title := fmt.Sprintf("%5s %5s %-8s %-4s %7s %5s %5s %s", "PID", "PPID", "USER", "STAT", "RSS", "%MEM", "%CPU", "COMMAND")
	if columns > 0 {
		title = "\x1b[7m" + clip(title+strings.Repeat(" ", columns), columns) + "\x1b[m"
	}
	out.WriteString(title + "\n")
	list, _ := tasks() // none without /proc
	used := map[int]float64{}
	for _, t := range list {
		if last, ok := before[t.pid]; ok && every > 0 {
			used[t.pid] = 100 * float64(t.spent-last) / float64(every)
		}
		before[t.pid] = t.spent
	}
	slices.SortStableFunc(list, func(a, b task) int {
		switch {
		case used[a.pid] > used[b.pid]:
			return -1
		case used[a.pid] < used[b.pid]:
			return 1
		default:
			return cmp.Compare(b.spent, a.spent)
		}
	})
	for _, t := range list {
		line := fmt.Sprintf("%5d %5d %-8s %-4s %7s %4.0f%% %4.0f%% %s", t.pid, t.ppid, userName(t.uid), t.state, human(t.rss),
			100*float64(t.rss>>10)/float64(max(m["MemTotal"], 1)), used[t.pid], t.command)
		out.WriteString(clip(line, columns) + "\n")
	}
	return out.String()
}
