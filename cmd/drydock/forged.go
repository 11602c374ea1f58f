package main

import (
	"context"
	"fmt"
	"time"

	"drydock/engine/audit"
	"drydock/engine/decision"
	"drydock/lessons/grade"
)

// forged is a grade.ErrForged when somebody in the lab wrote what only parts of a cluster have to say: the status of an object, or an
// Event, since the replay began: what the grader itself took out of the lab before, to make it as good as new, is no lie. Checks
// believe those. The file of notes is asked as well as the memory of the API server, which many changes push out of it.
func (l *testLab) forged(ctx context.Context, began time.Time) error {
	var what string
	look := func(n audit.Note) {
		if n.Deceives() && what == "" && !n.Time.Before(began) {
			what = n.Object.String()
			if n.Subresource != "" {
				what = "the " + n.Subresource + " of " + what
			}
		}
	}
	err := readDecisions(ctx, l.lab.API(), decision.Object{}, false, func(r decision.Record) error {
		if n, ok := audit.Of(r); ok {
			look(n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, notes, err := audit.Read(l.lab.Audit(), "", 0)
	for _, n := range notes {
		look(n)
	}
	if err == nil && what != "" {
		err = fmt.Errorf("%w: it wrote %s itself", grade.ErrForged, what)
	}
	return err
}
