package main

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// withHome adds HOME when the environment lacks it, as runc does: the user's directory in the container's /etc/passwd,
// or "/".
func withHome(env []string, uid int) []string {
	if variable(env, "HOME") != "" {
		return env
	}
	return append(env, "HOME="+homeOf(uid))
}

func homeOf(uid int) string {
	// The image decides what this file is: O_NONBLOCK, so that a FIFO cannot hold us, and no more than it may need.
	f, err := os.OpenFile("/etc/passwd", os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return "/"
	}
	defer f.Close()
	content := make([]byte, 64<<10)
	n, _ := f.Read(content)
	return homeIn(content[:n], strconv.Itoa(uid))
}

// homeIn finds the user's directory in the lines of passwd(5): name:password:uid:gid:comment:home:shell.
func homeIn(passwd []byte, uid string) string {
	for line := range bytes.Lines(passwd) {
		fields := bytes.Split(bytes.TrimSpace(line), []byte(":"))
		if len(fields) >= 6 && string(fields[2]) == uid && len(fields[5]) > 0 {
			return string(fields[5])
		}
	}
	return "/"
}
