package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"drydock/sandbox/lab"
)

// What a lab needs of plain resources.
const (
	needDisk   = 400 << 20
	needMemory = 300 << 20
	needFiles  = 1024
)

// outside tries what needs no lab. scratch is a directory in the state directory.
func outside(o Options, m machine, scratch string) []Trial {
	return []Trial{
		try(Kernel, kernelVersion),
		try(State, func() (string, error) { return stateDirectory(o, m, scratch) }),
		try(Disk, func() (string, error) { return freeDisk(o.State) }),
		try(Memory, freeMemory),
		try(Files, openFiles),
		try(Socket, func() (string, error) { return socketIn(scratch) }),
	}
}

func try(feature ID, fn func() (string, error)) Trial {
	detail, err := fn()
	return Try(feature, detail, err)
}

func kernelVersion() (string, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return "", err
	}
	release := unix.ByteSliceToString(uts.Release[:])
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		return "", fmt.Errorf("read the kernel version %q: %w", release, err)
	}
	if major < 5 || major == 5 && minor < 13 {
		return "", fmt.Errorf("this is Linux %s", release)
	}
	return "Linux " + release, nil
}

var errNoExec = errors.New("mounted noexec")

func stateDirectory(o Options, m machine, scratch string) (string, error) {
	if err := os.WriteFile(filepath.Join(scratch, "file"), []byte("x"), 0o600); err != nil {
		return "", err
	}
	if m.noexec {
		return "", fmt.Errorf("%s: %w", o.Programs, errNoExec)
	}
	return o.State, nil
}

func freeDisk(dir string) (string, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return "", fmt.Errorf("statfs %s: %w", dir, err)
	}
	free := fs.Bavail * uint64(fs.Bsize)
	return enough(free, needDisk, "free")
}

func freeMemory() (string, error) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(string(text), "MemAvailable:")
	var kib uint64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		return "", fmt.Errorf("read MemAvailable: %w", err)
	}
	return enough(kib<<10, needMemory, "available")
}

func enough(have, need uint64, word string) (string, error) {
	if have < need {
		return "", fmt.Errorf("%d MB %s", have>>20, word)
	}
	return fmt.Sprintf("%d MB %s", have>>20, word), nil
}

func openFiles() (string, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return "", err
	}
	// Go raises the soft limit to the hard one by itself.
	if limit.Max < needFiles {
		return "", fmt.Errorf("%d allowed", limit.Max)
	}
	return fmt.Sprintf("%d allowed", limit.Max), nil
}

func socketIn(scratch string) (string, error) {
	path := filepath.Join(scratch, "socket")
	listener, err := lab.Listen(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }() // it has been tried
	conn, err := lab.Dial(path)
	if err != nil {
		return "", err
	}
	return "works", conn.Close()
}
