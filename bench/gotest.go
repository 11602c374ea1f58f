package main

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// results of one go test -bench: "Name/sub" to unit to value.
type results map[string]map[string]float64

// goTest runs the benchmarks of a package whose names match, and returns what they report. Packages that test the kernel
// run them twice, as root and as an ordinary user: the last one counts, as most people are ordinary users.
func goTest(ctx context.Context, pkg, pattern, times string) (results, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern, "-benchtime", times, pkg)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("go test -bench %s %s: %w\n%s", pattern, pkg, err, out)
	}
	r := parseResults(string(out))
	if len(r) == 0 {
		return nil, fmt.Errorf("go test -bench %s %s measured nothing:\n%s", pattern, pkg, out)
	}
	return r, nil
}

// processors is the "-2" that go test adds to a name.
var processors = regexp.MustCompile(`-\d+$`)

// parseResults reads lines of "BenchmarkName-2  30  123 ns/op  4 p50-ms".
func parseResults(text string) results {
	r := results{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := processors.ReplaceAllString(strings.TrimPrefix(fields[0], "Benchmark"), "")
		units := map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				units[fields[i+1]] = v
			}
		}
		r[name] = units
	}
	return r
}

// value is one metric; zero when it was not reported.
func (r results) value(name, unit string) float64 { return r[name][unit] }

func (r results) duration(name, unit string, of time.Duration) time.Duration {
	return time.Duration(r.value(name, unit) * float64(of))
}

// measureContainers compares a container's whole life with the least the kernel asks for, and with runc where it can be built.
func measureContainers(ctx context.Context, _ *workshop) ([]row, error) {
	runc := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join("bin", "runc"), "github.com/opencontainers/runc")
	runc.Env = append(runc.Environ(), "CGO_ENABLED=1")
	without := runc.Run() // no C compiler, no peer
	r, err := goTest(ctx, "./sandbox/container", "BenchmarkContainerCycle$|BenchmarkRunc$|BenchmarkExec$", "60x")
	if err != nil {
		return nil, err
	}
	of := func(what, who string) time.Duration {
		return r.duration("ContainerCycle", what+"-us/"+who, time.Microsecond)
	}
	ours := of("p50", "ours")
	ratio := r.value("ContainerCycle", "ratio-bare") // of the minima: they compare work, not the machine's other business
	rows := []row{{
		what: "container: create + start + wait + delete", budget: "1.3 x bare",
		measured: fmt.Sprintf("p50 %s, min %s = %.2f x bare", ms(ours), ms(of("min", "ours")), ratio),
		floor:    fmt.Sprintf("min %s bare clone + pivot_root + exec, %s by way of a helper program", ms(of("min", "bare")), ms(of("min", "helped"))),
		kept:     within(ratio, 1.3),
	}}
	if peer := r.duration("Runc", "ns/op", time.Nanosecond); without == nil && peer > 0 {
		slower := float64(peer) / float64(ours)
		kept := slower >= 5
		rows = append(rows, row{what: "the same by runc run, mean", budget: "5 x slower than ours", measured: fmt.Sprintf("%s = %.1f x ours", ms(peer), slower), floor: ms(ours) + " ours", kept: &kept})
	}
	return append(rows, row{what: "exec in a container, mean", measured: ms(r.duration("Exec", "ns/op", time.Nanosecond))}), nil
}

func measureProxy(ctx context.Context, _ *workshop) ([]row, error) {
	r, err := goTest(ctx, "./engine/proxy", "BenchmarkEndpointChange/services=100$", "100x")
	if err != nil {
		return nil, err
	}
	took := r.duration("EndpointChange/services=100", "ns/op", time.Nanosecond)
	return []row{{what: "endpoint change to rule in the kernel, 100 services, mean", budget: "10 ms", measured: ms(took), kept: within(took, 10*time.Millisecond)}}, nil
}

// measureInterface is about what a person sees: keys, frames, ticks.
func measureInterface(ctx context.Context, _ *workshop) ([]row, error) {
	keys, err := goTest(ctx, "./tui", "BenchmarkKeyToFrame|BenchmarkView", "100x")
	if err != nil {
		return nil, err
	}
	p50 := keys.duration("KeyToFrame/drydock", "p50-ms", time.Millisecond)
	p99 := keys.duration("KeyToFrame/drydock", "p99-ms", time.Millisecond)
	all := keys.duration("View/everything", "ns/op", time.Nanosecond)
	rows := []row{
		{what: "key press to frame, 200x60, busy shell, p50 / p99", budget: "16 ms", measured: ms(p50) + " / " + ms(p99), floor: ms(keys.duration("KeyToFrame/floor_bash_alone", "p50-ms", time.Millisecond)) + " p50, bash alone on a terminal", kept: within(p50, 16*time.Millisecond)},
		{what: "View: everything drawn again, 160x45, mean", budget: "2 ms", measured: ms(all), floor: ms(keys.duration("View/nothing_changed", "ns/op", time.Nanosecond)) + " when nothing changed", kept: within(all, 2*time.Millisecond)},
	}
	ticks, err := goTest(ctx, "./checks", "BenchmarkChangeToVerdict", "50x")
	if err != nil {
		return rows, err
	}
	took := ticks.duration("ChangeToVerdict", "ns/op", time.Nanosecond) / 2 // one round is a change to good and one to bad
	return append(rows, row{what: "a change in the API to a verdict, mean", budget: "20 ms", measured: ms(took), kept: within(took, 20*time.Millisecond)}), nil
}
