package container_test

import (
	"testing"

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
