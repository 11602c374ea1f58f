// Package keeper holds a lab from outside: it is the small process that a lab dies with.
//
// # Part played
//
// The hypervisor's process on the host: it owns what only the machine can give, a listener on 127.0.0.1 and the lock that
// keeps a lab from being started twice.
//
// # How it works
//
//	drydock up            keeper (dockkeep)             lab (dockplane)
//	Launch ─ spawns ────▶ Run: lock, listener ─ clone ▶ pid 1
//	◀──────────────────── progress, lines of JSON, on one pipe all the way ──
//	returns at "ready"    waits for the lab, sweeps      …
//
// Launch starts the keeper in a session of its own, so that closing the terminal does not end the lab. kill -9 of the
// keeper ends the lab within milliseconds and leaves nothing that runs (see sandbox/lab). Only empty cgroups stay, where there are any:
// `drydock down` or the next start of any lab removes them. A lab that was made for one run of a program (a test's, a grade's) ends
// with that program, even if it is killed.
//
// # Left out
//
// Starting a lab again when it ended by an error: the log says why, and `drydock up` is the answer.
//
// # In Kubernetes
//
// Nothing.
package keeper
