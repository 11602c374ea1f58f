package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"drydock/engine/cluster/control"
	"drydock/engine/decision"
	"drydock/sandbox/machine"
	"drydock/sandbox/network"
)

// Inside a node; docs/architecture.md has the whole table.
const (
	nodeBin    = "/opt/drydock/bin"
	nodeImages = "/opt/drydock/images"
	criSocket  = "/run/drydock/cri.sock"
)

// node is one machine of the cluster.
type node struct {
	// set once in newNode
	number  int
	name    string
	address netip.Addr
	pods    netip.Prefix

	mu sync.Mutex
	// guarded by mu
	machine *machine.Machine // nil while the node is off
	off     chan struct{}    // closed when the machine has ended; nil before the first start
}

func newNode(number int) *node {
	return &node{number: number, name: nodeName(number), address: nodeAddress(number), pods: podCIDR(number)}
}

func (n *node) status() control.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := control.Node{Name: n.name, Address: n.address.String(), PodCIDR: n.pods.String(), State: "stopped"}
	if n.machine != nil {
		s.State, s.PID = "running", n.machine.PID()
	}
	return s
}

// layFabric makes the switch. The lab gets a route to Services, which are nowhere: the kernel looks for a way out before the
// proxy's rules rewrite a packet's destination, and gives up when there is none.
func (c *Cluster) layFabric(context.Context) error {
	if err := network.NewFabric(fabricBridge, fabricPrefix); err != nil {
		return err
	}
	return network.AddRoute(network.Route{Destination: serviceRange, Link: fabricBridge})
}

// bootNodes boots all nodes at once.
func (c *Cluster) bootNodes(ctx context.Context) error {
	if err := errors.Join(c.prepareShell(), c.prepareResolver()); err != nil {
		return err
	}
	errs := make([]error, c.opts.Nodes)
	var all sync.WaitGroup
	for i := range errs {
		n := newNode(i + 1)
		c.mu.Lock()
		c.nodes[n.name] = n
		c.mu.Unlock()
		all.Go(func() { errs[i] = c.boot(ctx, n) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// boot starts one node and returns when its runtime answers.
func (c *Cluster) boot(ctx context.Context, n *node) error {
	spec, err := c.nodeSpec(n)
	if err != nil {
		return err
	}
	output, err := c.logFile(n.name + ".log")
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", n.name, err)
	}
	defer output.Close()
	readyRead, readyWrite, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("listen to %s: %w", n.name, err)
	}
	defer readyRead.Close()
	m, err := machine.Start(spec, []string{c.opts.Programs.Path("dockboot")}, output, readyWrite)
	readyWrite.Close()
	if err != nil {
		return err
	}
	c.watchMachine(n, m)
	if err := errors.Join(c.plugIn(n, m.PID()), m.PowerOn()); err != nil {
		return errors.Join(err, m.Kill())
	}
	return awaitRuntime(ctx, n.name, readyRead, output.Name())
}

// awaitRuntime reads the line by which a node's runtime says that it serves.
func awaitRuntime(ctx context.Context, name string, ready *os.File, log string) error {
	stop := context.AfterFunc(ctx, func() { _ = ready.SetReadDeadline(time.Now()) })
	defer stop()
	if _, err := bufio.NewReader(ready).ReadString('\n'); err != nil {
		return fmt.Errorf("%s ended before its container runtime answered; see %s", name, log)
	}
	return nil
}

// watchMachine notes when a node's power is on, and when it goes off for whatever reason.
func (c *Cluster) watchMachine(n *node, m *machine.Machine) {
	off := make(chan struct{})
	n.mu.Lock()
	n.machine, n.off = m, off
	n.mu.Unlock()
	c.record(n, "PowerOn", "", "running")
	c.background.Go(func() {
		err := m.Wait()
		n.mu.Lock()
		n.machine = nil
		n.mu.Unlock()
		how := "exited"
		if err != nil {
			how = err.Error()
		}
		c.record(n, "PowerOff", "running", how)
		close(off)
	})
}

func (c *Cluster) record(n *node, action, before, after string) {
	c.ring.Record(decision.Record{
		Actor: "machine-room", Object: decision.Object{Resource: "nodes", Name: n.name},
		Action: action, Before: before, After: after,
	})
}

// plugIn connects a waiting machine to the fabric and tells everybody the way to its pods.
func (c *Cluster) plugIn(n *node, pid int) error {
	err := network.AttachNode(network.Node{
		Bridge: fabricBridge, Name: n.name, PID: pid,
		Address: netip.PrefixFrom(n.address, fabricPrefix.Bits()), Gateway: fabricPrefix.Addr(),
	})
	if err != nil {
		return fmt.Errorf("plug %s into the fabric: %w", n.name, err)
	}
	if err := network.AddRoute(network.Route{Destination: n.pods, Via: n.address}); err != nil {
		return fmt.Errorf("route the lab to the pods of %s: %w", n.name, err)
	}
	for i := 1; i <= c.opts.Nodes; i++ {
		if i == n.number {
			continue
		}
		if err := network.AddRoute(network.Route{PID: pid, Destination: podCIDR(i), Via: nodeAddress(i)}); err != nil {
			return fmt.Errorf("route %s to the pods of %s: %w", n.name, nodeName(i), err)
		}
	}
	return nil
}

// nodeSpec says what a node's machine looks like, and issues its certificates.
func (c *Cluster) nodeSpec(n *node) (machine.Spec, error) {
	root := filepath.Join("/run/drydock/machines", n.name)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return machine.Spec{}, fmt.Errorf("make room for %s: %w", n.name, err)
	}
	binds := []machine.Bind{
		{Source: string(c.opts.Programs), Target: nodeBin, ReadOnly: true},
		{Source: c.imagesDir(), Target: nodeImages, ReadOnly: true},
	}
	for part, target := range map[string]string{"runtime": "/var/lib/drydock", "kubelet": "/var/lib/kubelet", "log": "/var/log"} {
		dir := c.opts.Lab.Node(n.name, part)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return machine.Spec{}, fmt.Errorf("make room for %s: %w", n.name, err)
		}
		binds = append(binds, machine.Bind{Source: dir, Target: target})
	}
	files, err := c.nodeFiles(n)
	if err != nil {
		return machine.Spec{}, err
	}
	return machine.Spec{Name: n.name, Root: root, Binds: binds, Files: files, Init: c.nodeInit(n)}, nil
}

// nodeInit is the command line of a node's pid 1: the container runtime, which keeps the kubelet and the proxy running.
func (c *Cluster) nodeInit(n *node) []string {
	return []string{
		nodeBin + "/docknode", "runtime",
		"--root=/var/lib/drydock", "--socket=" + criSocket, "--images=" + nodeImages, "--init=" + nodeBin + "/dockinit",
		"--node=" + n.name, "--node-ip=" + n.address.String(), "--pod-cidr=" + n.pods.String(),
		"--supervise", strings.Join([]string{
			"kubelet", "--node=" + n.name, "--node-ip=" + n.address.String(), "--pod-cidr=" + n.pods.String(),
			"--cluster-dns=" + dnsServiceAddr.String(), "--cluster-domain=" + clusterDomain,
		}, " "),
		"--supervise", strings.Join([]string{"proxy", "--node=" + n.name, "--node-ip=" + n.address.String(), "--pod-cidr=" + podRange.String()}, " "),
	}
}

// nodeFiles are the files a new machine is born with.
func (c *Cluster) nodeFiles(n *node) (map[string]string, error) {
	user := "system:node:" + n.name
	client, err := c.ca.issue(identity{user: user, groups: []string{"system:nodes"}})
	if err != nil {
		return nil, err
	}
	serving, err := c.ca.issue(identity{user: user, groups: []string{"system:nodes"}, dns: []string{n.name}, ips: ips(n.address)})
	if err != nil {
		return nil, err
	}
	proxy, err := c.ca.issue(identity{user: "system:kube-proxy", groups: []string{"system:node-proxier"}})
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"/etc/kubernetes/kubelet.conf":    string(kubeconfig(insideURL(), user, c.ca.pem, client)),
		"/etc/kubernetes/kube-proxy.conf": string(kubeconfig(insideURL(), "system:kube-proxy", c.ca.pem, proxy)),
		"/etc/kubernetes/ca.crt":          string(c.ca.pem),
		"/etc/kubernetes/kubelet.crt":     string(serving.cert),
		"/etc/kubernetes/kubelet.key":     string(serving.key),
		"/etc/hostname":                   n.name + "\n",
		"/etc/hosts":                      fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", n.address, n.name),
		"/etc/resolv.conf":                "# No name server: a lab has no way to the internet.\n",
		"/etc/passwd":                     "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
		"/etc/group":                      "root:x:0:\nnogroup:x:65534:\n",
	}, nil
}

// stopNodes cuts the power of all nodes and waits until they are off. It is safe when none was started.
func (c *Cluster) stopNodes() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nodes {
		n.mu.Lock()
		m, off := n.machine, n.off
		n.mu.Unlock()
		if m == nil {
			continue
		}
		// Its only error is a machine that has ended already.
		_ = m.Kill()
		<-off
	}
}
