package main

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"drydock/cmd/userland/terminal"
)

var _ = register("ls", "[-1alhRtSrdFin] [--color=WHEN] [FILE...]", ls)

// lister is one run of ls.
type lister struct {
	p       *process
	o       options
	colour  bool
	columns int // 0: one name a line
	now     time.Time
}

// entry is one name that ls shows.
type entry struct {
	name, path string
	info       fs.FileInfo
}

func ls(p *process) int {
	l := &lister{p: p, now: time.Now()}
	if slices.Contains(p.args, "--color") {
		l.colour = true
		p.args = slices.DeleteFunc(slices.Clone(p.args), func(w string) bool { return w == "--color" })
	}
	var ok bool
	if l.o, ok = p.options("1aAlhRtSrdFinCk", "all=a", "color=@", "human-readable=h", "recursive=R"); !ok {
		return p.misuse()
	}
	onTerminal := p.stdout == io.Writer(os.Stdout) && terminal.IsTerminal(os.Stdout)
	switch when := l.o.value('@', ""); when {
	case "always", "auto":
		l.colour = when == "always" || onTerminal
	}
	if (onTerminal || l.o.has('C')) && !l.o.has('1') && !l.o.has('l') {
		l.columns, _ = terminal.Size(os.Stdout)
	}
	names := l.o.rest
	if len(names) == 0 {
		names = []string{"."}
	}
	return l.list(names)
}

// list shows the files among names first, then each directory.
func (l *lister) list(names []string) int {
	status := 0
	var files, dirs []entry
	for _, name := range names {
		info, err := os.Lstat(name)
		if err == nil && info.Mode()&fs.ModeSymlink != 0 && !l.o.has('l') && !l.o.has('d') {
			if followed, err := os.Stat(name); err == nil {
				info = followed
			}
		}
		switch {
		case err != nil:
			status = l.p.fail(err)
		case info.IsDir() && !l.o.has('d'):
			dirs = append(dirs, entry{name, name, info})
		default:
			files = append(files, entry{name, name, info})
		}
	}
	l.show(files)
	for i, d := range l.sorted(dirs) {
		if i > 0 || len(files) > 0 {
			fmt.Fprintln(l.p.stdout)
		}
		status = max(status, l.directory(d.path, len(names) > 1 || l.o.has('R')))
	}
	return status
}

func (l *lister) directory(path string, titled bool) int {
	if titled {
		fmt.Fprintf(l.p.stdout, "%s:\n", path)
	}
	entries, status := l.read(path)
	if l.o.has('l') {
		var blocks int64
		for _, e := range entries {
			if stat, ok := e.info.Sys().(*syscall.Stat_t); ok {
				blocks += stat.Blocks
			}
		}
		fmt.Fprintf(l.p.stdout, "total %s\n", l.size(blocks/2, blocks*512))
	}
	l.show(entries)
	if l.o.has('R') {
		for _, e := range l.sorted(entries) {
			if e.info.IsDir() && e.name != "." && e.name != ".." {
				fmt.Fprintln(l.p.stdout)
				status = max(status, l.directory(e.path, true))
			}
		}
	}
	return status
}

func (l *lister) read(path string) (entries []entry, status int) {
	found, err := os.ReadDir(path)
	if err != nil {
		return nil, l.p.failf("can't open '%s': %s", path, reason(err))
	}
	names := make([]string, 0, len(found)+2)
	if l.o.has('a') {
		names = append(names, ".", "..")
	}
	for _, f := range found {
		if l.o.has('a') || l.o.has('A') || f.Name()[0] != '.' {
			names = append(names, f.Name())
		}
	}
	for _, name := range names {
		full := filepath.Join(path, name)
		if info, err := os.Lstat(full); err == nil { // gone meanwhile: not listed
			entries = append(entries, entry{name, full, info})
		}
	}
	return entries, 0
}

func (l *lister) sorted(entries []entry) []entry {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b entry) int {
		switch {
		case l.o.has('t') && !a.info.ModTime().Equal(b.info.ModTime()):
			return b.info.ModTime().Compare(a.info.ModTime())
		case l.o.has('S') && a.info.Size() != b.info.Size():
			return cmp.Compare(b.info.Size(), a.info.Size())
		}
		return strings.Compare(a.name, b.name)
	})
	if l.o.has('r') {
		slices.Reverse(entries)
	}
	return entries
}

func (l *lister) show(entries []entry) {
	entries = l.sorted(entries)
	switch {
	case l.o.has('l') || l.o.has('n'):
		l.long(entries)
	case l.columns > 0:
		words := make([]string, len(entries))
		for i, e := range entries {
			words[i] = l.label(e)
		}
		fmt.Fprint(l.p.stdout, terminal.Columns(words, l.columns))
	default:
		for _, e := range entries {
			fmt.Fprintln(l.p.stdout, l.label(e))
		}
	}
}

// label is the name with what -i, -F and --color add.
func (l *lister) label(e entry) string {
	text := e.name
	if code := colourOf(e.info); l.colour && code != "" {
		text = "\x1b[" + code + "m" + text + "\x1b[m"
	}
	if l.o.has('F') {
		text += mark(e.info)
	}
	if stat, ok := e.info.Sys().(*syscall.Stat_t); ok && l.o.has('i') {
		text = fmt.Sprintf("%7d %s", stat.Ino, text)
	}
	return text
}

func colourOf(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return "1;34"
	case mode&fs.ModeSymlink != 0:
		return "1;36"
	case mode&(fs.ModeDevice|fs.ModeNamedPipe|fs.ModeSocket) != 0:
		return "1;35"
	case mode&0o111 != 0:
		return "1;32"
	}
	return ""
}

func mark(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return "/"
	case mode&fs.ModeSymlink != 0:
		return "@"
	case mode&fs.ModeNamedPipe != 0:
		return "|"
	case mode&fs.ModeSocket != 0:
		return "="
	case mode&0o111 != 0:
		return "*"
	}
	return ""
}

// long is ls -l: columns as wide as their widest word.
func (l *lister) long(entries []entry) {
	rows := make([][]string, len(entries))
	var widths [5]int
	for i, e := range entries {
		rows[i] = l.row(e)
		for c := range widths {
			widths[c] = max(widths[c], len(rows[i][c]))
		}
	}
	for _, r := range rows {
		fmt.Fprintf(l.p.stdout, "%s %*s %-*s %-*s %*s %s %s\n", r[0], widths[1], r[1], widths[2], r[2], widths[3], r[3], widths[4], r[4], r[5], r[6])
	}
}

func (l *lister) row(e entry) []string {
	links, owner, group, size := "1", "0", "0", l.size(e.info.Size(), e.info.Size())
	if stat, ok := e.info.Sys().(*syscall.Stat_t); ok {
		links = fmt.Sprint(stat.Nlink)
		owner, group = fmt.Sprint(stat.Uid), fmt.Sprint(stat.Gid)
		if !l.o.has('n') {
			owner, group = userName(int(stat.Uid)), nameIn("/etc/group", int(stat.Gid))
		}
		if e.info.Mode()&fs.ModeDevice != 0 {
			size = fmt.Sprintf("%d, %d", unix.Major(stat.Rdev), unix.Minor(stat.Rdev))
		}
	}
	name := l.label(e)
	if target, err := os.Readlink(e.path); err == nil {
		name += " -> " + target
	}
	return []string{modeString(e.info.Mode()), links, owner, group, size, l.when(e.info.ModTime()), name}
}

// when shows the hour for what is younger than half a year, the year for the rest.
func (l *lister) when(t time.Time) string {
	if age := l.now.Sub(t); age > 182*24*time.Hour || age < -time.Hour {
		return t.Format("Jan _2  2006")
	}
	return t.Format("Jan _2 15:04")
}

func (l *lister) size(n, bytes int64) string {
	if !l.o.has('h') {
		return fmt.Sprint(n)
	}
	return human(bytes)
}

// human is 1.5K, 23.0M.
func human(n int64) string {
	if n < 1024 {
		return fmt.Sprint(n)
	}
	value, unit := float64(n), 0
	for value >= 1024 && unit < 4 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.1f%c", value, " KMGT"[unit])
}

// modeString is drwxr-xr-x, with s and t where chmod(1) puts them.
func modeString(mode fs.FileMode) string {
	kind := byte('-')
	for _, k := range []struct {
		bit    fs.FileMode
		letter byte
	}{{fs.ModeDevice, 'b'}, {fs.ModeCharDevice, 'c'}, {fs.ModeDir, 'd'}, {fs.ModeSymlink, 'l'}, {fs.ModeNamedPipe, 'p'}, {fs.ModeSocket, 's'}} {
		if mode&k.bit != 0 {
			kind = k.letter
		}
	}
	text := []byte(mode.Perm().String())
	text[0] = kind
	for _, s := range []struct {
		bit    fs.FileMode
		at     int
		letter byte
	}{{fs.ModeSetuid, 3, 's'}, {fs.ModeSetgid, 6, 's'}, {fs.ModeSticky, 9, 't'}} {
		if mode&s.bit == 0 {
			continue
		}
		if text[s.at] == '-' {
			text[s.at] = s.letter - 'a' + 'A'
		} else {
			text[s.at] = s.letter
		}
	}
	return string(text)
}
