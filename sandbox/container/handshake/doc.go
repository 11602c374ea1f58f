// Package handshake is what the caller of a container and dockinit say to each other, and how.
//
// # Part played
//
// The init pipe of runc: it carries orders in, and every error out, so that the caller's error has dockinit's words.
//
// # How it works
//
// Both hold one end of a Unix stream socket, dockinit as descriptor 3. Each message is a frame: a kind, a length, a body.
//
//	caller (sandbox/container)                     dockinit (in the container's namespaces)
//
//	clone(2) ───────────────────────────────────►  starts, makes itself undumpable, reads
//	adds its pid to the cgroup, if it must
//	Setup ──────────────────────────────────────►  its cgroup, mounts, pivot_root, devices, masks; finds the program
//	                                 ◄─ Terminal ─  with a terminal only: the pty's master, as SCM_RIGHTS
//	                                 ◄──── Ready ─
//	Create returns                                 parked in read(2)
//	Go ─────────────────────────────────────────►  limits, user, capabilities, no_new_privs, seccomp
//	                                 ◄── Leaving ─  execve(2)
//	                                 ◄─ (the end)   execve closed the socket: the program runs
//	Start returns
//
// At each point dockinit may answer Failed instead and exit. After Leaving, Failed means that execve came back. The end
// before Leaving means that dockinit was killed. When dockinit reads the end, the caller has died and so does dockinit.
//
// # Left out
//
// Versions: both ends come out of the same build.
//
// # In Kubernetes
//
// libcontainer/sync.go in opencontainers/runc.
package handshake
