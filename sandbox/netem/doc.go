// Package netem makes a cable of the lab bad: slow, lossy, narrow, out of order, or dead.
//
// # Part played
//
// tc-netem(8), the network emulator with which people try what their programs do on a bad network.
//
// # How it works
//
// A cable has two ends, such as a node's: the near one is a port of the fabric, the far one is eth0 of the node.
// New(cable, Fault{Delay: 100ms}) makes every packet on it take 100 ms longer, each way; Run keeps it so until its context
// ends, and mends the cable then.
//
// Where the kernel has netem, both ends get such a queue, and that is all. Many kernels do not (it is a module, and a container
// cannot load one). There the packets go through this process, the relay: what arrives at an end is seen by a packet socket
// (packet(7)), which hears of it before the rules of family netdev do, and a rule of that family drops the original. The
// relay draws each packet's fate, waits as long as that says, and puts the packet back:
//
//	a node's cable: its near end leaves the bridge, and a pair of devices takes its place
//
//	  bridge ── bad-… ══ far-… ◄─ relay ─► near end ══ far end (eth0)
//
//	a pod's cable: the near end keeps its routes
//
//	  what the pod sends    near end ─► relay ─► far-… ══ bad-… ─► the node's rules and routes, as if nothing had been
//	  what the pod gets     near end, on its way out ─► relay ─► near end once more, with a sender's address by which the far
//	                        end knows it: the original, without it, is dropped there
//
// Why not a socket in the pod: it would keep the pod's network namespace alive, and with it the pod's address, after the pod
// has gone. The relay holds nothing but what belongs to the near end, and ends when that end does.
//
// # Left out
//
// Duplication, corruption, correlated loss. The relay carries some ten thousand packets a second; more than its socket holds are
// lost. Large packets that the kernel would cut up later (GSO) have one fate together.
//
// # In Kubernetes
//
// Nothing of its own; Chaos Mesh (chaos-mesh/chaos-mesh, pkg/netem) and similar tools put netem queues on pods' cables.
package netem
