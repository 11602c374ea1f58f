// Package container turns an OCI runtime specification into a running process, in pure Go.
//
// # Part played
//
// runc: the last program of a container runtime, the one that talks to the kernel.
//
// # How it works
//
// Create joins the pod's namespaces on a disposable thread and starts dockinit in new mount and pid namespaces. dockinit
// is told what to build, builds it (mounts, pivot_root, devices, masks) and then waits. Start lets it go: it drops its
// privileges and becomes the container's program by execve(2). What the two say to each other is drawn in handshake.go.
//
//	r, _ := container.New(container.Options{InitPath: "/opt/drydock/bin/dockinit"})
//	c, err := r.Create(ctx, container.Config{ID: "web", Spec: spec, Stdio: stdio})   // parked before execve
//	err = c.Start()                                                                   // now it is the program
//	status, err := c.Wait(ctx)
//	err = c.Delete()
//
// Exec starts a second process beside the first: the thread joins the container's namespaces, starts dockinit there,
// and dockinit goes through the same last steps. It is started again rather than forked from us because limits
// (setrlimit(2)) belong to a whole process and not to a thread, because a seccomp filter that kills must not kill us, and
// because /proc/PID/exe of a process inside a container must never be a file that we run from (CVE-2019-5736).
//
// A container is a child of the process that called Create, and only that process can wait for it. Where it is pid 1 of
// a node it also inherits the orphans of the node: see Reap.
//
// # Left out
//
// User namespaces per container (the lab is one already), hooks, intelrdt, SELinux and AppArmor labels, checkpoint and
// restore, seccomp notify. A container does not outlive the process that created it; runc's does, because containerd's
// shim is its parent.
//
// # In Kubernetes
//
// opencontainers/runc (libcontainer/rootfs_linux.go, init_linux.go, process_linux.go), or crun, youki, gVisor's runsc.
package container
