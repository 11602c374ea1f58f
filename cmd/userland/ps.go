package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

var _ = register("ps", "[aux|-ef]   (always all processes, in busybox's columns)", ps)

// ticksPerSecond is USER_HZ, 100 on every Linux that Go runs on (proc_pid_stat(5)).
const ticksPerSecond = 100

func ps(p *process) int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return p.fail(err)
	}
	fmt.Fprintln(p.stdout, "PID   USER     TIME  COMMAND")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if line, ok := psLine(pid); ok {
			fmt.Fprintln(p.stdout, line)
		}
	}
	return 0
}

// psLine describes one process; false when it has ended meanwhile.
func psLine(pid int) (string, bool) {
	dir := fmt.Sprintf("/proc/%d/", pid)
	info, err := os.Stat(dir)
	if err != nil {
		return "", false
	}
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		return "", false
	}
	// The name is in parentheses and may hold anything, also parentheses: fields are counted from the last one.
	open, closing := strings.IndexByte(string(stat), '('), strings.LastIndexByte(string(stat), ')')
	fields := strings.Fields(string(stat[closing+1:]))
	user, _ := strconv.Atoi(fields[11]) // utime, field 14 of the page
	system, _ := strconv.Atoi(fields[12])
	spent := time.Duration(user+system) * time.Second / ticksPerSecond
	command, _ := os.ReadFile(dir + "cmdline") // empty for kernel threads and zombies
	words := strings.TrimSpace(strings.ReplaceAll(string(command), "\x00", " "))
	if words == "" {
		words = "[" + string(stat[open+1:closing]) + "]"
	}
	return fmt.Sprintf("%5d %-8s %2d:%02d %s", pid, userName(ownerOf(info)), int(spent.Minutes()), int(spent.Seconds())%60, words), true
}
