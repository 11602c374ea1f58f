package box

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// usage looks at what the code in a box uses. It belongs to one goroutine.
type usage struct {
	spec Spec
	proc string // the /proc of the box; "" where there is none

	onDisk int64 // when it was measured last
	unseen int   // how often it was not, since then
}

// calm is how often the folders are passed over while little is in them: to walk through them costs ten times what it costs
// to count processes.
const calm = 4

// exceeded names the limit that has been passed, or nothing. It is called over and over.
func (u *usage) exceeded() string {
	if what := u.held(); what != "" {
		return what
	}
	if u.unseen < calm && u.onDisk < u.spec.Disk/4 {
		u.unseen++
		return ""
	}
	return u.stored()
}

// last is exceeded, looking everywhere.
func (u *usage) last() string {
	if what := u.held(); what != "" {
		return what
	}
	return u.stored()
}

func (u *usage) held() string {
	if u.proc == "" {
		return ""
	}
	count, resident := held(u.proc)
	switch {
	case count > u.spec.Processes:
		return fmt.Sprintf("%d processes", u.spec.Processes)
	case resident > u.spec.Memory:
		return fmt.Sprintf("%d MiB of memory", u.spec.Memory>>20)
	}
	return ""
}

func (u *usage) stored() string {
	u.unseen, u.onDisk = 0, 0
	for _, dir := range u.spec.Watched {
		u.onDisk += sizeOf(dir, u.spec.Disk)
	}
	if u.onDisk > u.spec.Disk {
		return fmt.Sprintf("%d MiB on disk", u.spec.Disk>>20)
	}
	return ""
}

// held counts processes and the memory they hold (proc_pid_statm(5)).
func held(proc string) (count int, resident int64) {
	dir, err := os.Open(proc)
	if err != nil {
		return 0, 0
	}
	names, _ := dir.Readdirnames(-1) // those that could be read
	_ = dir.Close()                  // only read
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		count++
		text, err := os.ReadFile(proc + "/" + name + "/statm")
		if err != nil {
			continue // it has ended
		}
		if f := strings.Fields(string(text)); len(f) > 1 {
			pages, _ := strconv.ParseInt(f[1], 10, 64) // the kernel writes numbers
			resident += pages * int64(os.Getpagesize())
		}
	}
	return count, resident
}

// sizeOf is the space that a folder takes on its disk, as far as it is below a limit. What is mounted in it is elsewhere.
func sizeOf(dir string, limit int64) int64 {
	total, device := int64(0), uint64(0)
	_ = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		var st syscall.Stat_t
		if err != nil || syscall.Lstat(name, &st) != nil {
			return nil // it has gone meanwhile
		}
		switch {
		case name == dir:
			device = st.Dev
		case st.Dev != device && d.IsDir():
			return filepath.SkipDir
		}
		if total += st.Blocks * 512; total > limit {
			return filepath.SkipAll
		}
		return nil
	})
	return total
}
