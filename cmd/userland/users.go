package main

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
)

var _ = register("id", "[-u|-g|-G] [-n]", id) &&
	register("whoami", "", func(p *process) int { fmt.Fprintln(p.stdout, userName(os.Geteuid())); return 0 }) &&
	register("groups", "", func(p *process) int { p.args = []string{"-G", "-n"}; return id(p) }) &&
	register("su", "[-] [USER] [-c COMMAND]", su)

func id(p *process) int {
	o, ok := p.options("ugGnr")
	if !ok || len(o.rest) > 0 {
		return p.misuse()
	}
	uid, gid := os.Geteuid(), os.Getegid()
	groups, err := os.Getgroups()
	if err != nil || len(groups) == 0 {
		groups = []int{gid}
	}
	show := func(n int, name func(int) string) string {
		if o.has('n') {
			return name(n)
		}
		return strconv.Itoa(n)
	}
	var words []string
	switch {
	case o.has('u'):
		words = append(words, show(uid, userName))
	case o.has('g'):
		words = append(words, show(gid, groupName))
	case o.has('G'):
		for _, g := range groups {
			words = append(words, show(g, groupName))
		}
	default:
		var named []string
		for _, g := range groups {
			named = append(named, fmt.Sprintf("%d(%s)", g, groupName(g)))
		}
		words = append(words, fmt.Sprintf("uid=%d(%s) gid=%d(%s) groups=%s", uid, userName(uid), gid, groupName(gid), strings.Join(named, ",")))
	}
	fmt.Fprintln(p.stdout, strings.Join(words, " "))
	return 0
}

func userName(uid int) string  { return nameIn("/etc/passwd", uid) }
func groupName(gid int) string { return nameIn("/etc/group", gid) }

// nameIn looks an id up in passwd(5) or group(5), where it is the third field; without an entry the number is the name.
func nameIn(file string, id int) string {
	word := strconv.Itoa(id)
	if fields := record(file, func(f []string) bool { return f[2] == word }); fields != nil {
		return fields[0]
	}
	return word
}

// idIn is the reverse of nameIn; numbers are taken as they are.
func idIn(file, name string) (int, error) {
	if n, err := strconv.Atoi(name); err == nil {
		return n, nil
	}
	if fields := record(file, func(f []string) bool { return f[0] == name }); fields != nil {
		return strconv.Atoi(fields[2])
	}
	return 0, fmt.Errorf("unknown user or group %s", name)
}

func record(file string, wanted func([]string) bool) []string {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil // an image may have none
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Split(strings.TrimSpace(line), ":"); len(fields) > 2 && wanted(fields) {
			return fields
		}
	}
	return nil
}

// ownerOf is the uid a file belongs to.
func ownerOf(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return 0
}

// su becomes another user where the lab has other users: with a single uid mapped the kernel knows nobody else (user_namespaces(7)).
func su(p *process) int {
	words := p.args
	if len(words) > 0 && words[0] == "-" {
		words = words[1:]
	}
	user := "root"
	if len(words) > 0 && words[0] != "-c" {
		user, words = words[0], words[1:]
	}
	uid, err := idIn("/etc/passwd", user)
	if err != nil {
		return p.failf("unknown user %s", user)
	}
	fields := record("/etc/passwd", func(f []string) bool { return f[0] == user })
	gid := uid
	if len(fields) > 3 {
		gid, _ = strconv.Atoi(fields[3]) // a broken line keeps the uid's group
	}
	if uid != os.Geteuid() {
		err = syscall.Setgroups([]int{gid})
		if err == nil {
			err = syscall.Setgid(gid)
		}
		if err == nil {
			err = syscall.Setuid(uid)
		}
	}
	if err != nil {
		return p.failf("can't become %s: %s (this container knows only the users its user namespace maps: /proc/self/uid_map)", user, reason(err))
	}
	return p.replaceBy(append([]string{"sh"}, words...), os.Environ())
}
