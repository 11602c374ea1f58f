package seat

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// MachineLoad is how many programs want to run at present for each processor, at least 1 (proc_loadavg(5), the fourth
// field). Where nobody can tell, it is 1.
func MachineLoad() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 1
	}
	return loadIn(string(text), runtime.GOMAXPROCS(0))
}

func loadIn(text string, processors int) float64 {
	fields := strings.Fields(text)
	if len(fields) < 4 {
		return 1
	}
	running, _, _ := strings.Cut(fields[3], "/")
	n, err := strconv.Atoi(running)
	if err != nil {
		return 1
	}
	return max(1, float64(n-1)/float64(processors)) // but for the one that is looking
}
