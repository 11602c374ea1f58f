package e2e_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNothingOutlivesTheKeeper kills the one process a lab hangs on, as a crash would, and looks for what is left.
func TestNothingOutlivesTheKeeper(t *testing.T) {
	program := binary(t)
	dir := privateDir(t, nil)
	home := filepath.Join(dir, "state")
	env := append(os.Environ(), "DRYDOCK_HOME="+home, "HOME="+dir)
	run := func(args ...string) {
		t.Helper()
		if out, err := command(program, nil, env, args...).CombinedOutput(); err != nil {
			t.Fatalf("drydock %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	run("up", "--nodes", "2")
	run("kubectl", "run", "web", "--image=drydock/web:1")
	run("kubectl", "wait", "--for=condition=Ready", "pod/web", "--timeout=30s")

	lab := labProcesses(t, home)
	if len(lab) < 8 { // keeper, pid 1, two nodes with three services each
		t.Fatalf("only %d processes of the lab found: %v", len(lab), slices.Collect(maps.Values(lab)))
	}
	keeper := -1
	for pid, line := range lab {
		if strings.Contains(line, "/dockkeep\x00") {
			keeper = pid
		}
	}
	if keeper < 0 {
		t.Fatalf("no keeper among %q", slices.Collect(maps.Values(lab)))
	}
	first := groupsOfAll(lab)
	if err := syscall.Kill(keeper, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for pid := range lab {
		awaitEnd(t, pid)
	}
	if left := mountsOf(t, home); len(left) > 0 {
		t.Errorf("mounts left behind: %q", left)
	}
	run("down") // what a keeper that is killed cannot remove
	gone(t, first)
	// What was answered before the crash is there afterwards, and the pod comes back.
	run("up", "--nodes", "2")
	run("kubectl", "wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
	second := groupsOfAll(labProcesses(t, home))
	run("down")
	gone(t, second)
	if left := labProcesses(t, home); len(left) > 0 {
		t.Errorf("processes left behind: %q", slices.Collect(maps.Values(left)))
	}
}

// TestKeeperSweepsAfterItsLab kills the lab from within, its first process, and looks whether the keeper outside cleans up.
func TestKeeperSweepsAfterItsLab(t *testing.T) {
	program := binary(t)
	dir := privateDir(t, nil)
	home := filepath.Join(dir, "state")
	env := append(os.Environ(), "DRYDOCK_HOME="+home, "HOME="+dir)
	if out, err := command(program, nil, env, "up", "--nodes", "1").CombinedOutput(); err != nil {
		t.Fatalf("drydock up: %v\n%s", err, out)
	}
	lab := labProcesses(t, home)
	groups := groupsOfAll(lab)
	for pid, line := range lab {
		if strings.Contains(line, "/dockplane\x00") {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
	}
	for pid := range lab { // the keeper is among them, and ends last
		awaitEnd(t, pid)
	}
	gone(t, groups)
}

// TestNothingOutlivesAKilledProof kills `drydock pack test` while it has a lab.
func TestNothingOutlivesAKilledProof(t *testing.T) {
	program := binary(t)
	dir := privateDir(t, nil)
	home := filepath.Join(dir, "state")
	proof := command(program, nil, append(os.Environ(), "DRYDOCK_HOME="+home, "HOME="+dir), "pack", "test", "../lessons/library/first-steps", "--jobs", "1")
	if err := proof.Start(); err != nil {
		t.Fatal(err)
	}
	var lab map[int]string
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for late := time.After(time.Minute); len(lab) < 4; { // keeper, control plane, and a node's
		select {
		case <-look.C:
			lab = labProcesses(t, home)
			delete(lab, proof.Process.Pid)
		case <-late:
			t.Fatalf("no lab was started; processes %v", lab)
		}
	}
	if err := proof.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = proof.Wait() // it was killed
	for pid := range lab {
		awaitEnd(t, pid)
	}
	labs, err := os.ReadDir(filepath.Join(home, "labs"))
	if err != nil || len(labs) > 0 {
		t.Errorf("labs left behind: %v, %v", labs, err)
	}
}

func gone(t *testing.T, groups []string) {
	t.Helper()
	for _, dir := range groups {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("cgroup %s is left behind", dir)
		}
	}
}

func groupsOfAll(processes map[int]string) []string {
	var groups []string
	for pid := range processes {
		groups = append(groups, groupsOf(pid)...)
	}
	return groups
}

// groupsOf are the directories of the cgroups that drydock has made for a process (version 1; cgroups(7)).
func groupsOf(pid int) []string {
	var dirs []string
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) == 3 && strings.HasPrefix(fields[2], "/drydock-") {
			dirs = append(dirs, filepath.Join("/sys/fs/cgroup", fields[1], fields[2]))
		}
	}
	return dirs
}

// labProcesses finds the processes whose mount table knows the lab's directory, and their command lines.
func labProcesses(t *testing.T, home string) map[int]string {
	t.Helper()
	found := map[int]string{}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		line, err1 := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		environment, err2 := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		mounts, err3 := os.ReadFile(filepath.Join("/proc", e.Name(), "mountinfo"))
		if err1 != nil || err2 != nil || err3 != nil {
			continue // ended meanwhile
		}
		if strings.Contains(string(line)+string(environment)+string(mounts), home) {
			found[pid] = string(line)
		}
	}
	return found
}

// awaitEnd waits until a process has ended; one that has ended already is as good.
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 1000)
		if n == 1 {
			return
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
	}
	line, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	t.Errorf("process %d lives on: %q", pid, line)
}

func mountsOf(t *testing.T, home string) []string {
	t.Helper()
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for line := range strings.Lines(string(table)) {
		if strings.Contains(line, home) {
			left = append(left, line)
		}
	}
	return left
}
