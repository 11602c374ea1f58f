package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"drydock/engine/cluster/control"
	"drydock/sandbox/network"
)

// podNetwork is how packets of pods get from machine to machine.
type podNetwork string

// The pod networks; control.PodNetworks has their names.
const (
	// routed: every machine has a route for each other's pods, as a cloud's route controller or flannel's host-gw makes them.
	routed podNetwork = "routed"
	// vxlan: packets travel inside UDP packets between machines, as flannel does it where the network in between knows nothing
	// of pods.
	vxlan podNetwork = "vxlan"
)

// readPodNetwork reads the file that `drydock up --pod-network` has left.
func readPodNetwork(path string) (podNetwork, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return routed, nil
	}
	if err != nil {
		return "", fmt.Errorf("read the kind of pod network: %w", err)
	}
	name := strings.TrimSpace(string(text))
	if !slices.Contains(control.PodNetworks, name) {
		return "", fmt.Errorf("there is no pod network %q, as %s says", name, path)
	}
	return podNetwork(name), nil
}

// mtu is how long packets of pods may be; 0 is the kernel's usual.
func (p podNetwork) mtu() int {
	if p == vxlan {
		return network.OverlayMTU
	}
	return 0
}

// begin makes the lab's own machine part of the network: the API server and the learner's shell are there.
func (p podNetwork) begin() error {
	if p != vxlan {
		return nil
	}
	return network.AddOverlay(labsEnd)
}

// labsEnd is the lab's own. No pods are there; of their range it has an address.
var labsEnd = network.Overlay{Link: fabricBridge, Address: fabricPrefix.Addr(), Pods: podCIDR(0)}

func endOf(n *node) network.Overlay {
	return network.Overlay{Link: "eth0", Address: n.address, Pods: n.pods}
}

// join makes a new machine part of the network; pid is a process on it.
func (p podNetwork) join(pid int, n *node) error {
	if p != vxlan {
		return nil
	}
	end := endOf(n)
	end.PID = pid
	return errors.Join(network.AddOverlay(end), network.AddPeer(pid, labsEnd))
}

// lead shows a machine, by a process on it, or the lab's own, pid 0, the way to the pods of another.
func (p podNetwork) lead(pid int, to *node) error {
	if p == vxlan {
		return network.AddPeer(pid, endOf(to))
	}
	return network.AddRoute(network.Route{PID: pid, Destination: to.pods, Via: to.address})
}

// leadAway undoes lead.
func (p podNetwork) leadAway(pid int, to *node) error {
	if p == vxlan {
		return network.RemovePeer(pid, endOf(to))
	}
	return network.RemoveRoute(network.Route{PID: pid, Destination: to.pods, Via: to.address})
}
