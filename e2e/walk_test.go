package e2e_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// prefix is Ctrl+G, which asks the interface rather than the shell.
const prefix = "\x07"

// TestWalkThroughTheFirstLesson goes through the first lesson as a person would: reads, types, sees it turn green, asks for a
// hint, resets, quits, and finds everything again.
func TestWalkThroughTheFirstLesson(t *testing.T) {
	var who *syscall.Credential
	if os.Getuid() == 0 {
		who = &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}
	}
	program := binary(t)
	dir := privateDir(t, who)
	env := append(os.Environ(), "DRYDOCK_HOME="+filepath.Join(dir, "state"), "HOME="+dir, "SHELL=/bin/sh",
		"TERM=xterm-256color", "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	t.Cleanup(func() {
		if out, err := command(program, who, env, "down").CombinedOutput(); err != nil {
			t.Errorf("drydock down: %v\n%s", err, out)
		}
	})

	c := openConsole(t, command(program, who, env), 160, 45)
	c.await("Your first pod")
	c.await("waiting")
	c.await("nodes 3")
	c.await("Welcome  1/3") // the first visit begins with a tour
	c.send("\r")
	c.await("Welcome  2/3")
	c.send("\x1b")
	c.awaitGone("Welcome")
	c.send("kubectl run web --image=drydock/web:1\r")
	c.await("pod/web created")
	c.await("Running")
	c.await("checks 1/1")
	c.send(prefix + "h")
	c.await("hint 1 of 3")
	c.send("\x1b")
	c.awaitGone("hint 1 of 3")
	c.send(prefix + "r")
	c.await("pod/web")
	c.send("y")
	c.await("checks 0/1")
	c.send("kubectl get pods\r")
	c.await("No resources found in default namespace.")
	c.send("kubectl run web --image=drydock/web:1\r")
	c.await("checks 1/1")
	c.send("exit\r") // the shell ends; a new one opens
	c.send(prefix + "q")
	c.left()

	again := openConsole(t, command(program, who, env), 100, 30)
	again.await("Your first pod")
	again.await("step 2/4")
	again.send(prefix + "q")
	again.left()
}

// privateDir is a fresh directory that belongs to who.
func privateDir(t *testing.T, who *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "drydock-walk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // nothing depends on it
	if err := openTo(dir, who); err != nil {
		t.Fatal(err)
	}
	return dir
}
