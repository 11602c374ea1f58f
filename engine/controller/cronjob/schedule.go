package cronjob

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // time zones on machines that have none installed

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/utils/ptr"
)

// parse reads the schedule, in the CronJob's time zone.
func parse(spec *batchv1.CronJobSpec) (schedule cron.Schedule, err error) {
	// The parser panics on some texts: github.com/robfig/cron issue 554.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("invalid schedule format: %v", r)
		}
	}()
	text := spec.Schedule
	if spec.TimeZone != nil && !strings.Contains(text, "TZ") {
		text = fmt.Sprintf("TZ=%s %s", *spec.TimeZone, text)
	}
	return cron.ParseStandard(text)
}

// manyMissed is how many missed times look like a wrong clock.
const manyMissed = 100

// missed is the times of a schedule between the last one that was served and now.
type missed struct {
	after  time.Time  // the time from which it counts
	recent *time.Time // the most recent one; nil when there is none
	count  int64      // about how many
}

// findMissed looks for the times after the last one that was served; with deadline, those too late to be served do not count.
func findMissed(c *batchv1.CronJob, schedule cron.Schedule, now time.Time, deadline bool) (missed, error) {
	m := missed{after: c.CreationTimestamp.Time}
	if c.Status.LastScheduleTime != nil {
		m.after = c.Status.LastScheduleTime.Time
	}
	if deadline && c.Spec.StartingDeadlineSeconds != nil {
		if earliest := now.Add(-time.Duration(*c.Spec.StartingDeadlineSeconds) * time.Second); earliest.After(m.after) {
			m.after = earliest
		}
	}
	first := schedule.Next(m.after)
	second := schedule.Next(first)
	switch {
	case now.Before(first):
		return m, nil
	case now.Before(second):
		m.recent = &first
		return m, nil
	}
	// A day that never comes, such as February 31st, makes both the zero time.
	interval := int64(second.Sub(first).Round(time.Second).Seconds())
	if interval < 1 {
		return m, errors.New("time difference between two schedules is less than 1 second")
	}
	// Not one by one from the first: with a wrong clock that could be years of minutes.
	m.count = int64(now.Sub(first).Seconds())/interval + 1
	near := first.Add(time.Duration((m.count-2)*interval) * time.Second)
	for t := schedule.Next(near); !t.After(now); t = schedule.Next(t) {
		m.recent = ptr.To(t)
	}
	return m, nil
}

// untilNext is how long until the next time, and a little more: clocks differ.
func untilNext(c *batchv1.CronJob, schedule cron.Schedule, now time.Time) time.Duration {
	const slack = 100 * time.Millisecond
	from := now
	if m, err := findMissed(c, schedule, now, false); err == nil {
		switch {
		case m.recent != nil:
			from = *m.recent
		case m.count == 0:
			from = m.after
		}
	}
	return schedule.Next(from).Add(slack).Sub(now)
}
