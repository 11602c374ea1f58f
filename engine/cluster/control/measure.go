package control

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Measure reads how bad a fault is to be, as people write it: 100ms for a delay, 10% for loss and reorder, 1mbit for a
// bandwidth. A cut has none.
func (r *FaultRequest) Measure(text string) (err error) {
	switch r.Kind {
	case FaultDelay:
		r.Delay, err = time.ParseDuration(text)
		if err != nil {
			err = fmt.Errorf("%q is no duration: write 100ms or 2s", text)
		}
	case FaultLoss, FaultReorder:
		number, _ := strings.CutSuffix(text, "%")
		if r.Percent, err = strconv.ParseFloat(number, 64); err != nil {
			err = fmt.Errorf("%q is no percentage: write 10%%", text)
		}
	case FaultBandwidth:
		r.Bandwidth, err = bitsPerSecond(text)
	default:
		if text != "" {
			err = fmt.Errorf("a %s has no measure, but got %q", r.Kind, text)
		}
	}
	return err
}

// bitsPerSecond reads a rate in the units of tc(8).
func bitsPerSecond(text string) (int64, error) {
	lower := strings.ToLower(text)
	for _, u := range []struct {
		suffix string
		factor float64
	}{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}, {"bit", 1}} {
		if number, ok := strings.CutSuffix(lower, u.suffix); ok {
			n, err := strconv.ParseFloat(number, 64)
			if err == nil && n > 0 && n*u.factor < 1e15 {
				return int64(n * u.factor), nil
			}
		}
	}
	return 0, fmt.Errorf("%q is no bandwidth: write 500kbit, 1mbit or 1gbit", text)
}

// Verify looks for what no cable can be.
func (r FaultRequest) Verify() error {
	switch {
	case r.For < 0:
		return fmt.Errorf("a fault cannot last %s", r.For)
	case r.Kind == FaultCut:
	case r.Kind == FaultDelay && (r.Delay <= 0 || r.Delay > time.Minute):
		return fmt.Errorf("a delay of %s: want more than 0 and at most a minute", r.Delay)
	case r.Kind == FaultDelay && (r.Jitter < 0 || r.Jitter > r.Delay):
		return fmt.Errorf("a jitter of %s: want at most the delay, %s", r.Jitter, r.Delay)
	case (r.Kind == FaultLoss || r.Kind == FaultReorder) && !(r.Percent > 0 && r.Percent <= 100):
		return fmt.Errorf("%s of %g%%: want more than 0 and at most 100", r.Kind, r.Percent)
	case r.Kind == FaultBandwidth && r.Bandwidth < 1000:
		return fmt.Errorf("a bandwidth of %d bit/s: want at least 1kbit", r.Bandwidth)
	case !slices.Contains(FaultKinds, r.Kind):
		return fmt.Errorf("there is no fault %q", r.Kind)
	}
	return nil
}
