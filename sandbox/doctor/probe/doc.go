// Package probe is the inside of an examination: it tries, in a throw-away lab, what a real lab will do.
//
// # Part played
//
// The examiner's hands. Package doctor has the words; this one has the system calls, and with them the libraries that
// `drydock` itself need not link.
//
// # How it works
//
// Run is the lab's pid 1, as dockplane is in a real one: it enters the lab, lays the fabric and boots one machine, whose
// pid 1 is RunMachine, as `docknode runtime` is in a real one. Where a real lab has a package for something (sandbox/lab,
// machine, network, layer, cgroup), that package is what is tried. Each trial goes out as one line of JSON at once, so
// that nothing is lost when a later one ends the process.
//
// # Left out
//
// Containers: what they need beyond a machine, a seccomp filter and a devpts, is tried alone.
//
// # In Kubernetes
//
// See package doctor.
package probe
