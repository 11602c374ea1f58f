// Command bench measures what drydock promises and prints budget, measurement and floor side by side.
//
//	make bench                 everything, about three minutes
//	go run ./bench -only pod   the groups whose name contains "pod"
//
// Every number it prints it has measured in the same run on the same machine: a busy or slow machine shows in the floor as
// much as in the measurement. Ratios are the promise, absolute times are guidance.
//
// It needs bin/drydock (make build) and go, and starts labs of its own in a temporary state directory.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// group measures rows that share their preparation. An error is of measuring; rows measured so far still count.
type group struct {
	name    string
	measure func(ctx context.Context, w *workshop) ([]row, error)
}

// groups in the order of the table.
var groups = []group{
	{"start", measureStart},
	{"pod", measurePods},
	{"workload", measureWorkloads},
	{"scheduler", measureScheduler},
	{"list", measureLists},
	{"memory", measureMemory},
	{"lesson", measureLessons},
	{"snapshot", measureSnapshots},
	{"grade", measureGrading},
	{"storage", measureStorage},
	{"container", measureContainers},
	{"proxy", measureProxy},
	{"interface", measureInterface},
	{"size", measureSizes},
}

func main() {
	only := flag.String("only", "", "measure only the groups whose name contains this")
	graded := flag.Int("grade", 12, "how many submissions are graded as a sample of 100")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *only, max(1, *graded))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, graded int) (err error) {
	w, err := openWorkshop(ctx)
	if err != nil {
		return err
	}
	w.graded = graded
	defer func() { err = errors.Join(err, w.close()) }()
	var rows []row
	var errs []error
	for _, g := range groups {
		if !strings.Contains(g.name, only) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintf(os.Stderr, "measuring: %s\n", g.name)
		measured, err := g.measure(ctx, w)
		rows = append(rows, measured...)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", g.name, err))
		}
	}
	errs = append(errs, printTable(os.Stdout, rows))
	return errors.Join(errs...)
}
