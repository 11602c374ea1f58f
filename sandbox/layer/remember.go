package layer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// probedName is a file in the store's folder that says which overlay options worked there, and when.
const probedName = "probed"

// circumstances are what the answer of Probe depends on: the kernel that runs, the file system, and whose privileges.
func (s *Store) circumstances() (string, error) {
	boot, err := os.ReadFile(bootIDPath)
	if err != nil {
		return "", fmt.Errorf("read boot id: %w", err)
	}
	ids, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return "", fmt.Errorf("read the uid map: %w", err)
	}
	var fs unix.Stat_t
	if err := unix.Stat(s.root, &fs); err != nil {
		return "", fmt.Errorf("look at snapshot folder %q: %w", s.root, err)
	}
	return fmt.Sprintf("boot %s device %d ids %s", strings.TrimSpace(string(boot)), fs.Dev, strings.Join(strings.Fields(string(ids)), " ")), nil
}

// probed is Probe of the store's own folder, remembered until the circumstances change: trying costs 5 ms of CPU, which
// every node of a lab would spend in each start.
func (s *Store) probed() ([]string, error) {
	now, err := s.circumstances()
	if err != nil {
		return Probe(s.root) // without them nothing can be remembered
	}
	path := filepath.Join(s.root, probedName)
	if text, err := os.ReadFile(path); err == nil {
		then, options, ok := strings.Cut(strings.TrimSuffix(string(text), "\n"), "\n")
		if ok && then == now {
			return strings.FieldsFunc(options, func(r rune) bool { return r == ',' }), nil
		}
	}
	options, err := Probe(s.root)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, []byte(now+"\n"+strings.Join(options, ",")+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("remember what overlays can do here: %w", err)
	}
	return options, nil
}
