package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"drydock/sandbox/home"
)

// rest is how long a lab is left alone before it is weighed. Its programs give back what their start took after two seconds, and
// fetch what they need all the same in the next few.
const rest = 30 * time.Second

// measureMemory weighs an idle lab of three nodes, and one of a single node as grading uses them.
func measureMemory(ctx context.Context, w *workshop) ([]row, error) {
	if _, err := w.drydock(ctx, "down", "--name", labName); err != nil {
		return nil, err
	}
	var rows []row
	for _, c := range []struct {
		what   string
		nodes  int
		budget int64
	}{
		{"idle memory (PSS): keeper, control plane, 3 nodes", 3, 150e6},
		{"idle memory (PSS): a lab of one node", 1, 80e6},
	} {
		if _, err := w.drydock(ctx, "up", "--name", labName, "--nodes", strconv.Itoa(c.nodes)); err != nil {
			return rows, err
		}
		select {
		case <-ctx.Done():
			return rows, ctx.Err()
		case <-time.After(rest):
		}
		total, largest, err := weigh(w.lab)
		if err != nil {
			return rows, err
		}
		rows = append(rows, row{what: c.what, budget: mb(c.budget), measured: mb(total), floor: largest, kept: within(total, c.budget)})
		if _, err := w.drydock(ctx, "down", "--name", labName); err != nil {
			return rows, err
		}
		if err := w.lab.Forget(); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// weigh sums the proportional set size of a lab's keeper and all its descendants (proc(5), smaps_rollup), and says what
// each kind of program weighs.
func weigh(lab home.Lab) (total int64, parts string, err error) {
	parents, keeper, err := processes(lab)
	if err != nil {
		return 0, "", err
	}
	kinds, order := map[string]int64{}, []string{}
	for pid := range parents {
		if !descends(parents, pid, keeper) {
			continue
		}
		pss, err := proportional(pid)
		if err != nil {
			return 0, "", err
		}
		total += pss
		kind := kindOf(pid)
		if _, known := kinds[kind]; !known {
			order = append(order, kind)
		}
		kinds[kind] += pss
	}
	var words []string
	for _, kind := range order {
		words = append(words, kind+" "+mb(kinds[kind]))
	}
	return total, strings.Join(words, ", "), nil
}

var errNoKeeper = errors.New("the lab's keeper was not found")

// processes maps every process of the machine to its parent, and finds the lab's keeper.
func processes(lab home.Lab) (parents map[int]int, keeper int, err error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, 0, err
	}
	parents = map[int]int{}
	for _, dir := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(dir)) // the pattern has digits only
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue // it has just ended
		}
		// The name, in parentheses, may hold anything; the parent is the second field after it.
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		parents[pid], _ = strconv.Atoi(fields[1])
		if isKeeper(arguments(pid), lab) {
			keeper = pid
		}
	}
	if keeper == 0 {
		return nil, 0, errNoKeeper
	}
	return parents, keeper, nil
}

func isKeeper(args []string, lab home.Lab) bool {
	return filepath.Base(args[0]) == "dockkeep" && slices.Contains(args, "--lab="+string(lab))
}

func arguments(pid int) []string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // empty for one that has just ended
	return strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
}

// kindOf names a process of ours: its program, or which of docknode's services it is.
func kindOf(pid int) string {
	args := arguments(pid)
	kind := filepath.Base(args[0])
	if kind == "docknode" && len(args) > 1 {
		kind = args[1]
	}
	return kind
}

func descends(parents map[int]int, pid, from int) bool {
	for ; pid > 1; pid = parents[pid] {
		if pid == from {
			return true
		}
	}
	return false
}

func proportional(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(text), "\nPss:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		return 0, fmt.Errorf("read the weight of process %d: %w", pid, err)
	}
	return kib << 10, nil
}
