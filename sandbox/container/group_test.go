package container_test

import (
	"os"
	"slices"
	"testing"
	"time"

	"drydock/sandbox/cgroup"
	"drydock/sandbox/container"
)

// The container's program and what is executed in it are in the group, whichever way in the group has.
func TestGroup(t *testing.T) {
	tiers := []cgroup.Tier{cgroup.Detect()}
	if tiers[0] != cgroup.Emulated {
		tiers = append(tiers, cgroup.Emulated)
	}
	for _, tier := range tiers {
		t.Run(tier.String(), func(t *testing.T) {
			groups, err := cgroup.Open(cgroup.Options{Tier: tier})
			check(t, err)
			t.Cleanup(func() { check(t, groups.Close()) })
			g, err := groups.New("c", cgroup.Limits{MemoryBytes: 64 << 20, Pids: 50})
			check(t, err)
			c := create(t, newRunner(t), container.Config{ID: "c", Spec: newSpec(t, "wait"), Group: g})
			check(t, c.Start())
			alone, err := g.Usage()
			check(t, err)
			if alone.Pids == 0 || alone.MemoryBytes == 0 {
				t.Errorf("with the container's program the group uses %+v", alone)
			}
			p, err := c.Exec(t.Context(), container.ExecConfig{Args: []string{"inside", "wait"}})
			check(t, err)
			both, err := g.Usage()
			check(t, err)
			if both.Pids <= alone.Pids {
				t.Errorf("%d processes in the group, and %d with one more", alone.Pids, both.Pids)
			}
			check(t, c.Kill())
			wait(t, p)
			wait(t, c.Process)
		})
	}
}

// slow is a group that hides its fast ways in.
type slow struct{ cgroup.Group }

func (slow) Entry() (born *os.File, doors []*os.File, err error) { return nil, nil, nil }

// BenchmarkGroup starts a container in a cgroup: entered by the process itself, or moved there by us.
func BenchmarkGroup(b *testing.B) {
	groups, err := cgroup.Open(cgroup.Options{})
	check(b, err)
	b.Cleanup(func() { check(b, groups.Close()) })
	r := newRunner(b)
	for name, how := range map[string]func(cgroup.Group) container.Group{
		"entered": func(g cgroup.Group) container.Group { return g },
		"moved":   func(g cgroup.Group) container.Group { return slow{g} },
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				b.StopTimer()
				g, err := groups.New("bench", cgroup.Limits{Pids: 50})
				check(b, err)
				b.StartTimer()
				began := time.Now()
				c := create(b, r, container.Config{ID: "c", Spec: newSpec(b, "wait"), Group: how(g)})
				check(b, c.Start())
				took = append(took, time.Since(began))
				b.StopTimer()
				check(b, c.Kill())
				<-c.Done()
				check(b, g.Remove())
				<-time.After(30 * time.Millisecond) // the kernel moves the next of many at once with less ado
				b.StartTimer()
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(took[0].Microseconds()), "min-us")
		})
	}
}
