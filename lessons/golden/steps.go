package golden

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"drydock/lessons/course"
	"drydock/lessons/pack"
)

// Rewinder is a Lab that can be taken back to what it was.
type Rewinder interface {
	// Keep keeps the lab as it is under a name, and returns the API's resourceVersion of that moment.
	Keep(ctx context.Context, name string) (version string, err error)
	// Rewind takes it back.
	Rewind(ctx context.Context, name string) error
}

// reached is a step that opened while a solution ran: a snapshot of that moment, and what held then.
type reached struct {
	step    string
	name    string
	version string
	holds   []string // goals of the steps before whose checks passed before and after the snapshot
}

// followSteps keeps a snapshot for each step that opens, until ctx ends. The solution runs on meanwhile: what is compared later
// is the cluster at the very revision of the snapshot.
func (b *bench) followSteps(ctx context.Context) ([]reached, error) {
	lab, ok := b.lab.(Rewinder)
	if !ok || len(b.lesson.Steps) < 2 {
		return nil, nil
	}
	var found []reached
	open := 1
	for {
		changed := b.course.Changed()
		if s := b.course.State(); s.Open > open {
			open = s.Open
			r := reached{step: b.lesson.Steps[open-1].ID, name: ".step-" + strconv.Itoa(open)}
			var err error
			if r.version, err = lab.Keep(ctx, r.name); err != nil {
				if ctx.Err() != nil {
					return found, nil
				}
				return found, err
			}
			r.holds = stillHolding(s, b.course.State(), open-1)
			found = append(found, r)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return found, nil
		}
	}
}

// stillHolding are the goals of the first steps whose checks, of the kind that looks at objects, pass in both pictures. Only
// those are a matter of the cluster's state: what was typed or what happened is not taken back.
func stillHolding(before, after *course.State, steps int) []string {
	place := map[string]int{}
	var out []string
	for i := range after.Goals {
		g := &after.Goals[i]
		if _, ok := place[g.Step]; !ok {
			place[g.Step] = len(place)
		}
		was := before.Goal(g.Goal.ID)
		if place[g.Step] < steps && g.Goal.Check.Object != nil && g.Goal.Kind == pack.Do && was != nil && course.Holds(*was) && course.Holds(*g) {
			out = append(out, g.Goal.ID)
		}
	}
	return out
}

// judgeSteps: the state reached by going back to the snapshot of a step is the one reached by solving (6).
func (b *bench) judgeSteps(steps []reached) []string {
	var out []string
	for _, r := range steps {
		problem, err := b.judgeStep(r)
		if err != nil {
			problem = err.Error()
		}
		if problem != "" {
			out = append(out, fmt.Sprintf("step %s, reached by snapshot: %s", r.step, problem))
		}
	}
	return out
}

func (b *bench) judgeStep(r reached) (string, error) {
	solved, err := b.objectsAt(r.version)
	if err == nil {
		err = b.lab.(Rewinder).Rewind(b.ctx, r.name)
	}
	if err != nil {
		return "", err
	}
	restored, err := b.objects()
	if err != nil {
		return "", err
	}
	if other := differing(authored(solved), authored(restored), essence); len(other) > 0 {
		return "it is not what it was when the step was solved: " + strings.Join(other, ", "), nil
	}
	if _, err := b.course.CheckNow(b.ctx); err != nil {
		return "", err
	}
	s, err := b.await(b.cfg.Reach, func(s *course.State) bool { return len(broken(s, r.holds)) == 0 })
	if err != nil {
		return fmt.Sprintf("goals that held do not: %s", strings.Join(broken(s, r.holds), ", ")), nil //nolint:nilerr // that is the answer
	}
	return "", nil
}

func broken(s *course.State, holds []string) []string {
	var out []string
	for _, id := range holds {
		if g := s.Goal(id); g == nil || !course.Holds(*g) {
			out = append(out, id)
		}
	}
	return out
}

// authored leaves what the author of a world, or the learner, decides. What controllers make of it may have been on its way.
func authored(m map[string]*unstructured.Unstructured) map[string]*unstructured.Unstructured {
	maps.DeleteFunc(m, func(_ string, o *unstructured.Unstructured) bool {
		return metav1.GetControllerOf(o) != nil || o.GetDeletionTimestamp() != nil || strings.HasPrefix(o.GetNamespace(), "kube-") || generated(o)
	})
	return m
}

// objectsAt is objects as they were at a resourceVersion.
func (b *bench) objectsAt(version string) (map[string]*unstructured.Unstructured, error) {
	return b.list(metav1.ListOptions{ResourceVersion: version, ResourceVersionMatch: metav1.ResourceVersionMatchExact})
}
