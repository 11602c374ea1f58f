package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
	"github.com/vishvananda/netlink"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"drydock/sandbox/netem"
	"drydock/sandbox/network"
)

// place is where a fault happens.
type place struct {
	target string // node/NAME or pod/NAMESPACE/NAME
	node   *node  // whose cable it is, or on which the pod is
	cable  netem.Cable
}

// normalTarget gives a target its whole name: pods without a namespace are in default.
func normalTarget(target string) (string, error) {
	kind, name, _ := strings.Cut(target, "/")
	switch parts := strings.Count(name, "/"); {
	case name == "":
	case kind == "node" && parts == 0:
		return target, nil
	case kind == "pod" && parts == 0:
		return "pod/" + metav1.NamespaceDefault + "/" + name, nil
	case kind == "pod" && parts == 1:
		return target, nil
	}
	return "", fmt.Errorf("%q is no target: want node/NAME, pod/NAME or pod/NAMESPACE/NAME", target)
}

// placeOf finds the cable of a running node or pod.
func (c *Cluster) placeOf(ctx context.Context, target string) (place, error) {
	target, err := normalTarget(target)
	if err != nil {
		return place{}, err
	}
	name, ok := strings.CutPrefix(target, "node/")
	if !ok {
		return c.placeOfPod(ctx, target)
	}
	n, err := c.find(name)
	if err != nil {
		return place{}, err
	}
	m, _ := n.running()
	if m == nil {
		return place{}, errOff(n)
	}
	return place{target: target, node: n, cable: netem.Cable{
		Netns: "/proc/self/ns/net", Near: n.name, Bridge: fabricBridge, FarNetns: netnsOf(m.PID()), Far: "eth0",
	}}, nil
}

func netnsOf(pid int) string { return fmt.Sprintf("/proc/%d/ns/net", pid) }

// placeOfPod finds the way to a pod as its node's kernel does: the route to its address leads over its cable.
func (c *Cluster) placeOfPod(ctx context.Context, target string) (place, error) {
	namespace, name, _ := strings.Cut(strings.TrimPrefix(target, "pod/"), "/")
	client, err := c.admin()
	if err != nil {
		return place{}, err
	}
	pod, err := client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return place{}, fmt.Errorf("there is no pod %s in namespace %s", name, namespace)
	case err != nil:
		return place{}, fmt.Errorf("look for pod %s/%s: %w", namespace, name, err)
	case pod.Spec.HostNetwork:
		return place{}, fmt.Errorf("pod %s/%s is on the network of its node: make node/%s bad instead", namespace, name, pod.Spec.NodeName)
	case pod.Status.PodIP == "" || pod.Spec.NodeName == "":
		return place{}, fmt.Errorf("pod %s/%s has no address yet", namespace, name)
	}
	n, err := c.find(pod.Spec.NodeName)
	if err != nil {
		return place{}, err
	}
	m, _ := n.running()
	if m == nil {
		return place{}, errOff(n)
	}
	cable, err := podCable(netnsOf(m.PID()), pod.Status.PodIP)
	if err != nil {
		return place{}, fmt.Errorf("find the cable of pod %s/%s: %w", namespace, name, err)
	}
	// The cable is named after the sandbox (sandbox/cri), whose namespaces are beside its files.
	found, err := filepath.Glob(m.File(filepath.Join("/run/drydock/sandboxes", strings.TrimPrefix(cable, podCables)+"*", "net")))
	if err != nil || len(found) != 1 {
		return place{}, fmt.Errorf("find the network namespace of pod %s/%s: %d found", namespace, name, len(found))
	}
	return place{target: target, node: n, cable: netem.Cable{
		Netns: netnsOf(m.PID()), Near: cable, FarNetns: found[0], Far: "eth0",
	}}, nil
}

// awaitEnd waits until the machine is off, the pod's sandbox has been stopped, or ctx ends. A pod's network namespace may live on
// after the pod: a TCP connection that a program has left behind tries to say its last words, and over a bad cable that takes long.
func (at place) awaitEnd(ctx context.Context, off <-chan struct{}) {
	var events chan fsnotify.Event // of a node there are none
	if strings.HasPrefix(at.target, "pod/") {
		if watcher, err := fsnotify.NewWatcher(); err == nil { // a machine may be out of them
			defer func() { _ = watcher.Close() }() // it only listened
			if watcher.Add(filepath.Dir(at.cable.FarNetns)) == nil {
				events = watcher.Events
			}
		}
	}
	for {
		if _, err := os.Stat(at.cable.FarNetns); err != nil {
			return
		}
		select {
		case <-off:
			return
		case <-ctx.Done():
			return
		case <-events:
		}
	}
}

// podCables is what the names of pods' cables begin with on their node.
const podCables = "veth"

// podCable is the node's end of the cable of the pod with an address.
func podCable(netns, address string) (name string, err error) {
	err = network.Do(netns, func() error {
		to, err := netlink.ParseAddr(address + "/32")
		if err != nil {
			return err
		}
		routes, err := netlink.RouteGet(to.IP)
		if err != nil {
			return err
		}
		for _, r := range routes {
			link, err := netlink.LinkByIndex(r.LinkIndex)
			if err == nil && strings.HasPrefix(link.Attrs().Name, podCables) {
				name = link.Attrs().Name
				return nil
			}
		}
		return errors.New("its node has no route to it over one")
	})
	return name, err
}
