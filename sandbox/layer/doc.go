// Package layer keeps copy-on-write file trees: read-only layers, and writable snapshots on top of them.
//
// # Part played
//
// containerd's snapshotter. The overlay snapshotter itself is containerd's (plugins/snapshots/overlay); around it stand the
// choice of a file system that really works, the sharing of unpacked layers between nodes, and an extractor that needs no
// privilege.
//
// # How it works
//
// A layer is applied: its tar is extracted into snapshots/7/fs and committed under a name. A container is prepared: an
// empty snapshots/8/{fs,work} whose parent is that layer. Mounting it asks the kernel for one overlay, lowerdir 7,
// upperdir 8: the container sees the layer's files, and what it writes or deletes lands in 8 alone. Removing it deletes 8.
// Which number has which name and parent is kept in metadata.db (bbolt).
//
// Bundled layers are extracted once per machine into a seed folder. A node's store starts as a copy of the seed's small
// metadata.db, with snapshots/1, snapshots/2 … as symbolic links into the seed: opening takes a few milliseconds, each node
// has a database of its own, and removing a bundled layer on one node drops a link.
//
// overlayfs has to note deletions as extended attributes, and an unprivileged user may only write those of the "user."
// class (mount option userxattr, Linux 5.11), which tmpfs has from Linux 6.6 on. A mount that works proves nothing: the
// first rm -rf in the container would fail with EIO. So Open tries it out, first on the folder it was given, then on a
// fresh tmpfs over it; when neither works it copies whole trees, which is slow and large, and says so.
//
// # Left out
//
// Quotas, id-mapped mounts, and the other snapshotters (btrfs, zfs, devmapper, erofs).
//
// # In Kubernetes
//
// containerd: core/snapshots (the interface), plugins/snapshots/overlay, core/diff/apply.
package layer
