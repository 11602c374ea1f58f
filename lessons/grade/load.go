package grade

import (
	"context"
	"errors"
	"fmt"
	"time"

	"drydock/lessons/course"
)

// Patience counts what the lab was given, not what the clock shows. With six programs that want to run on two processors,
// whatever takes a second of a quiet machine takes up to three: so each second counts a third.

// longest is how many times longer than Reach a busy machine may make a world take to come to rest.
const longest = 6

// How busy the machine is, is looked at so often: each time counts for what has passed since the one before.
const (
	soonest = 10 * time.Millisecond
	latest  = 250 * time.Millisecond
)

// errBusy is the error of a world whose end could not be seen.
var errBusy = errors.New("the machine was too busy to see what becomes of it")

// shareClock measures time in what a quiet machine would have done meanwhile.
type shareClock struct {
	load func() float64
	last time.Time
}

// since is what has been done since it was asked last.
func (c *shareClock) since() time.Duration {
	now := time.Now()
	passed := now.Sub(c.last)
	c.last = now
	return time.Duration(float64(passed) / max(1, c.load()))
}

// rest waits until nothing is on its way and nothing has changed for a while, at most for Reach: long while one of the
// awaited goals is open. What does not come to rest is taken as it is. It is errBusy when the machine had so much else to do
// that this could not be found out.
func (j *job) rest(ctx context.Context, c *course.Course, awaited map[string]bool) (*course.State, error) {
	asking, stop := context.WithTimeout(ctx, longest*j.cfg.Reach)
	defer stop()
	clock := shareClock{j.cfg.Load, time.Now()}
	if _, err := c.CheckNow(asking); err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	spent, quiet := clock.since(), time.Duration(0)
	changed, s := c.Changed(), c.State()
	for {
		left := min(j.still(s, awaited)-quiet, j.cfg.Reach-spent)
		if left <= 0 {
			return s, nil
		}
		next := time.NewTimer(min(max(left, soonest), latest))
		select {
		case <-changed:
			next.Stop()
			spent += clock.since()
			changed, s, quiet = c.Changed(), c.State(), 0
		case <-next.C:
			passed := clock.since()
			spent, quiet = spent+passed, quiet+passed
		case <-asking.Done():
			next.Stop()
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			return s, fmt.Errorf("%w for %s", errBusy, longest*j.cfg.Reach)
		}
	}
}
