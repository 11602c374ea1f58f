// Package engine holds no code: it is the map of the goroutines below it.
//
// # Part played
//
// The list that `ps` would print, if the parts of a cluster were processes. Some are: see docs/architecture.md.
//
// # How it works
//
// Three programs run this code. `dockkeep` (the keeper) runs cluster/keeper. `dockplane`, pid 1 of a lab, runs the API
// server, the store, the controllers, the scheduler, the name server and a proxy of its own, all started by package cluster.
// Each node runs `docknode kubelet`, `docknode storage` and `docknode proxy`. A goroutine of one program never meets one of another but over a
// socket.
//
// Below is every place that starts a goroutine, with the number of such places, and every loop `Run(ctx) error`. Whoever
// starts one waits for its end, but where it says otherwise. "ctx" is the context of the part; it ends with the lab or,
// on a node, with SIGTERM. The API server starts one only to ask several kubelets at once, the store none: a request is
// served on the goroutine that net/http gave it, and a writer that gets the journal's lock writes for everybody who waits. context.AfterFunc, which lets a
// short cleanup run when ctx ends, is not counted.
//
// The lab's own parts (dockplane):
//
//	cluster/cluster.go Cluster.run 1
//	  owns: one part with a name. Woken by: whatever wakes the part. Stops: with ctx; a part that ends sooner ends the lab.
//	cluster/cluster.go Run 1
//	  owns: orphans, of which pid 1 is the parent ("reaper"). Woken by: SIGCHLD. Stops: with ctx.
//	cluster/steps.go Cluster.sideBySide 1
//	  owns: one step of the start. Woken by: nothing, it runs through. Stops: when the step is done; all are waited for.
//	cluster/api.go Cluster.startAPI 1
//	  owns: the file of what people changed (audit.Follow). Woken by: a decision record. Stops: with ctx.
//	cluster/api.go Cluster.serve 1
//	  owns: one door of the API server (fabric, 127.0.0.1, unix socket). Woken by: a connection, which net/http gives a
//	  goroutine of its own, ended by ctx. Stops: with ctx, which closes the door and cuts what is open.
//	cluster/component.go Cluster.startComponent 1
//	  owns: one part of a component, which people may stop: a controller, the scheduler, the name server. Woken by: whatever
//	  wakes the part. Stops: with the component, or with ctx; both wait for it.
//	cluster/controllers.go Cluster.prepareControllers 1
//	  owns: the controllers' informers. Woken by: watches of the API. Stops: with the component.
//	cluster/controllers.go Cluster.prepareScheduler 1
//	  owns: the scheduler's informers. Woken by: watches of the API. Stops: with the component.
//	cluster/names.go Cluster.prepareNames 1
//	  owns: three informers. Woken by: watches. Stops: with the component.
//	cluster/names.go Cluster.startLabProxy 1
//	  owns: the rules of the lab's own machine. Woken by, stops: see Proxy.Run.
//	apiserver/metrics.go Server.summaries 1
//	  owns: one kubelet's answer to what it uses. Woken by: the answer. Stops: then, or after 5 s; all are waited for.
//	cluster/serve.go Cluster.serveControl 1
//	  owns: the control socket. Woken by: a connection, which gets a goroutine of its own (sandbox/lab). Stops: with ctx.
//	cluster/serve.go Cluster.serveDoor 1
//	  owns: the socket of the learner's shell. Woken by: a connection, as above. Stops: with ctx.
//	cluster/forward.go Cluster.startForwarder 2
//	  owns: the forwarder, which opens and closes ports of the machine, and its informers. Woken by: watches. Stops: with ctx.
//	cluster/forward.go forwarder.openLocked 2
//	  owns: one port of the machine, TCP or UDP. Woken by: a connection or a datagram. Stops: with its Service, or with ctx; the
//	  forwarder waits for it.
//	cluster/node.go together 1
//	  owns: the boot of one node. Woken by: the line by which its runtime says that it serves. Stops: when the node is up.
//	cluster/restore.go restore.holdBrains 1
//	  owns: the end of one component, when the lab goes back to a snapshot. Woken by: nothing. Stops: when it has ended; all are
//	  waited for.
//	cluster/power.go Cluster.watchMachine 1
//	  owns: the wait for one machine's end. Woken by: the death of its pid 1. Stops: then.
//	cluster/faults.go Cluster.addFault 1
//	  owns: the clock of a fault that ends by itself. Woken by: it. Stops: then, when the fault is undone, or with the lab.
//	cluster/faults.go Cluster.impairLocked 2
//	  owns: the packets of one bad cable, and the wait for its machine's end. Woken by: a packet; that end. Stops: when the cable
//	  is mended or gone, or with the lab.
//	cluster/dial.go join 1
//	  owns: one direction of a connection into the lab. Woken by: bytes. Stops: when both ends have closed, or with ctx.
//
// Controllers and scheduler (dockplane):
//
//	controller/loop.go Loop.Run 1
//	  owns: the workers of one controller. Woken by: a key in the queue. Stops: when ctx ends and the queue is shut down.
//	controller/voice.go Voice.speak 1
//	  owns: client-go's writer of Events. Woken by: an Event. Stops: with the part that speaks.
//	controller/slowstart.go Together 1
//	  owns: one of several writes made at once. Woken by: nothing. Stops: when it is answered; all are waited for.
//	controller/garbagecollector/controller.go Controller.Run 1
//	  owns: the informers nobody else asked for, then a Loop. Woken by, stops: as the Loop.
//	controller/job/controller.go Controller.Run 1
//	  owns: a second Loop, for pods whose Job is gone. Woken by, stops: as the Loop.
//	controller/nodelifecycle/controller.go Controller.Run 1
//	  owns: a second Loop, which evicts pods. Woken by, stops: as the Loop.
//	controller/provisioner/controller.go Controller.Run 0
//	  owns: a Loop, and at its end the connections to the drivers of volumes. Woken by, stops: as the Loop.
//	controller/provisioner/resize.go Resizer.Run 0
//	  owns: the same. Woken by, stops: as the Loop.
//	controller/resourcequota/resourcequota.go Controller.Run 1
//	  owns: the informers nobody else asked for, then a Loop. Woken by, stops: as the Loop.
//	scheduler/scheduler.go Scheduler.Run 2
//	  owns: the scheduling cycle; starts one goroutine per binding cycle, in which a pod with claims waits for its volumes. Woken by: a pod in the active queue. Stops: with
//	  ctx; bindings are waited for.
//	dns/server.go Server.Run 1
//	  owns: the UDP and the TCP side of the name server. Woken by: a question. Stops: with ctx.
//
// The ingress controller, in a pod (userland):
//
//	ingress/controller.go Watcher.Run 5
//	  owns: the copy of one kind. Woken by: a watch of the API. Stops: with ctx; Run waits for it, and makes the tables itself.
//	ingress/serve.go Serve 4
//	  owns: Watcher.Run, and the three doors. Woken by: a connection, which net/http gives a goroutine of its own. Stops: when ctx
//	  has ended and the requests at hand are answered.
//
// A node's kubelet and proxy (docknode), and the lab's own proxy:
//
//	kubelet/kubelet.go Kubelet.Run 1
//	  owns: ten parts: node status, Lease, Events, Services, pods, static pods, drivers of volumes, the runtime's events, the HTTPS server, what pods use.
//	  Woken by: a timer, a watch, a changed file, CRI's event stream, a connection. Stops: with ctx; one that fails ends the others.
//	kubelet/kubelet.go Kubelet.background 1
//	  owns: what the rows below give it. Stops: with ctx; Run waits for it.
//	kubelet/kubelet.go Kubelet.replacePods 1
//	  owns: the removal of what belongs to no pod, once, after the first list. Stops: when done.
//	kubelet/kubelet.go Kubelet.startWorker 1
//	  owns: one pod: its worker. Woken by: its object, its containers, its probes, its back-off. Stops: when the pod is gone.
//	kubelet/kubelet.go Kubelet.removePod 1
//	  owns: the wait for a worker's end. Woken by: that. Stops: then.
//	kubelet/probes.go probeSet.startLocked 1
//	  owns: one probe of one container. Woken by: its period. Stops: with the container, or with ctx.
//	kubelet/statuswriter.go statusWriter.beginLocked 1
//	  owns: the write of one pod's newest status. Woken by: nothing. Stops: when what is wanted has been written.
//	kubelet/kill.go worker.killAll 1
//	  owns: the stop of one container. Woken by: the runtime's answer. Stops: then; all are waited for.
//	kubelet/shutdown.go Kubelet.ShutDown 1
//	  owns: the last word about the node. Woken by: its being written. Stops: then, or after 5 s; ShutDown waits for it.
//	kubelet/shutdown.go endAll 1
//	  owns: the wait for one pod's end when the node is shut down. Woken by: that end. Stops: then, or when time is up.
//	kubelet/logwatch.go logWatcher.watch 1
//	  owns: inotify, for everybody who follows a log. Woken by: a write to a log. Stops: when the last follower goes and
//	  closes the file; nobody waits for it.
//	kubelet/stream.go copyBoth 1
//	  owns: one direction of an exec, attach or port-forward. Woken by: bytes. Stops: when either end closes.
//	storage/pathdriver/driver.go Driver.Run 2
//	  owns: the sockets of a node's driver of volumes, in a process of its own (docknode storage). Woken by: a call, for which gRPC
//	  has goroutines of its own. Stops: with ctx.
//	proxy/proxy.go Proxy.Run 2
//	  owns: the kernel's rules; starts one goroutine each for Services, EndpointSlices and the kernel's news of changed rules.
//	  Woken by: a change of these. Stops: with ctx.
//	guard/guard.go Guard.Run 0
//	  owns: the kernel's news of changed rules, for the two below and above. Woken by: a change by somebody else. Stops: with ctx.
//	policy/engine.go Engine.Run 2
//	  owns: the table of network policies; starts one goroutine each for the kernel's news, policies, pods and namespaces, the
//	  latter two from the first policy on. Woken by: a change of these. Stops: with ctx.
//	decision/sink.go Sink.Run 0
//	  owns: decision records on their way to the API server. Woken by: a record. Stops: when its part has ended.
//
// The keeper and other clients of a lab (dockkeep, drydock):
//
//	cluster/keeper/run.go Run 1
//	  owns: the wait for the end of whoever launched a lab of their own. Woken by: that end. Stops: then, or with the keeper.
//	cluster/keeper/run.go givePorts 1
//	  owns: the keeper's end of the pair by which the lab gets ports of the machine. Woken by: a question. Stops: with the keeper.
//	cluster/keeper/run.go WaitGone 1
//	  owns: the wait for a lab's lock. Woken by: its release. Stops: then, or with the process; nobody waits for it.
//	cluster/control/forward.go Forward 1
//	  owns: one connection of `drydock port`, or of a port that the lab opened itself. Woken by: bytes. Stops: when both sides have ended, or with ctx.
//	cluster/control/forward.go forward 1
//	  owns: one direction of it. Woken by, stops: likewise.
//	cluster/control/forward.go packetForwarder.carry 1
//	  owns: the answers to one client of a UDP port. Woken by: a datagram. Stops: after two minutes without one, or with ctx.
//	cluster/control/dial.go awaitConnected 1
//	  owns: the call that carries a connection into the lab. Woken by: the lab's answers. Stops: when the connection ends;
//	  nobody waits for it.
//
// # Left out
//
// The goroutines of sandbox (three per running container, see sandbox/cri) and of the interface (tui), and what libraries start
// for themselves: net/http, gRPC, client-go.
//
// # In Kubernetes
//
// Nothing like it is written down; cmd/kube-controller-manager/app/controllermanager.go comes nearest.
package engine
