package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"k8s.io/client-go/rest"

	"drydock/engine/decision"
	"drydock/engine/guard"
	"drydock/engine/listwatch"
)

// Config is all a proxy must be told.
type Config struct {
	NodeName string
	// NodeIP is the node's own address, where node ports are open. Empty: they are open on all its addresses but loopback.
	NodeIP string
	// OnlyClusterIPs leaves out node ports, external and balancers' addresses: those are the nodes' to answer.
	OnlyClusterIPs bool
	// REST is how to reach the API server. Client, when set, is used instead.
	REST   *rest.Config
	Client Client
	// PodCIDR is the range of all pods of the cluster: what comes from outside it is masqueraded on its way to a Service.
	PodCIDR string
	// Recorder takes decision records; nil drops them.
	Recorder decision.Recorder
}

const (
	firstRetry  = 100 * time.Millisecond
	lastRetry   = 10 * time.Second
	maxFailures = 8
)

// Proxy keeps the calling process's network namespace in step with Services and EndpointSlices.
//
// Its goroutines, all started by Run and ended before it returns: two that follow the API, one that
// hears of strangers' changes to the rules, and, the caller's own, one that owns the rules.
type Proxy struct {
	// set once in New
	cfg   Config
	where where
	state *state

	speaker speaker // owned by Run
}

// New checks cfg; nothing is contacted before Run.
func New(cfg Config) (*Proxy, error) {
	if cfg.Recorder == nil {
		cfg.Recorder = decision.Discard
	}
	p := &Proxy{cfg: cfg, state: newState(viewer{cfg.NodeName, cfg.OnlyClusterIPs})}
	if cfg.PodCIDR != "" {
		var err error
		if p.where.podCIDR, err = netip.ParsePrefix(cfg.PodCIDR); err != nil || !p.where.podCIDR.Addr().Is4() {
			return nil, fmt.Errorf("proxy of %s: pod range %q: want an IPv4 prefix", cfg.NodeName, cfg.PodCIDR)
		}
	}
	if cfg.NodeIP != "" {
		var err error
		if p.where.nodeIP, err = netip.ParseAddr(cfg.NodeIP); err != nil || !p.where.nodeIP.Is4() {
			return nil, fmt.Errorf("proxy of %s: node address %q: want an IPv4 address", cfg.NodeName, cfg.NodeIP)
		}
	}
	if cfg.Client == nil {
		if cfg.REST == nil {
			return nil, fmt.Errorf("proxy of %s: no way to the API server", cfg.NodeName)
		}
		var err error
		if p.cfg.Client, err = NewClient(cfg.REST); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Run follows Services and EndpointSlices and keeps the kernel's rules equal to them until ctx ends; it returns nil then. The
// rules stay, so that traffic flows while a proxy is being replaced.
func (p *Proxy) Run(ctx context.Context) error {
	k, err := newKernel(p.where)
	if err != nil {
		return fmt.Errorf("proxy of %s: %w", p.cfg.NodeName, err)
	}
	alarm, err := guard.New(table.Name, k.port)
	if err != nil {
		return fmt.Errorf("proxy of %s: %w", p.cfg.NodeName, errors.Join(err, k.close()))
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	all.Go(func() { _ = alarm.Run(ctx) }) // ends with ctx, never otherwise
	for _, source := range []*listwatch.Source{p.services(), p.endpointSlices()} {
		all.Go(func() { _ = source.Follow(ctx) }) // ends with ctx, never otherwise
	}
	err = p.keep(ctx, k, alarm.Touched())
	stop()
	all.Wait()
	if err = errors.Join(err, k.close()); err != nil {
		return fmt.Errorf("proxy of %s: %w", p.cfg.NodeName, err)
	}
	return nil
}

// keep owns the kernel: it writes what has changed, and everything when the rules are not what we left. It gives up when the
// kernel has refused the rules maxFailures times in a row: whoever started us should know.
func (p *Proxy) keep(ctx context.Context, k *kernel, touched <-chan struct{}) error {
	delay, failures := firstRetry, 0
	rebuild := true
	var retry <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.state.news:
		case <-retry:
		case <-touched:
			p.recordTable("SyncRules", "changed by somebody else", "as decided", "TamperedWith")
			rebuild = true
		}
		retry = nil
		if err := p.sync(k, rebuild); err != nil {
			if !errors.Is(err, errNotSynced) {
				if failures++; failures == maxFailures {
					return err
				}
				p.recordTable("SyncRules", "", err.Error(), "Failed")
				rebuild = true
				retry = time.After(delay)
				delay = min(2*delay, lastRetry)
			}
			continue
		}
		rebuild, delay, failures = false, firstRetry, 0
	}
}

var errNotSynced = errors.New("services or endpoint slices have not been listed yet")

// sync brings what is new into the kernel, or everything.
func (p *Proxy) sync(k *kernel, rebuild bool) error {
	if rebuild {
		want, synced := p.state.everything()
		if !synced {
			return errNotSynced // rules for half of the truth would cut off services of the other half
		}
		if err := k.rebuild(want); err != nil {
			return err
		}
		if err := k.cutFlows(); err != nil {
			return err
		}
		p.recordTable("SyncRules", "", fmt.Sprintf("%d service ports", len(want)), "Rebuilt")
		return p.announce()
	}
	var changes []change
	for service, ports := range p.state.dirty() {
		changes = append(changes, diff(k.known[service], ports)...)
	}
	changes = removalsFirst(changes)
	began := time.Now()
	if err := k.apply(changes); err != nil {
		return err
	}
	took := time.Since(began)
	if err := k.cutFlows(); err != nil {
		return err
	}
	for _, c := range changes {
		p.record(c, took)
	}
	return p.announce()
}
