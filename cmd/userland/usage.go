package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

var _ = register("du", "[-shka] [-d DEPTH] [FILE...]", du) &&
	register("df", "[-hk] [FILE...]", df) &&
	register("mount", "[-t TYPE] [-o OPTIONS] [SOURCE DIR]", mount) &&
	register("umount", "[-l] DIR...", umount) &&
	register("free", "[-hmk]", free)

// sizes prints kilobytes, or what -h makes of them.
func sizes(o options, kilobytes int64) string {
	if o.has('h') {
		return human(kilobytes << 10)
	}
	if o.has('m') {
		return strconv.FormatInt(kilobytes>>10, 10)
	}
	return strconv.FormatInt(kilobytes, 10)
}

func du(p *process) int {
	o, ok := p.options("shkmacxd:", "max-depth=d")
	depth, err := count(o.value('d', "1000000"))
	if !ok || err != nil {
		return p.misuse()
	}
	if o.has('s') {
		depth = 0
	}
	names := o.rest
	if len(names) == 0 {
		names = []string{"."}
	}
	status := 0
	seen := map[uint64]bool{} // a file with many links counts once
	for _, name := range names {
		info, err := os.Lstat(name)
		if err != nil {
			status = p.fail(err)
			continue
		}
		p.duTree(name, info, int(depth), o, seen)
	}
	return status
}

// duTree prints the size of what is below name, deepest first, and returns it in kilobytes.
func (p *process) duTree(name string, info fs.FileInfo, depth int, o options, seen map[uint64]bool) int64 {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || seen[stat.Ino] && stat.Nlink > 1 && !info.IsDir() {
		return 0
	}
	seen[stat.Ino] = true
	total := stat.Blocks / 2
	if info.IsDir() {
		entries, err := os.ReadDir(name)
		if err != nil {
			p.fail(err)
		}
		for _, e := range entries {
			if below, err := e.Info(); err == nil { // gone meanwhile
				total += p.duTree(filepath.Join(name, e.Name()), below, depth-1, o, seen)
			}
		}
	}
	if depth >= 0 && (info.IsDir() || o.has('a')) || depth >= 0 && !info.IsDir() && o.has('s') {
		fmt.Fprintf(p.stdout, "%s\t%s\n", sizes(o, total), name)
	}
	return total
}

// mountEntry is a line of /proc/self/mounts (fstab(5)).
type mountEntry struct{ source, dir, kind, options string }

func mounts() ([]mountEntry, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	var list []mountEntry
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) >= 4 {
			list = append(list, mountEntry{f[0], strings.ReplaceAll(f[1], `\040`, " "), f[2], f[3]})
		}
	}
	return list, nil
}

func df(p *process) int {
	o, ok := p.options("hkmPTai")
	if !ok {
		return p.misuse()
	}
	list, err := mounts()
	if err != nil {
		return p.fail(err)
	}
	title := "1K-blocks"
	if o.has('h') {
		title = "Size"
	}
	fmt.Fprintf(p.stdout, "%-20s %10s %9s %9s %4s %s\n", "Filesystem", title, "Used", "Available", "Use%", "Mounted on")
	if len(o.rest) > 0 {
		return p.dfFiles(o, list)
	}
	for _, m := range list {
		p.dfLine(o, m, false)
	}
	return 0
}

func (p *process) dfFiles(o options, list []mountEntry) int {
	p.args = o.rest
	return p.each(1, func(name string) error {
		path, err := filepath.Abs(name)
		if err == nil {
			path, err = filepath.EvalSymlinks(path)
		}
		if err != nil {
			return fmt.Errorf("%s: can't find mount point", name)
		}
		var best mountEntry
		for _, m := range list {
			if (path == m.dir || strings.HasPrefix(path, strings.TrimSuffix(m.dir, "/")+"/")) && len(m.dir) >= len(best.dir) {
				best = m
			}
		}
		p.dfLine(o, best, true)
		return nil
	})
}

func (p *process) dfLine(o options, m mountEntry, always bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(m.dir, &s); err != nil || s.Blocks == 0 && !always && !o.has('a') {
		return // proc, sysfs and what is hidden below another mount
	}
	unit := s.Bsize
	kilobytes := func(blocks uint64) int64 { return int64(blocks) * unit / 1024 }
	used := kilobytes(s.Blocks - s.Bfree)
	available := kilobytes(s.Bavail)
	percent := int64(0)
	if used+available > 0 {
		percent = (used*100 + used + available - 1) / (used + available)
	}
	fmt.Fprintf(p.stdout, "%-20s %10s %9s %9s %3d%% %s\n", m.source, sizes(o, kilobytes(s.Blocks)), sizes(o, used), sizes(o, available), percent, m.dir)
}

func mount(p *process) int {
	o, ok := p.options("t:o:arb", "bind=b")
	if !ok || len(o.rest) != 0 && len(o.rest) != 2 {
		return p.misuse()
	}
	if len(o.rest) == 0 {
		list, err := mounts()
		if err != nil {
			return p.fail(err)
		}
		for _, m := range list {
			if kind := o.value('t', m.kind); kind == m.kind {
				fmt.Fprintf(p.stdout, "%s on %s type %s (%s)\n", m.source, m.dir, m.kind, m.options)
			}
		}
		return 0
	}
	var flags uintptr
	var data []string
	names := map[string]uintptr{"ro": unix.MS_RDONLY, "bind": unix.MS_BIND, "remount": unix.MS_REMOUNT, "nosuid": unix.MS_NOSUID, "nodev": unix.MS_NODEV, "noexec": unix.MS_NOEXEC, "rbind": unix.MS_BIND | unix.MS_REC, "rw": 0}
	for word := range strings.SplitSeq(o.value('o', ""), ",") {
		if bit, ok := names[word]; ok {
			flags |= bit
		} else if word != "" {
			data = append(data, word)
		}
	}
	if o.has('b') {
		flags |= unix.MS_BIND
	}
	if err := unix.Mount(o.rest[0], o.rest[1], o.value('t', ""), flags, strings.Join(data, ",")); err != nil {
		return p.failf("mounting %s on %s failed: %s", o.rest[0], o.rest[1], reason(err))
	}
	return 0
}

func umount(p *process) int {
	o, ok := p.options("lfr")
	if !ok {
		return p.misuse()
	}
	flags := 0
	if o.has('l') {
		flags = unix.MNT_DETACH
	}
	p.args = o.rest
	return p.each(1, func(dir string) error {
		if err := unix.Unmount(dir, flags); err != nil {
			return fmt.Errorf("can't unmount %s: %s", dir, reason(err))
		}
		return nil
	})
}

// meminfo is /proc/meminfo in kilobytes.
func meminfo() (map[string]int64, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return nil, err
	}
	values := map[string]int64{}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(line, ":")
		if f := strings.Fields(rest); len(f) > 0 {
			values[name], _ = strconv.ParseInt(f[0], 10, 64) // the kernel writes numbers
		}
	}
	return values, nil
}

func free(p *process) int {
	o, ok := p.options("hmkbg")
	if !ok {
		return p.misuse()
	}
	m, err := meminfo()
	if err != nil {
		return p.fail(err)
	}
	cache := m["Buffers"] + m["Cached"] + m["SReclaimable"]
	row := func(w io.Writer, name string, values ...int64) {
		fmt.Fprintf(w, "%-6s", name)
		for _, v := range values {
			fmt.Fprintf(w, " %11s", sizes(o, v))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(p.stdout, "             total        used        free      shared  buff/cache   available")
	row(p.stdout, "Mem:", m["MemTotal"], m["MemTotal"]-m["MemFree"]-cache, m["MemFree"], m["Shmem"], cache, m["MemAvailable"])
	row(p.stdout, "Swap:", m["SwapTotal"], m["SwapTotal"]-m["SwapFree"], m["SwapFree"])
	return 0
}
