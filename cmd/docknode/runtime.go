package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"

	"drydock/engine/kubelet"
	"drydock/sandbox/cgroup"
	"drydock/sandbox/container"
	"drydock/sandbox/cri"
	"drydock/sandbox/image"
	"drydock/sandbox/lab"
)

// runtimeFlags are what a node's pid 1 is told.
type runtimeFlags struct {
	root, socket, images, init, node, logs, kubeconfig string
	nodeIP                                             netip.Addr
	podCIDR                                            netip.Prefix
	capacity                                           corev1.ResourceList
	podMTU                                             int
	supervise                                          []string
}

func parseRuntimeFlags(args []string) (runtimeFlags, error) {
	var f runtimeFlags
	flags := flag.NewFlagSet("runtime", flag.ContinueOnError)
	flags.StringVar(&f.root, "root", "/var/lib/drydock", "images and snapshots")
	flags.StringVar(&f.socket, "socket", "/run/drydock/cri.sock", "the CRI socket; mounts appear beside it")
	flags.StringVar(&f.images, "images", "", "a folder made by docknode seed")
	flags.StringVar(&f.init, "init", "/opt/drydock/bin/dockinit", "the dockinit program")
	flags.StringVar(&f.node, "node", "", "the node's name")
	flags.StringVar(&f.logs, "logs", "/var/log/drydock", "where the output of supervised services goes")
	flags.StringVar(&f.kubeconfig, "kubeconfig", "/etc/kubernetes/kubelet.conf", "where the API server is, to tell it what was done; may be missing")
	flags.TextVar(&f.nodeIP, "node-ip", netip.Addr{}, "the node's address")
	flags.TextVar(&f.podCIDR, "pod-cidr", netip.Prefix{}, "the addresses of the node's pods")
	flags.Func("capacity", "what this node has, where it shall not be what the kernel says, as the kubelet is told", func(text string) (err error) {
		f.capacity, err = readCapacity(text)
		return err
	})
	flags.IntVar(&f.podMTU, "pod-mtu", 0, "how long packets of pods may be; 0: the kernel's usual")
	flags.Func("supervise", "a verb of docknode with its flags, to be kept running (repeatable)", func(line string) error {
		f.supervise = append(f.supervise, line)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return f, fmt.Errorf("read flags: %w", err)
	}
	if f.node == "" || !f.nodeIP.IsValid() || !f.podCIDR.IsValid() {
		return f, errors.New("--node, --node-ip and --pod-cidr are needed")
	}
	return f, nil
}

// runRuntime is a node's pid 1. It ends on SIGTERM, and all containers with it.
func runRuntime(ctx context.Context, args []string) (err error) {
	f, err := parseRuntimeFlags(args)
	if err != nil {
		return err
	}
	images, err := image.Open(ctx, image.Options{Root: f.root, Seed: f.images})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, images.Close()) }()
	runner, err := container.New(container.Options{InitPath: f.init})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, runner.Close()) }()
	groups := openGroups()
	if groups != nil {
		defer func() { err = errors.Join(err, groups.Close()) }()
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find own program: %w", err)
	}
	history, err := openHistory(f)
	if err != nil {
		return err
	}
	server, err := cri.New(cri.Config{
		RunDir: filepath.Dir(f.socket), StateDir: filepath.Join(f.root, "records"), Images: images, Runner: runner, Cgroups: groups,
		PodLimits: podLimits(kubelet.MachineCapacity(f.root, f.capacity)),
		NodeName:  f.node, NodeIP: f.nodeIP, PodCIDR: f.podCIDR, PodMTU: f.podMTU, PodsDir: podsDir,
		Pause: []string{self, "pause"}, Version: strings.TrimPrefix(version, "v"), Observe: history.observe,
	})
	if err != nil {
		return err
	}
	return serveRuntime(ctx, server, history, f)
}

// podLimits is what a node has for all its pods together. Nothing is reserved for the system: it is the same machine's.
func podLimits(capacity corev1.ResourceList) cgroup.Limits {
	limits := cgroup.Limits{CPUShares: capacity.Cpu().MilliValue() * 1024 / 1000, MemoryBytes: capacity.Memory().Value()}
	if text, err := os.ReadFile("/proc/sys/kernel/pid_max"); err == nil {
		limits.Pids, _ = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64) // unlimited if the kernel has no number for us
	}
	return limits
}

// openGroups opens what limits containers. A node without it still serves: its log and its runtime status say that nothing
// is limited.
func openGroups() cgroup.Manager {
	groups, err := cgroup.Open(cgroup.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, "docknode runtime: containers run without limits:", err)
		return nil
	}
	return groups
}

// serveRuntime answers until the end, and keeps the services and the reaper running meanwhile.
func serveRuntime(ctx context.Context, server *cri.Server, h *history, f runtimeFlags) error {
	listener, err := cri.Listen(f.socket)
	if err != nil {
		return err
	}
	var units services
	for _, line := range f.supervise {
		units = append(units, newService(line, f.logs))
	}
	// Everything but the services lives a little longer than ctx: a kubelet that ends its pods needs it.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	defer all.Wait()
	defer end()
	reaped := make(chan error, 1)
	all.Go(func() { reaped <- container.Reap(life); end() })
	all.Go(func() { h.run(life) })
	ordered := make(chan error, 1)
	all.Go(func() { ordered <- takeOrders(life, f, units, server); end() })
	all.Go(func() { // the orderly end
		<-ctx.Done()
		units.shutDown()
		end()
	})
	err = server.Serve(life, listener, func() {
		sayReady()
		units.start(life)
	})
	end()
	return errors.Join(err, <-reaped, <-ordered)
}

// takeOrders serves this machine's systemctl until ctx ends: its services, what its pods have written, and images.
func takeOrders(ctx context.Context, f runtimeFlags, units services, server *cri.Server) error {
	verbs := units.verbs(ctx)
	maps.Copy(verbs, keeping(server, filepath.Join(f.root, "kept")))
	verbs[verbImport] = importInto(server.Images())
	listener, err := lab.Listen(filepath.Join(filepath.Dir(f.socket), "services.sock"))
	if err != nil {
		return err
	}
	return lab.Serve(ctx, listener, verbs)
}

// readyDescriptor is where whoever started us may listen for the first line.
const readyDescriptor = 3

// sayReady writes a line to descriptor 3, if it is open for writing. Nobody may be listening: then nothing happens.
func sayReady() {
	flags, err := unix.FcntlInt(readyDescriptor, unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE == unix.O_RDONLY {
		return
	}
	pipe := os.NewFile(readyDescriptor, "ready")
	fmt.Fprintln(pipe, "ready")
	pipe.Close()
}
