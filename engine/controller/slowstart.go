package controller

import (
	"sync"
	"sync/atomic"
)

// SlowStart calls fn count times: once, then twice at the same time, then four times, and so on, as long as nothing fails.
// After a batch with an error it stops, so that a quota that allows nothing is not asked a hundred times. It returns how
// many calls succeeded and one of the errors.
func SlowStart(count int, fn func() error) (succeeded int, err error) {
	for batch := min(count, 1); batch > 0; batch = min(2*batch, count-succeeded) {
		done, err := Together(batch, func(int) error { return fn() })
		if succeeded += done; err != nil {
			return succeeded, err
		}
	}
	return succeeded, nil
}

// Together calls fn for 0 to count-1 at the same time. It returns how many calls succeeded and one of the errors.
func Together(count int, fn func(i int) error) (succeeded int, err error) {
	var wg sync.WaitGroup
	var done atomic.Int64
	errs := make(chan error, count)
	for i := range count {
		wg.Go(func() {
			if err := fn(i); err != nil {
				errs <- err
				return
			}
			done.Add(1)
		})
	}
	wg.Wait()
	select {
	case err = <-errs:
	default:
	}
	return int(done.Load()), err
}
