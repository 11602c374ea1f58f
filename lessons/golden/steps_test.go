package golden_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/lessons/golden"
	"drydock/lessons/pack"
)

// rewinders make labs that can be taken back. Their scripts know one command more: `wait` until a snapshot was taken.
type rewinders struct {
	labs
	rewind func(*lab) // what a lab does instead of going back
}

func (r rewinders) New(ctx context.Context, name string, world pack.World) (golden.Lab, error) {
	l, err := r.labs.New(ctx, name, world)
	if err != nil {
		return nil, err
	}
	return &rewinder{lab: l.(*lab), kept: make(chan struct{}), rewind: r.rewind}, nil
}

type rewinder struct {
	*lab
	kept   chan struct{}
	rewind func(*lab)
}

func (r *rewinder) Keep(_ context.Context, name string) (string, error) {
	version := r.api.Version()
	if name == ".step-2" {
		close(r.kept)
	}
	return version, nil
}

func (r *rewinder) Rewind(context.Context, string) error {
	r.rewind(r.lab)
	return nil
}

func (r *rewinder) RunScript(ctx context.Context, script string, env []string) (string, int, error) {
	before, after, waits := strings.Cut(script, "wait\n")
	if _, code, err := r.lab.RunScript(ctx, before, env); code != 0 || err != nil || !waits {
		return "", code, err
	}
	select {
	case <-r.kept:
	case <-time.After(10 * time.Second):
		return "no snapshot was taken when the second step opened", 1, nil
	}
	return r.lab.RunScript(ctx, after, env)
}

// TestStepsBySnapshot: what a step's snapshot brings back is what solving had reached (6).
func TestStepsBySnapshot(t *testing.T) {
	const main = "solutions/main.sh"
	web := strings.TrimPrefix(strings.TrimSpace(setWeb), "set ")
	for name, tt := range map[string]struct {
		rewind func(*lab)
		want   []string
	}{
		"as it was": {rewind: func(l *lab) { l.api.Set(web) }},
		"an object that does not come back": {
			rewind: func(*lab) {},
			want:   []string{"step b, reached by snapshot: it is not what it was when the step was solved: pod/default/web"},
		},
		"an object that does not come to life": {
			rewind: func(l *lab) { l.api.Set(strings.Replace(web, "Running", "Pending", 1)) },
			want:   []string{"step b, reached by snapshot: goals that held do not: ready"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cases, err := golden.Run(context.Background(), golden.Config{
				Pack: files(t, map[string]string{
					"lessons/pod/lesson.yaml":       "steps: [{id: a, goals: [ready, gone, keep, sure]}]->steps: [{id: a, goals: [ready, keep]}, {id: b, goals: [gone, sure]}]",
					"lessons/pod/lesson.md":         "## Step: a\na\n## Step: b\nb\n",
					"lessons/pod/solutions/main.sh": "# answer: sure yes\n" + setWeb + "wait\nremove Pod web\n",
				}),
				Labs: rewinders{labs{t: t}, tt.rewind}, Jobs: 1,
				Patience: golden.Patience{Case: 10 * time.Second, Reach: 500 * time.Millisecond, Rest: 50 * time.Millisecond},
			})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cases {
				if c.Name != main && !c.OK() {
					t.Errorf("%s: %q", c.Name, c.Problems)
				}
				if diff := cmp.Diff(tt.want, c.Problems); c.Name == main && diff != "" {
					t.Errorf("problems (-want +got):\n%s", diff)
				}
			}
		})
	}
}
