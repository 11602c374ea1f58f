package cgroup

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// stat is what the governor needs of /proc/PID/stat.
type stat struct {
	state  byte
	parent int
	start  uint64 // clock ticks since boot; with the pid it names a process for good
}

// parseStat reads a line of /proc/PID/stat (proc(5)). The second field is the program's name in parentheses, which may hold
// anything, also parentheses and spaces: what counts begins after the last one.
func parseStat(line string) (stat, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return stat{}, fmt.Errorf("parse /proc/PID/stat: %q has no name", line)
	}
	fields := strings.Fields(line[end+1:]) // the first of them is field 3
	if len(fields) < 20 || len(fields[0]) != 1 {
		return stat{}, fmt.Errorf("parse /proc/PID/stat: %q is too short", line)
	}
	parent, err := strconv.Atoi(fields[1])
	if err != nil {
		return stat{}, fmt.Errorf("parse /proc/PID/stat: parent %q", fields[1])
	}
	start, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return stat{}, fmt.Errorf("parse /proc/PID/stat: start time %q", fields[19])
	}
	return stat{state: fields[0][0], parent: parent, start: start}, nil
}

func statOf(pid int) (stat, error) {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(line))
}

// memoryOf is the memory that a process has for itself: resident pages but those of files (proc(5), statm).
func memoryOf(pid int) int64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return 0
	}
	resident, _ := strconv.ParseInt(fields[1], 10, 64)
	file, _ := strconv.ParseInt(fields[2], 10, 64)
	return max(resident-file, 0) * int64(os.Getpagesize())
}

// cpuOf is the CPU time a process has used, all its threads together. The clock of another process is named by its pid,
// inverted, and works from every pid namespace above its own (clock_getcpuclockid(3)).
func cpuOf(pid int) (nanoseconds int64, alive bool) {
	const processClock = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|processClock), &t); err != nil {
		return 0, false
	}
	return t.Nano(), true
}

// mountsOf is a process's mount namespace: every container has its own.
func mountsOf(pid int) uint64 {
	var st unix.Stat_t
	if err := unix.Stat("/proc/"+strconv.Itoa(pid)+"/ns/mnt", &st); err != nil {
		return 0
	}
	return st.Ino
}
