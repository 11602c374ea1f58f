// Package image keeps container images: it builds, imports, pulls, names, unpacks and removes them.
//
// # Part played
//
// containerd's image side: its content store, image service and the unpacker that turns layers into snapshots.
//
// # How it works
//
// A bundle arrives as an OCI archive. Its blobs (layers, configs, manifests, each named by the SHA-256 of its bytes) go
// into a content store, one file per blob. A small index beside it says which name means which manifest:
// docker.io/drydock/web:1 means sha256:4f…. Unpacking walks the manifest's layers from the bottom up: each is extracted
// into a snapshot (package layer) whose name is the chain ID, the digest of all layers so far. Two images that share
// their lower layers share those snapshots, and a container's root file system is one more, writable snapshot on top.
//
// The bundled images are unpacked once per machine (Seed) and lie read-only under every node; a node opens its Store with
// that folder as a seed, in a few milliseconds, and keeps for itself only what it imports or pulls later.
//
// # Left out
//
// Image signatures, encryption, lazy pulling, several platforms of one image at once, and registry mirrors. Leases are
// not needed: one mutex orders writers, and the garbage collector runs under it.
//
// # In Kubernetes
//
// containerd's core/images, core/content and core/unpack; the CRI side is internal/cri/server/images.
package image
