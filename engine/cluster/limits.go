package cluster

import (
	"context"

	"drydock/sandbox/cgroup"
)

// limits is which tier of resource limits the lab's machine offers, in the words people read.
type limits struct{ tier, note string }

func (c *Cluster) detectLimits(context.Context) error {
	tier := cgroup.Detect()
	c.limits = limits{tier: tier.String(), note: tier.Explain()}
	return nil
}
