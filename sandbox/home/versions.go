package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// settled is how old a version's directory must be before it may go: whoever has just unpacked it, or found it, has not started a
// program of it yet.
const settled = 10 * time.Minute

var versionName = regexp.MustCompile(`^([0-9a-f]{16}|unpacking-\d+)$`)

// SweepVersions removes the programs and images of other versions than keep's that no process of this machine runs. It costs a look into two
// directories when there is nothing to remove, and one process at a time does it: a second one leaves it to the first.
func (h Home) SweepVersions(keep Programs) error {
	old := h.versions(keep)
	if len(old) == 0 {
		return nil
	}
	lock, err := os.Open(filepath.Dir(string(keep)))
	if err != nil {
		return fmt.Errorf("remove old versions: %w", err)
	}
	defer func() { _ = lock.Close() }() // only locked
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil
	}
	used, err := h.usedVersions()
	if err != nil {
		return fmt.Errorf("remove old versions: %w", err)
	}
	var errs []error
	for _, dir := range old {
		if !used[filepath.Base(dir)] {
			errs = append(errs, remove(dir))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove old versions: %w", err)
	}
	return nil
}

// versions are the directories of other versions, and what is left of unpackings that were interrupted.
func (h Home) versions(keep Programs) []string {
	var old []string
	for _, of := range []string{filepath.Dir(string(keep)), h.Images()} {
		entries, _ := os.ReadDir(of) // no directory, no versions
		for _, e := range entries {
			info, err := e.Info()
			if err == nil && e.IsDir() && versionName.MatchString(e.Name()) && e.Name() != filepath.Base(string(keep)) && time.Since(info.ModTime()) > settled {
				old = append(old, filepath.Join(of, e.Name()))
			}
		}
	}
	return old
}

// usedVersions are those of which a program runs: a lab's keeper, at the least, runs as long as the lab does (proc_pid_exe(5)).
func (h Home) usedVersions() (map[string]bool, error) {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil || len(links) == 0 {
		return nil, errors.Join(errors.New("see which programs run"), err)
	}
	used := map[string]bool{}
	for _, link := range links {
		program, err := os.Readlink(link)
		if err != nil {
			continue // somebody else's, or it has just ended
		}
		if rest, ok := strings.CutPrefix(program, filepath.Join(string(h), "bin")+"/"); ok {
			version, _, _ := strings.Cut(rest, "/")
			used[version] = true
		}
	}
	return used, nil
}

// touch says that somebody is about to use a version.
func touch(dir string) error {
	now := time.Now()
	if err := os.Chtimes(dir, now, now); err != nil && !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("use the programs in %s: %w", dir, err)
	}
	return nil
}
