package footprint_test

import (
	"os"
	"regexp"
	"runtime"
	"strconv"
	"testing"

	"drydock/sandbox/footprint"
)

// resident is how many KiB of memory this process has (proc(5), smaps_rollup).
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		t.Skip(err)
	}
	n, err := strconv.Atoi(regexp.MustCompile(`Rss: +(\d+)`).FindStringSubmatch(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Garbage goes back to the kernel, and the program still runs when its own pages were let go.
func TestShrink(t *testing.T) {
	garbage := make([]byte, 32<<20)
	for i := range garbage {
		garbage[i] = 1
	}
	runtime.KeepAlive(garbage)
	before := resident(t)
	if err := footprint.Shrink(); err != nil {
		t.Fatal(err)
	}
	if after := resident(t); before-after < 31<<10 {
		t.Errorf("%d KiB before and %d after", before, after)
	}
}
