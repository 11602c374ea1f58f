package footprint

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// After shrinks this process when the time has passed, in the background, unless ctx ends first. Where it cannot be done the
// process stays as it is.
func After(ctx context.Context, pause time.Duration) {
	timer := time.AfterFunc(pause, func() { _ = Shrink() })
	context.AfterFunc(ctx, func() { timer.Stop() })
}

// Shrink gives back what this process does not use: free memory, and pages of its program, which return when they are
// needed. It takes some milliseconds.
func Shrink() error {
	debug.FreeOSMemory()
	maps, err := os.ReadFile("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("look at our own memory: %w", err)
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	var errs []error
	for _, a := range clean(maps, program) {
		_, _, errno := unix.Syscall(unix.SYS_MADVISE, a.from, a.to-a.from, unix.MADV_DONTNEED)
		if errno != 0 {
			errs = append(errs, fmt.Errorf("let go of %x-%x: %w", a.from, a.to, errno))
		}
	}
	return errors.Join(errs...)
}

type area struct{ from, to uintptr }

// clean finds the areas of memory that hold the file just as it is on the disk: not writable, and without a page of our own,
// as relocation by a loader would leave them.
func clean(smaps []byte, file string) []area {
	var found []area
	var current area
	ours := false
	lines := bufio.NewScanner(bytes.NewReader(smaps))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) > 1 && !strings.HasSuffix(fields[0], ":"):
			var mapped bool
			current, mapped = parseArea(fields[0])
			ours = mapped && len(fields) > 5 && strings.Join(fields[5:], " ") == file && !strings.Contains(fields[1], "w")
		case ours && len(fields) > 1 && fields[0] == "Anonymous:" && fields[1] == "0":
			found = append(found, current)
		}
	}
	return found
}

// parseArea reads "00400000-01d7f000".
func parseArea(text string) (area, bool) {
	low, high, ok := strings.Cut(text, "-")
	from, err := strconv.ParseUint(low, 16, 64)
	to, err2 := strconv.ParseUint(high, 16, 64)
	return area{uintptr(from), uintptr(to)}, ok && err == nil && err2 == nil && from < to
}
