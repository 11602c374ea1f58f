package kubelet

import "time"

// How soon to repeat a request that failed, at first and at most.
const (
	firstRetry = 50 * time.Millisecond
	lastRetry  = 10 * time.Second
)

const (
	firstBackoff = 10 * time.Second
	lastBackoff  = 5 * time.Minute
)

// backoff is how long to wait between attempts at one thing: ten seconds, doubling to five minutes. It starts over when the
// thing has gone well for twice the longest wait.
type backoff struct {
	delay   time.Duration
	updated time.Time
}

// grow takes note of an attempt that follows from something that ended at since.
func (b *backoff) grow(since time.Time) {
	if b.delay == 0 || b.expired(since) {
		b.delay = firstBackoff
	} else {
		b.delay = min(2*b.delay, lastBackoff)
	}
	b.updated = time.Now()
}

// until is when the next attempt may be made, given that the last one ended at since; zero when it may be made at once.
func (b *backoff) until(since time.Time) time.Time {
	if b == nil || b.delay == 0 || b.expired(since) {
		return time.Time{}
	}
	if again := since.Add(b.delay); time.Now().Before(again) {
		return again
	}
	return time.Time{}
}

func (b *backoff) expired(since time.Time) bool { return since.Sub(b.updated) > 2*lastBackoff }
