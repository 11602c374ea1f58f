package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"drydock/cmd/userland/terminal"
)

var _ = register("ps", "[aux|-ef|-o pid,ppid,user,time,stat,rss,vsz,comm,args]   (always all processes)", ps)

// ticksPerSecond is USER_HZ, 100 on every Linux that Go runs on (proc_pid_stat(5)).
const ticksPerSecond = 100

// task is one process as /proc shows it.
type task struct {
	pid, ppid int
	uid       int
	name      string // comm
	command   string // its words, or [comm] for kernel threads and zombies
	argv0     string
	state     string
	spent     time.Duration
	rss, vsz  int64 // bytes
}

// tasks lists all processes; those that end meanwhile are left out.
func tasks() ([]task, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var list []task
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if t, ok := readTask(pid); ok {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b task) int { return a.pid - b.pid })
	return list, nil
}

func readTask(pid int) (task, bool) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	info, err := os.Stat(dir)
	if err != nil {
		return task{}, false
	}
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return task{}, false
	}
	// The name is in parentheses and may hold anything, also parentheses: fields are counted from the last one.
	open, closing := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
	if open < 0 || closing < open {
		return task{}, false
	}
	fields := strings.Fields(string(stat[closing+1:]))
	field := func(n int) int64 { // as the page counts them
		value, _ := strconv.ParseInt(fields[n-3], 10, 64) // the kernel writes numbers
		return value
	}
	if len(fields) < 22 {
		return task{}, false
	}
	t := task{pid: pid, uid: ownerOf(info), name: string(stat[open+1 : closing]), state: fields[0], ppid: int(field(4))}
	t.spent = time.Duration(field(14)+field(15)) * time.Second / ticksPerSecond
	t.vsz, t.rss = field(23), field(24)*int64(os.Getpagesize())
	words, _ := os.ReadFile(dir + "cmdline") // empty for kernel threads and zombies
	t.argv0, _, _ = strings.Cut(string(words), "\x00")
	if t.command = strings.TrimSpace(strings.ReplaceAll(string(words), "\x00", " ")); t.command == "" {
		t.command = "[" + t.name + "]"
	}
	return t, true
}

func (t task) clock() string {
	return fmt.Sprintf("%d:%02d", int(t.spent.Minutes()), int(t.spent.Seconds())%60)
}

func (t task) column(name string) string {
	switch name {
	case "pid":
		return strconv.Itoa(t.pid)
	case "ppid":
		return strconv.Itoa(t.ppid)
	case "user":
		return userName(t.uid)
	case "uid":
		return strconv.Itoa(t.uid)
	case "time":
		return t.clock()
	case "stat", "state", "s":
		return t.state
	case "rss":
		return human(t.rss)
	case "vsz":
		return human(t.vsz)
	case "comm":
		return t.name
	default:
		return t.command
	}
}

func ps(p *process) int {
	columns := []string{"pid", "user", "time", "command"}
	for i := 0; i < len(p.args); i++ {
		word := p.args[i]
		switch {
		case word == "-o" && i+1 < len(p.args):
			i++
			columns = strings.Split(p.args[i], ",")
		case strings.HasPrefix(word, "-o"):
			columns = strings.Split(word[2:], ",")
		case word == "-p" && i+1 < len(p.args):
			i++
		case strings.Trim(word, "-auxefwlAT") != "":
			return p.misuse()
		}
	}
	list, err := tasks()
	if err != nil {
		return p.fail(err)
	}
	width := 0
	if terminal.IsTerminal(os.Stdout) {
		width, _ = terminal.Size(os.Stdout)
	}
	head := make([]string, len(columns))
	for i, c := range columns {
		c, title, named := strings.Cut(c, "=")
		columns[i] = c
		if head[i] = strings.ToUpper(c); named {
			head[i] = title
		}
	}
	fmt.Fprintln(p.stdout, psLine(head, columns))
	for _, t := range list {
		values := make([]string, len(columns))
		for i, c := range columns {
			values[i] = t.column(c)
		}
		fmt.Fprintln(p.stdout, clip(psLine(values, columns), width))
	}
	return 0
}

// psLine sets values in busybox's columns; the last is as long as it is.
func psLine(values, columns []string) string {
	var out strings.Builder
	for i, v := range values {
		switch {
		case i == len(values)-1:
			out.WriteString(v)
		case columns[i] == "pid" || columns[i] == "ppid" || columns[i] == "rss" || columns[i] == "vsz":
			fmt.Fprintf(&out, "%5s ", v)
		case columns[i] == "time":
			fmt.Fprintf(&out, "%5s ", v)
		default:
			fmt.Fprintf(&out, "%-8s ", v)
		}
	}
	return out.String()
}

// clip cuts text to the columns of a terminal; 0 is no terminal.
func clip(text string, columns int) string {
	if columns <= 0 || terminal.Width(text) <= columns {
		return text
	}
	used := 0
	for i, r := range text {
		if used += terminal.RuneWidth(r); used > columns {
			return text[:i]
		}
	}
	return text
}
