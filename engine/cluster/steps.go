package cluster

import (
	"context"
	"fmt"
	"sync"
)

// step is one thing to do on the way up. The words are for people.
type step struct {
	words string
	do    func(context.Context) error
}

// start brings the cluster up. Stages run one after the other, the steps of a stage side by side.
func (c *Cluster) start(ctx context.Context) error {
	if err := c.loadRoster(); err != nil {
		return err
	}
	stages := [][]step{
		{
			{"unpack the bundled images", c.prepareImages},
			{"start the API server", c.startAPI},
			{"lay the network between nodes", c.layFabric},
			{"find out which limits hold here", c.detectLimits},
		},
		{
			{fmt.Sprintf("boot %d nodes", len(c.allNodes())), c.bootNodes},
			{"start controllers and scheduler", c.startControllers},
			{"make the storage classes", c.layStorage},
			{"start the name server", c.startNames},
			{"start the lab's own proxy", c.startLabProxy},
			{"wait until all nodes are Ready", c.waitReady},
		},
		{{"listen for commands", c.serveControl}, {"listen to the learner's shell", c.serveDoor}, {"forward ports of this machine", c.startForwarder}},
	}
	for _, stage := range stages {
		if err := c.sideBySide(ctx, stage); err != nil {
			return err
		}
	}
	return nil
}

// sideBySide runs the steps of one stage and returns when all have ended. The first error ends ctx, and with it the cluster,
// because another step may be waiting for what this one has not done; it is the one that is returned.
func (c *Cluster) sideBySide(ctx context.Context, stage []step) error {
	var all sync.WaitGroup
	for _, s := range stage {
		c.opts.Progress(s.words)
		all.Go(func() {
			if err := s.do(ctx); err != nil {
				c.stop(fmt.Errorf("%s: %w", s.words, err))
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
