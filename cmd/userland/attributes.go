package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var _ = register("chmod", "[-R] MODE FILE...", chmod) &&
	register("chown", "[-Rh] USER[:GROUP] FILE...", chown) &&
	register("chgrp", "[-R] GROUP FILE...", chown) &&
	register("stat", "[-c FORMAT] FILE...", stat)

// tree runs fn for name, and with recursive for all below it.
func tree(name string, recursive bool, fn func(path string, info fs.FileInfo) error) error {
	if !recursive {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		return fn(name, info)
	}
	return filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Mode()&fs.ModeSymlink != 0 {
			return err
		}
		return fn(path, info)
	})
}

func chmod(p *process) int {
	recursive := false
	words := p.args
	for len(words) > 0 && (words[0] == "-R" || words[0] == "-v" || words[0] == "-f" || words[0] == "--") { // -x is a mode
		recursive = recursive || words[0] == "-R"
		words = words[1:]
	}
	if len(words) < 2 {
		return p.misuse()
	}
	change, err := parseMode(words[0])
	if err != nil {
		return p.fail(err)
	}
	p.args = words[1:]
	return p.each(1, func(name string) error {
		return tree(name, recursive, func(path string, info fs.FileInfo) error { return syscall.Chmod(path, change(info)) })
	})
}

// unixMode is the mode as the kernel has it.
func unixMode(info fs.FileInfo) uint32 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Mode & 0o7777
	}
	return uint32(info.Mode().Perm())
}

// parseMode reads 755 and u+x,go-w.
func parseMode(text string) (func(fs.FileInfo) uint32, error) {
	if n, err := strconv.ParseUint(text, 8, 12); err == nil {
		return func(fs.FileInfo) uint32 { return uint32(n) }, nil
	}
	var steps []func(mode uint32, dir bool) uint32
	for clause := range strings.SplitSeq(text, ",") {
		at := strings.IndexAny(clause, "+-=")
		if at < 0 || strings.Trim(clause[:at], "ugoa") != "" || strings.Trim(clause[at+1:], "rwxXst") != "" {
			return nil, fmt.Errorf("invalid mode '%s'", text)
		}
		who, op, what := clause[:at], clause[at], clause[at+1:]
		steps = append(steps, func(mode uint32, dir bool) uint32 { return applyMode(mode, who, op, modeBits(what, mode, dir)) })
	}
	return func(info fs.FileInfo) uint32 {
		mode := unixMode(info)
		for _, step := range steps {
			mode = step(mode, info.IsDir())
		}
		return mode
	}, nil
}

// modeBits is rwx for one class; X is x where it makes sense; s and t are above.
func modeBits(letters string, mode uint32, dir bool) (bits uint32) {
	for _, l := range letters {
		switch {
		case l == 'r':
			bits |= 4
		case l == 'w':
			bits |= 2
		case l == 'x', l == 'X' && (dir || mode&0o111 != 0):
			bits |= 1
		case l == 's':
			bits |= 0o10
		case l == 't':
			bits |= 0o20
		}
	}
	return bits
}

func applyMode(mode uint32, who string, op byte, bits uint32) uint32 {
	mask := uint32(0)
	if who == "" || strings.Contains(who, "a") {
		who = "ugo"
	}
	var set uint32
	for _, class := range []struct {
		letter string
		shift  uint
		extra  uint32
	}{{"u", 6, 0o4000}, {"g", 3, 0o2000}, {"o", 0, 0}} {
		if !strings.Contains(who, class.letter) {
			continue
		}
		mask |= 7 << class.shift
		set |= bits & 7 << class.shift
		if bits&0o10 != 0 {
			set |= class.extra
		}
	}
	if bits&0o20 != 0 {
		set |= 0o1000
	}
	switch op {
	case '+':
		return mode | set
	case '-':
		return mode &^ set
	default:
		return mode&^mask | set
	}
}

func chown(p *process) int {
	o, ok := p.options("Rhvf")
	if !ok || len(o.rest) < 2 {
		return p.misuse()
	}
	user, group, _ := strings.Cut(o.rest[0], ":")
	if p.name == "chgrp" {
		user, group = "", o.rest[0]
	}
	uid, gid := -1, -1
	var err error
	if user != "" {
		uid, err = idIn("/etc/passwd", user)
	}
	if err == nil && group != "" {
		gid, err = idIn("/etc/group", group)
	}
	if err != nil {
		return p.fail(err)
	}
	p.args = o.rest[1:]
	return p.each(1, func(name string) error {
		return tree(name, o.has('R'), func(path string, _ fs.FileInfo) error {
			if err := os.Lchown(path, uid, gid); err != nil {
				return fmt.Errorf("%s: %s", path, reason(err))
			}
			return nil
		})
	})
}

func stat(p *process) int {
	o, ok := p.options("c:Lt", "format=c")
	if !ok {
		return p.misuse()
	}
	p.args = o.rest
	return p.each(1, func(name string) error {
		info, err := os.Lstat(name)
		if o.has('L') {
			info, err = os.Stat(name)
		}
		if err != nil {
			return fmt.Errorf("can't stat '%s': %s", name, reason(err))
		}
		text := statFull
		if o.has('c') {
			text = o.value('c', "") + "\n"
		}
		_, err = fmt.Fprint(p.stdout, statFormat(text, name, info))
		return err
	})
}

const statFull = "  File: %N\n  Size: %s\tBlocks: %b\tIO Block: %o\t%F\nDevice: %Dh/%dd\tInode: %i\tLinks: %h\n" +
	"Access: (%04a/%A)  Uid: (%u/%U)   Gid: (%g/%G)\nAccess: %x\nModify: %y\nChange: %z\n"

// statFormat fills in stat(1)'s letters.
func statFormat(format, name string, info fs.FileInfo) string {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	long := func(t syscall.Timespec) string {
		return time.Unix(t.Sec, t.Nsec).Format("2006-01-02 15:04:05.000000000 -0700")
	}
	quoted := "'" + name + "'"
	if target, err := os.Readlink(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		quoted += " -> '" + target + "'"
	}
	mode := strconv.FormatUint(uint64(s.Mode&0o7777), 8)
	return strings.NewReplacer(
		"%04a", fmt.Sprintf("%04s", mode), "%a", mode, "%A", modeString(info.Mode()), "%b", fmt.Sprint(s.Blocks), "%d", fmt.Sprint(s.Dev), "%D", fmt.Sprintf("%x", s.Dev),
		"%f", fmt.Sprintf("%x", s.Mode), "%F", kindOf(info), "%g", fmt.Sprint(s.Gid), "%G", groupName(int(s.Gid)), "%h", fmt.Sprint(s.Nlink),
		"%i", fmt.Sprint(s.Ino), "%n", name, "%N", quoted, "%o", fmt.Sprint(s.Blksize), "%s", fmt.Sprint(s.Size),
		"%u", fmt.Sprint(s.Uid), "%U", userName(int(s.Uid)), "%x", long(s.Atim), "%X", fmt.Sprint(s.Atim.Sec),
		"%y", long(s.Mtim), "%Y", fmt.Sprint(s.Mtim.Sec), "%z", long(s.Ctim), "%Z", fmt.Sprint(s.Ctim.Sec), "%%", "%", `\n`, "\n",
	).Replace(format)
}

func kindOf(info fs.FileInfo) string {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return "directory"
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "fifo"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeCharDevice != 0:
		return "character special file"
	case mode&fs.ModeDevice != 0:
		return "block special file"
	case info.Size() == 0:
		return "regular empty file"
	default:
		return "regular file"
	}
}
