// Package doctor says whether this machine can run a lab, what is missing, and the one command that mends it.
//
// # Part played
//
// The preflight checks. A lab asks much of a kernel, and what a kernel refuses it refuses with one bare word: EPERM from
// clone(2) has five reasons and five cures. All those words live here, so that `drydock doctor`, `drydock up` and the
// interface say the same.
//
// # How it works
//
// Nothing is read off a version or a configuration file when it can be tried. Examine looks at the machine from outside,
// then starts a throw-away lab, whose program (package probe, as `docknode probe`) enters it, boots a machine inside and
// tries each feature there. It reports trials; the table in feature.go turns each into a finding:
//
//	Examine ── lab.StartWidest ──▶ docknode probe: Enter, overlay, seccomp, …
//	   │                               └─ machine.Start ──▶ docknode probe --machine: nftables, cgroups, …
//	   ◀── Trial as lines of JSON on one pipe ──┘
//	   └── Report: ok, degraded (the fallback is named) or missing (a lab cannot run), in the table's order
//
// The lab ends with the examination and leaves nothing; a trial that breaks it leaves the later ones untried, and the
// report says so.
//
// # Left out
//
// Mending: commands that need root are printed, never run.
//
// # In Kubernetes
//
// kubeadm's preflight checks (cmd/kubeadm/app/preflight) and the system validators (k8s.io/system-validators), which
// read the kernel's configuration; rootlesskit's documentation for the cures.
package doctor
