package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// IDMap says which of the machine's user and group ids exist inside a lab.
type IDMap string

const (
	// WholeRange: the caller is root; every id exists and is itself.
	WholeRange IDMap = "whole range"
	// SubordinateRange: id 0 is the caller, 1–65536 come from /etc/subuid and /etc/subgid through newuidmap(1).
	SubordinateRange IDMap = "subordinate range"
	// SingleID: id 0 is the caller and no other id exists: no chown, no setuid to another user.
	SingleID IDMap = "single id"
)

// subordinateCount is how many ids newuidmap must be able to give: images expect ids up to 65534 (nobody).
const subordinateCount = 65536

// ChooseIDMap returns the widest map this user should have on this machine. It reads files only; see StartWidest.
func ChooseIDMap() IDMap {
	if os.Geteuid() == 0 && seesWholeRange() {
		return WholeRange
	}
	if os.Geteuid() == 0 {
		return SingleID // root of a user namespace, as in a rootless container: it has not got all ids to give
	}
	if _, err := subordinateRanges(); err == nil {
		return SubordinateRange
	}
	return SingleID
}

// seesWholeRange says whether every id exists in the caller's user namespace (user_namespaces(7)).
func seesWholeRange() bool {
	for _, file := range []string{"/proc/self/uid_map", "/proc/self/gid_map"} {
		text, err := os.ReadFile(file)
		if err != nil || strings.Join(strings.Fields(string(text)), " ") != "0 0 4294967295" {
			return false
		}
	}
	return true
}

// attributes sets the clone's maps, as far as the kernel lets us write them ourselves (user_namespaces(7): one line, our own id).
func (m IDMap) attributes(attr *syscall.SysProcAttr) {
	switch m {
	case WholeRange:
		whole := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1<<32 - 1}}
		attr.UidMappings, attr.GidMappings, attr.GidMappingsEnableSetgroups = whole, whole, true
	case SingleID:
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	case SubordinateRange:
		// The maps are written by newuidmap after the clone, so the program starts as the overflow uid. Exec would
		// drop its capabilities; ambient ones survive (capabilities(7)). All are needed: the program mounts next.
		for c := uintptr(0); c <= lastCapability(); c++ {
			attr.AmbientCaps = append(attr.AmbientCaps, c)
		}
	}
}

// write finishes the map of a clone that is waiting at its gate; only SubordinateRange has something left to write.
func (m IDMap) write(pid int) error {
	if m != SubordinateRange {
		return nil
	}
	ranges, err := subordinateRanges()
	if err != nil {
		return err
	}
	for i, tool := range []string{"newuidmap", "newgidmap"} {
		own := []int{os.Geteuid(), os.Getegid()}[i]
		args := []string{strconv.Itoa(pid), "0", strconv.Itoa(own), "1", "1", strconv.Itoa(ranges[i]), strconv.Itoa(subordinateCount)}
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s %s: %w: %s", tool, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// become makes the caller id 0 of its user namespace; for a map written before exec it already is.
func (m IDMap) become() error {
	if m != SubordinateRange {
		return nil
	}
	if err := syscall.Setresgid(0, 0, 0); err != nil {
		return fmt.Errorf("become gid 0 of the lab: %w", err)
	}
	if err := syscall.Setgroups([]int{0}); err != nil {
		return fmt.Errorf("set the lab's groups: %w", err)
	}
	if err := syscall.Setresuid(0, 0, 0); err != nil {
		return fmt.Errorf("become uid 0 of the lab: %w", err)
	}
	return nil
}

// subordinateRanges returns the first id of this user's ranges in /etc/subuid and /etc/subgid, or an error when one is
// missing or shorter than subordinateCount, or a helper is not installed.
func subordinateRanges() ([2]int, error) {
	var first [2]int
	me, err := user.Current()
	if err != nil {
		return first, fmt.Errorf("look up the current user: %w", err)
	}
	for i, source := range []struct{ file, tool string }{{"/etc/subuid", "newuidmap"}, {"/etc/subgid", "newgidmap"}} {
		if _, err := exec.LookPath(source.tool); err != nil {
			return first, fmt.Errorf("find %s: %w", source.tool, err)
		}
		file, err := os.Open(source.file)
		if err != nil {
			return first, err
		}
		first[i], err = findRange(file, me.Username, me.Uid)
		file.Close()
		if err != nil {
			return first, fmt.Errorf("%s: %w", source.file, err)
		}
	}
	return first, nil
}

var errNoRange = errors.New("no range of 65536 ids for this user")

// findRange reads subuid(5) lines, "name-or-uid:first:count".
func findRange(r io.Reader, name, uid string) (int, error) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Split(strings.TrimSpace(lines.Text()), ":")
		if len(fields) != 3 || fields[0] != name && fields[0] != uid {
			continue
		}
		first, err1 := strconv.Atoi(fields[1])
		count, err2 := strconv.Atoi(fields[2])
		if err1 == nil && err2 == nil && count >= subordinateCount {
			return first, nil
		}
	}
	return 0, errNoRange
}
