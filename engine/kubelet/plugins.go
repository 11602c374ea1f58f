package kubelet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"drydock/engine/decision"
	"drydock/engine/storage"
)

// pluginPeriod is how often the registry is read when nobody says that it has changed.
const pluginPeriod = 20 * time.Second

// csiDriver is a driver that has registered itself on this node.
type csiDriver struct {
	name        string
	conn        *grpc.ClientConn
	nodeID      string
	topology    map[string]string
	limit       int64 // of volumes on the node; 0 is none
	stages      bool  // wants NodeStageVolume
	manyWriters bool  // tells one writer on a node from many
}

// csiDrivers are the drivers by name. Each has a socket in the registry directory; the kubelet asks there who it is and where it
// answers, and tells the cluster in the CSINode.
type csiDrivers struct {
	k *Kubelet

	mu sync.Mutex
	// guarded by mu
	known map[string]*csiDriver
	came  chan struct{} // closed and replaced when a driver has registered itself

	seen map[string]seenSocket // by path; owned by run
}

// seenSocket is a registration socket that was asked. One that a driver has made anew is another file.
type seenSocket struct {
	made   time.Time
	driver string
}

func newCSIDrivers(k *Kubelet) *csiDrivers {
	return &csiDrivers{k: k, known: map[string]*csiDriver{}, came: make(chan struct{}), seen: map[string]seenSocket{}}
}

// arrival is how long after the kubelet's start drivers are waited for: they start at the same time.
const arrival = 5 * time.Second

// find returns a registered driver. One that is not there is waited for while the node is starting.
func (d *csiDrivers) find(ctx context.Context, name string) (*csiDriver, error) {
	timer := time.NewTimer(arrival - time.Since(d.k.started))
	defer timer.Stop()
	for {
		d.mu.Lock()
		driver, came := d.known[name], d.came
		d.mu.Unlock()
		if driver != nil {
			return driver, nil
		}
		select {
		case <-came:
			continue
		case <-ctx.Done():
		case <-timer.C:
		}
		return nil, fmt.Errorf("driver name %s not found in the list of registered CSI drivers", name)
	}
}

// run keeps the drivers as the registry says until ctx ends.
func (d *csiDrivers) run(ctx context.Context) error {
	defer d.closeAll()
	for delay := firstRetry; ; {
		pause := pluginPeriod
		if err := d.scan(ctx); err != nil {
			pause, delay = delay, min(2*delay, lastRetry)
		} else {
			delay = firstRetry
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-d.k.cfg.PluginChanges:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (d *csiDrivers) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, driver := range d.known {
		_ = driver.conn.Close() // nobody is left who would call
	}
}

// scan asks at every socket that is new, and forgets the drivers of those that are gone.
func (d *csiDrivers) scan(ctx context.Context) error {
	paths, err := filepath.Glob(filepath.Join(storage.Registry(d.k.cfg.RootDir), "*.sock"))
	if err != nil {
		return err
	}
	var failures []error
	for path, was := range d.seen {
		if !slices.Contains(paths, path) {
			failures = append(failures, d.forget(ctx, was.driver))
			delete(d.seen, path)
		}
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || info.ModTime().Equal(d.seen[path].made) {
			continue
		}
		name, err := d.register(ctx, path)
		if err != nil {
			failures = append(failures, fmt.Errorf("register the driver at %s: %w", path, err))
			continue
		}
		d.seen[path] = seenSocket{made: info.ModTime(), driver: name}
	}
	return errors.Join(failures...)
}

// register asks at a registration socket, then at the driver itself, and answers whether that went well.
func (d *csiDrivers) register(ctx context.Context, path string) (string, error) {
	ctx, cancel := storage.WithPatience(ctx)
	defer cancel()
	conn, err := storage.Dial(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }() // the answers are here
	herald := registration.NewRegistrationClient(conn)
	info, err := herald.GetInfo(ctx, &registration.InfoRequest{})
	if err != nil {
		return "", err
	}
	err = d.admit(ctx, info)
	answer := &registration.RegistrationStatus{PluginRegistered: err == nil}
	if err != nil {
		answer.Error = err.Error()
	}
	_, told := herald.NotifyRegistrationStatus(ctx, answer)
	return info.GetName(), errors.Join(err, told)
}

func (d *csiDrivers) admit(ctx context.Context, info *registration.PluginInfo) error {
	if info.GetType() != registration.CSIPlugin {
		return fmt.Errorf("drydock knows no plugins of type %s, only %s", info.GetType(), registration.CSIPlugin)
	}
	driver, err := ask(ctx, info)
	if err != nil {
		return err
	}
	if err := d.k.showDriver(ctx, driver); err != nil {
		return errors.Join(err, driver.conn.Close())
	}
	d.mu.Lock()
	old := d.known[driver.name]
	d.known[driver.name] = driver
	close(d.came)
	d.came = make(chan struct{})
	d.mu.Unlock()
	if old != nil {
		_ = old.conn.Close() // to a driver that is no more
	}
	d.k.cfg.Recorder.Record(decision.Record{
		Actor: "kubelet/" + d.k.cfg.NodeName, Object: decision.Object{Resource: "csinodes", Name: d.k.cfg.NodeName},
		Action: "RegisterDriver", After: driver.name, Reason: "PluginRegistered",
	})
	d.k.pokeAll() // pods may have been waiting for it
	return nil
}

// ask lets a driver tell what it can do on this node.
func ask(ctx context.Context, info *registration.PluginInfo) (*csiDriver, error) {
	conn, err := storage.Dial(info.GetEndpoint())
	if err != nil {
		return nil, err
	}
	node := csi.NewNodeClient(conn)
	about, err := node.NodeGetInfo(ctx, &csi.NodeGetInfoRequest{})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	can, err := node.NodeGetCapabilities(ctx, &csi.NodeGetCapabilitiesRequest{})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	driver := &csiDriver{
		name: info.GetName(), conn: conn, nodeID: about.GetNodeId(), limit: about.GetMaxVolumesPerNode(),
		topology: maps.Clone(about.GetAccessibleTopology().GetSegments()),
	}
	for _, c := range can.GetCapabilities() {
		switch c.GetRpc().GetType() {
		case csi.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME:
			driver.stages = true
		case csi.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER:
			driver.manyWriters = true
		}
	}
	return driver, nil
}

// forget takes a driver off the list. The CSINode still names it, with the volumes that it has mounted, until it comes back: drivers
// are updated by stopping and starting them.
//
// Kubernetes: the kubelet takes it off the CSINode, and pods for it are sent elsewhere meanwhile.
func (d *csiDrivers) forget(_ context.Context, name string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if driver := d.known[name]; driver != nil {
		delete(d.known, name)
		return driver.conn.Close()
	}
	return nil
}
