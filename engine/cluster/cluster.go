package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"drydock/engine/apiserver"
	"drydock/engine/cluster/control"
	"drydock/engine/decision"
	"drydock/engine/store"
	"drydock/sandbox/container"
	"drydock/sandbox/home"
	"drydock/sandbox/hostport"
	"drydock/sandbox/lab"
)

// rememberedDecisions is how many decision records a lab keeps at least. A pod's life is about thirty.
const rememberedDecisions = 20_000

// Options is all a cluster must be told.
type Options struct {
	Home     home.Home
	Lab      home.Lab
	Programs home.Programs
	// Nodes is how many nodes a new lab gets; a known lab gets more if it has fewer. 0 means three, or as many as it has.
	Nodes int
	// NodeGrace is how long a node may be silent before it counts as gone; 0 means Kubernetes' default.
	NodeGrace time.Duration
	// Public is a listener on the machine's 127.0.0.1, made outside the lab.
	Public net.Listener
	// HostPorts opens more of them while the lab runs; nil: it is to have no others.
	HostPorts *hostport.Ports
	Inside    *lab.Inside
	// Progress hears of each step as it begins; it is called from one goroutine at a time.
	Progress func(step string)
	Version  string
}

// Cluster is a running cluster: pid 1 of a lab owns one.
type Cluster struct {
	// set once in Run, before the control socket is served
	opts    Options
	started time.Time
	ca      *authority
	ring    *decision.Ring
	limits  limits
	// podNetwork is how packets of pods get from machine to machine.
	podNetwork podNetwork

	snapshots sync.Mutex // held while a snapshot is saved, restored or removed

	faulty sync.Mutex // held while a cable is made bad or mended
	// guarded by faulty
	faults    []*fault
	badCables map[string]*badCable // by target

	background sync.WaitGroup // every goroutine of the cluster; Run waits for it
	stop       context.CancelCauseFunc

	mu sync.Mutex
	// guarded by mu
	store      store.Store
	api        *apiserver.Server
	nodes      map[string]*node // by name
	components map[string]*component
	forwarder  *forwarder // nil without Options.HostPorts
}

// errDown is the cause of an orderly end.
var errDown = errors.New("the lab was asked to go down")

// Run starts a cluster and keeps it until ctx ends or the lab is asked to go down; ready is called once all nodes are
// Ready. Nil is an orderly end. Everything Run started has ended when it returns.
func Run(ctx context.Context, opts Options, ready func()) error {
	ctx, stop := context.WithCancelCause(ctx)
	c := &Cluster{
		opts: opts, started: time.Now(), stop: stop, nodes: map[string]*node{}, components: map[string]*component{},
		badCables: map[string]*badCable{}, ring: decision.NewRing(rememberedDecisions),
	}
	// Orphans of the learner's shell become children of pid 1.
	c.run(ctx, "reaper", container.Reap)
	err := c.start(ctx)
	if err == nil {
		ready()
		<-ctx.Done()
		err = context.Cause(ctx)
	}
	stop(err)
	err = errors.Join(c.finish(), err)
	if errors.Is(err, errDown) {
		return nil
	}
	return err
}

// finish undoes what start did, in reverse: first the nodes, so that nothing writes any more, then the store.
func (c *Cluster) finish() error {
	c.stopNodes()
	c.background.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.store == nil {
		return nil
	}
	if err := c.store.Close(); err != nil {
		return fmt.Errorf("close the store: %w", err)
	}
	return nil
}

// run starts a part as a goroutine that lives until ctx ends. A part that ends sooner takes the cluster down with its error.
func (c *Cluster) run(ctx context.Context, name string, part func(context.Context) error) {
	c.background.Go(func() {
		err := part(ctx)
		if ctx.Err() == nil {
			c.stop(fmt.Errorf("%s ended: %w", name, errors.Join(err, errEarly)))
		}
	})
}

var errEarly = errors.New("before it was asked to")

// logFile opens a file below the lab's log directory for appending; the caller closes it.
func (c *Cluster) logFile(name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(c.opts.Lab.Log(), name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// status answers VerbStatus.
func (c *Cluster) status() control.Status {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := control.Status{
		Name: c.opts.Lab.Name(), Started: c.started, Version: c.opts.Version,
		Server: c.publicURL(), Inside: insideURL(),
		PodNetwork: string(c.podNetwork), Limits: c.limits.tier, LimitsNote: c.limits.note, IDs: string(c.opts.Inside.IDMap),
	}
	for _, n := range c.sortedLocked() {
		s.Nodes = append(s.Nodes, n.status())
	}
	if c.forwarder != nil {
		s.Forwards = c.forwarder.list()
	}
	return s
}

func (c *Cluster) publicURL() string { return "https://" + c.opts.Public.Addr().String() }

func insideURL() string { return fmt.Sprintf("https://%s:%d", fabricPrefix.Addr(), apiPort) }
