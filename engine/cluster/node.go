package cluster

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"drydock/engine/cluster/control"
	"drydock/engine/decision"
	"drydock/engine/storage"
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
	member
	name    string
	address netip.Addr
	pods    netip.Prefix

	power sync.Mutex // held while the node is started or ended in order

	mu sync.Mutex
	// guarded by mu
	machine *machine.Machine // nil while the node is off
	off     chan struct{}    // closed when the machine has ended; nil before the first start
	cut     bool             // its network cable is pulled
}

func newNode(m member) *node {
	return &node{member: m, name: nodeName(m.Number), address: nodeAddress(m.Number), pods: podCIDR(m.Number)}
}

func (n *node) status() control.Node {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := control.Node{
		Name: n.name, Address: n.address.String(), PodCIDR: n.pods.String(), State: "stopped", Labels: n.Labels, Capacity: n.Capacity,
	}
	if n.machine != nil {
		s.State, s.PID = "running", n.machine.PID()
	}
	if n.machine != nil && n.cut {
		s.State = "cut"
	}
	return s
}

// layFabric makes the switch. The lab gets a route to Services, which are nowhere: the kernel looks for a way out before the
// proxy's rules rewrite a packet's destination, and gives up when there is none.
func (c *Cluster) layFabric(context.Context) error {
	var err error
	if c.podNetwork, err = readPodNetwork(c.opts.Lab.PodNetwork()); err != nil {
		return err
	}
	if err := network.NewFabric(fabricBridge, fabricPrefix); err != nil {
		return err
	}
	if err := network.AddRoute(network.Route{Destination: serviceRange, Link: fabricBridge}); err != nil {
		return err
	}
	return c.podNetwork.begin()
}

// bootNodes boots all nodes at once.
func (c *Cluster) bootNodes(ctx context.Context) error {
	if err := errors.Join(c.prepareShell(), c.prepareResolver()); err != nil {
		return err
	}
	return together(c.allNodes(), func(n *node) error { return c.boot(ctx, n) })
}

// together does the same with several nodes at once and returns all errors.
func together(nodes []*node, do func(*node) error) error {
	errs := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() { errs[i] = do(n) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (c *Cluster) record(n *node, action, before, after string) {
	c.ring.Record(decision.Record{
		Actor: "machine-room", Object: decision.Object{Resource: "nodes", Name: n.name},
		Action: action, Before: before, After: after,
	})
}

// plugIn connects a waiting machine to the fabric and tells it the way to the pods of all others, and the lab the way to its own.
func (c *Cluster) plugIn(n *node, pid int) error {
	err := network.AttachNode(network.Node{
		Bridge: fabricBridge, Name: n.name, PID: pid,
		Address: netip.PrefixFrom(n.address, fabricPrefix.Bits()), Gateway: fabricPrefix.Addr(),
	})
	if err != nil {
		return fmt.Errorf("plug %s into the fabric: %w", n.name, err)
	}
	if err := c.podNetwork.join(pid, n); err != nil {
		return fmt.Errorf("join %s to the pod network: %w", n.name, err)
	}
	if err := c.podNetwork.lead(0, n); err != nil {
		return fmt.Errorf("show the lab the way to the pods of %s: %w", n.name, err)
	}
	for _, other := range c.allNodes() {
		if other == n {
			continue
		}
		if err := c.podNetwork.lead(pid, other); err != nil {
			return fmt.Errorf("show %s the way to the pods of %s: %w", n.name, other.name, err)
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
	dirs := map[string]string{storage.Shared: c.opts.Lab.Volumes()}
	for part, target := range map[string]string{
		"runtime": "/var/lib/drydock", "kubelet": storage.KubeletDir, "log": "/var/log", "manifests": "/etc/kubernetes/manifests", "volumes": storage.Local,
	} {
		dirs[target] = c.opts.Lab.Node(n.name, part)
	}
	for target, dir := range dirs {
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
	kubelet := []string{
		"kubelet", "--node=" + n.name, "--node-ip=" + n.address.String(), "--pod-cidr=" + n.pods.String(),
		"--cluster-dns=" + dnsServiceAddr.String(), "--cluster-domain=" + clusterDomain,
	}
	if len(n.Labels) > 0 {
		kubelet = append(kubelet, "--labels="+pairs(n.Labels))
	}
	var capacity []string
	if len(n.Capacity) > 0 {
		capacity = []string{"--capacity=" + pairs(n.Capacity)}
		kubelet = append(kubelet, capacity...)
	}
	if c.opts.NodeGrace > 0 {
		kubelet = append(kubelet, "--lease-duration="+leaseFor(c.opts.NodeGrace).String())
	}
	return append([]string{
		nodeBin + "/docknode", "runtime",
		"--root=/var/lib/drydock", "--socket=" + criSocket, "--images=" + nodeImages, "--init=" + nodeBin + "/dockinit",
		"--node=" + n.name, "--node-ip=" + n.address.String(), "--pod-cidr=" + n.pods.String(), "--pod-mtu=" + strconv.Itoa(c.podNetwork.mtu()),
		"--supervise", strings.Join(kubelet, " "),
		"--supervise", "storage --node=" + n.name,
		"--supervise", strings.Join([]string{"proxy", "--node=" + n.name, "--node-ip=" + n.address.String(), "--pod-cidr=" + podRange.String()}, " "),
	}, capacity...)
}

// pairs are labels or capacity as one word of a command line.
func pairs(m map[string]string) string {
	var words []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		words = append(words, key+"="+m[key])
	}
	return strings.Join(words, ",")
}

// leaseFor is the duration of node Leases that goes with a grace period, in Kubernetes' own proportion: 40 s to 50 s. A kubelet
// renews four times in that time.
func leaseFor(grace time.Duration) time.Duration { return grace * 4 / 5 }

// machineID is what a machine keeps for its whole life (machine-id(5)): it follows from the lab's authority, which every lab has of
// its own, and the node's name.
func (c *Cluster) machineID(n *node) string {
	return strings.ReplaceAll(uuidOf(string(c.ca.pem)+n.name), "-", "")
}

// uuidOf makes a UUID of a seed: version 8, whose content is anybody's own (RFC 9562).
func uuidOf(seed string) string {
	b := sha256.Sum256([]byte(seed))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
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
		"/etc/machine-id":                 c.machineID(n) + "\n",
		"/run/drydock/boot-id":            uuidOf(rand.Text()) + "\n",
		"/etc/hosts":                      fmt.Sprintf("127.0.0.1 localhost\n%s %s\n", n.address, n.name),
		"/etc/resolv.conf":                "# No name server: a lab has no way to the internet.\n",
		"/etc/passwd":                     "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
		"/etc/group":                      "root:x:0:\nnogroup:x:65534:\n",
	}, nil
}
