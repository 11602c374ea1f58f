package machine

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// ownIDs gives attr a user namespace of the machine's own in which every id of the lab is itself. It is there for the mounts: what a
// mount namespace inherits from one of a more privileged user namespace is locked (mount_namespaces(7)), so not even the
// machine's root can make writable what the lab has mounted read-only, which are the files of the real machine.
func ownIDs(attr *syscall.SysProcAttr) error {
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	for file, maps := range map[string]*[]syscall.SysProcIDMap{"/proc/self/uid_map": &attr.UidMappings, "/proc/self/gid_map": &attr.GidMappings} {
		text, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("read the lab's ids: %w", err)
		}
		*maps, err = identity(text)
		text.Close()
		if err != nil {
			return fmt.Errorf("read the lab's ids in %s: %w", file, err)
		}
	}
	groups, err := os.ReadFile("/proc/self/setgroups")
	if err != nil {
		return fmt.Errorf("read whether groups can be set: %w", err)
	}
	attr.GidMappingsEnableSetgroups = strings.TrimSpace(string(groups)) == "allow" // user_namespaces(7): a denial is inherited
	return nil
}

// identity maps the ids of a uid_map (inside, outside, count on each line) onto themselves, one line for each: an extent of
// a nested map must lie within one extent of its parent's.
func identity(text io.Reader) ([]syscall.SysProcIDMap, error) {
	var maps []syscall.SysProcIDMap
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		var inside, outside, count int
		if _, err := fmt.Sscan(lines.Text(), &inside, &outside, &count); err != nil {
			return nil, fmt.Errorf("line %q: %w", lines.Text(), err)
		}
		maps = append(maps, syscall.SysProcIDMap{ContainerID: inside, HostID: inside, Size: count})
	}
	return maps, lines.Err()
}
