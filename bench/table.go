package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table.
type row struct {
	what, budget, measured, floor string
	// kept says whether the budget was kept; nil where there is none.
	kept *bool
}

func (r row) verdict() string {
	switch {
	case r.kept == nil:
		return "-"
	case *r.kept:
		return "kept"
	default:
		return "OVER"
	}
}

func within[T ~int64 | ~float64](measured, budget T) *bool {
	kept := measured <= budget
	return &kept
}

func printTable(w io.Writer, rows []row) error {
	fmt.Fprintf(w, "%s, %d CPUs, load %.1f\n", kernel(), runtime.NumCPU(), load())
	if load() > float64(runtime.NumCPU())+1 { // one for ourselves
		fmt.Fprintln(w, "This machine is busy with other work: the ratios hold, the times do not.")
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "what\tbudget\tmeasured\tfloor or peer, same run\tverdict")
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", r.what, orDash(r.budget), r.measured, orDash(r.floor), r.verdict())
	}
	return table.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return runtime.GOOS
	}
	return "Linux " + strings.TrimSpace(string(text))
}

// load is how many processes this machine has wanted to run over the last minute (proc(5)).
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	one, _, _ := strings.Cut(string(text), " ")
	n, _ := strconv.ParseFloat(one, 64) // zero is as good as unknown
	return n
}

// times are repeated measurements of one thing.
type times []time.Duration

func (t times) at(percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(len(sorted)-1, len(sorted)*percent/100)]
}

func (t times) p50() time.Duration { return t.at(50) }
func (t times) p99() time.Duration { return t.at(99) }
func (t times) min() time.Duration { return slices.Min(t) }

// String leads with the median; the minimum is what the work costs when nobody else is there.
func (t times) String() string {
	return fmt.Sprintf("p50 %s (min %s, n %d)", ms(t.p50()), ms(t.min()), len(t))
}

// ms prints a duration in milliseconds, with as many digits as mean something.
func ms(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	switch {
	case v < 1:
		return fmt.Sprintf("%.2f ms", v)
	case v < 20:
		return fmt.Sprintf("%.1f ms", v)
	default:
		return fmt.Sprintf("%.0f ms", v)
	}
}

func mb(bytes int64) string { return fmt.Sprintf("%.0f MB", float64(bytes)/1e6) }
