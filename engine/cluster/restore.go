package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"drydock/engine/apiserver"
	"drydock/engine/cluster/control"
	"drydock/sandbox/lab"
)

// restoreSnapshot makes the handler of control.VerbSnapshotRestore. What it starts lives as long as life.
func (c *Cluster) restoreSnapshot(life context.Context) lab.Handler {
	return func(ctx context.Context, call *lab.Call) error {
		c.snapshots.Lock()
		defer c.snapshots.Unlock()
		about, dir, err := c.askedSnapshot(call)
		if err != nil {
			return err
		}
		// Half a way back is worse than either end of it: a client that goes away does not stop it.
		done, err := (&restore{c, life, about, dir}).run(context.WithoutCancel(ctx))
		if err != nil {
			return fmt.Errorf("restore the snapshot %s: %w", about.Name, err)
		}
		return call.Send(done)
	}
}

// restore is one way back of a running lab to a snapshot.
type restore struct {
	*Cluster
	life  context.Context //nolint:containedctx // what the controllers that are started again live as long as
	about control.Snapshot
	dir   string
}

// run goes back: first the machines, then the objects in one write, and everybody who watches follows.
func (r *restore) run(ctx context.Context) (control.Restored, error) {
	done := control.Restored{Snapshot: r.about}
	moment, err := r.readMoment()
	if err != nil {
		return done, err
	}
	if err := r.settleMachines(ctx); err != nil {
		return done, err
	}
	there, err := r.alreadyThere(ctx, moment, &done)
	if err != nil {
		return done, err
	}
	if !there {
		err = r.rewrite(ctx, moment, &done)
	}
	if err == nil {
		err = r.goBackWorkspace()
	}
	if err != nil {
		return done, err
	}
	r.recordSnapshot(r.about, "RestoreSnapshot", fmt.Sprintf("%d objects made, %d changed, %d gone; %d pods begin again",
		done.Made, done.Changed, done.Gone, done.Again))
	return done, nil
}

// rewrite goes back in the objects. Controllers and scheduler are stopped meanwhile and begin afresh, from a list: what they
// remember of objects that are there again, or never were (expectations, owners seen to be gone, assumed pods), would be wrong.
func (r *restore) rewrite(ctx context.Context, moment *apiserver.Moment, done *control.Restored) error {
	resume := r.holdBrains()
	returned, again, err := r.goBack(ctx, moment)
	if failed := resume(); err == nil {
		err = failed
	}
	if err == nil {
		done.Made, done.Changed, done.Gone, done.Again, done.Now = returned.Made, returned.Changed, returned.Gone, again, returned.Revision
	}
	return err
}

func (r *restore) readMoment() (*apiserver.Moment, error) {
	text, err := os.ReadFile(filepath.Join(r.dir, momentName))
	if err != nil {
		return nil, err
	}
	moment := &apiserver.Moment{}
	return moment, json.Unmarshal(text, moment)
}

// holdBrains stops the scheduler and the controllers; resume starts those that ran when the snapshot was taken.
func (r *restore) holdBrains() (resume func() error) {
	var held []*component
	r.mu.Lock()
	for _, name := range []string{controlling, scheduling} {
		held = append(held, r.components[name])
	}
	r.mu.Unlock()
	var all sync.WaitGroup
	for _, p := range held {
		all.Go(p.stop)
	}
	all.Wait()
	return func() error {
		for _, p := range held {
			if r.about.Parts[p.name] != "" {
				continue
			}
			if err := r.startComponent(r.life, p); err != nil {
				return err
			}
		}
		return nil
	}
}

// alreadyThere reports whether no object differs from the snapshot: then nobody has anything to forget, and nobody is stopped.
func (r *restore) alreadyThere(ctx context.Context, moment *apiserver.Moment, done *control.Restored) (bool, error) {
	resting, err := r.resting(ctx)
	if err != nil {
		return false, err
	}
	for _, name := range []string{controlling, scheduling} {
		if resting[name] != r.about.Parts[name] {
			return false, nil
		}
	}
	way, _, err := r.plan(ctx, moment)
	if err != nil {
		return false, err
	}
	same, revision, err := r.api.IsThere(ctx, way)
	done.Now = revision
	return same, err
}

func (r *restore) goBackWorkspace() error {
	if r.about.WithoutWorkspace {
		return nil
	}
	return mirrorFolder(r.opts.Lab.Workspace(), filepath.Join(r.dir, workspaceName))
}

// plan finds the way back, and the nodes that are on.
func (r *restore) plan(ctx context.Context, moment *apiserver.Moment) (*apiserver.Return, []*node, error) {
	present := apiserver.Present{Nodes: sets.New[string](), Unchanged: sets.New[types.UID]()}
	var on []*node
	for _, n := range r.allNodes() {
		present.Nodes.Insert(n.name)
		if m, _ := n.running(); m != nil {
			on = append(on, n)
		}
	}
	if err := r.askUnchanged(ctx, on, present.Unchanged); err != nil {
		return nil, nil, err
	}
	way, err := r.api.PlanReturn(ctx, moment, present)
	return way, on, err
}

// goBack rewrites the store, and has the nodes prepare for pods that begin again before it, and end what is no more after it.
func (r *restore) goBack(ctx context.Context, moment *apiserver.Moment) (*apiserver.Returned, int, error) {
	way, on, err := r.plan(ctx, moment)
	if err != nil {
		return nil, 0, err
	}
	err = together(on, func(n *node) error {
		return r.orderNode(ctx, n, "renew", control.NodeKeep{Snapshot: keptBy(r.about), Pods: renewedOn(n, way.Again)}, nil)
	})
	if err != nil {
		return nil, 0, err
	}
	returned, err := r.api.GoBack(ctx, way)
	if err != nil {
		return nil, 0, err
	}
	return returned, len(way.Again), together(on, func(n *node) error {
		order := control.NodeKeep{Snapshot: keptBy(r.about)}
		for _, uid := range returned.Ended[n.name] {
			order.Ended = append(order.Ended, string(uid))
		}
		return r.orderNode(ctx, n, "kill", order, nil)
	})
}

// askUnchanged finds the pods whose processes and files are those of the snapshot.
func (r *restore) askUnchanged(ctx context.Context, on []*node, unchanged sets.Set[types.UID]) error {
	var mu sync.Mutex
	return together(on, func(n *node) error {
		var uids []types.UID
		if err := r.orderNode(ctx, n, "unchanged", control.NodeKeep{Snapshot: keptBy(r.about)}, &uids); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		unchanged.Insert(uids...)
		return nil
	})
}

func renewedOn(n *node, again []apiserver.Again) []control.Renewed {
	var pods []control.Renewed
	for _, a := range again {
		if a.Node == n.name {
			pods = append(pods, control.Renewed{
				Namespace: a.Namespace, Name: a.Name, From: string(a.From), To: string(a.To), Restarts: a.Restarts,
			})
		}
	}
	return pods
}
