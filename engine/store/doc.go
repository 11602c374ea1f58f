// Package store is the cluster's memory: a versioned key-value store that can be watched.
//
// # Part played
//
// etcd. The API server is its only client; everything else in the cluster goes through the API server.
//
// # How it works
//
// One number counts the history of the whole store: the revision. The API server creates the key "/registry/pods/default/web"
// while the revision is 41. Memory checks that the key is absent, gives the write revision 42 and puts it into the open batch.
// Whoever gets the journal lock first writes the whole batch, everybody's writes, with one write(2); the others find their
// write done when they get the lock. That is group commit: the busier the store, the fewer writes to the file. Only then
// does 42 become visible to readers, the watchers of "/registry/pods/" wake, and the writer gets its answer. So nobody,
// neither writer nor reader nor watcher, ever sees what a crash could take back.
//
// Every key keeps its older versions while they are inside the window (see Options.Window): a List cut into pages reads all
// pages at the revision of the first one, and a watch can start in the past. What falls out of the window is compacted;
// asking for it gives ErrCompacted, and the client lists again.
//
// A watcher owns no goroutine and no queue. Watchers of the same prefix share one log of matching events, and each one
// holds a revision: a thousand watchers of pods cost a thousand small structs and one log. A watcher that reads too slowly
// is not waited for: once the window has moved past it, it ends with ErrSlow. It never misses an event silently.
//
// The journal (see Log) is one file of checksummed frames. Open replays it, cuts a torn tail, and refuses a file that is
// damaged anywhere else. When the file has outgrown its content it is rewritten as a snapshot.
//
// Rewrite changes many keys at once, deciding on all that is there: a lab that goes back to a snapshot (engine/cluster) is one
// such write. Its changes go into one batch, so that a crash leaves all of them or none.
//
// # Left out
//
// Several members and Raft; transactions with conditions; leases (a time to live of a key); ranges other than prefixes;
// history older than the last snapshot after a restart.
//
// # In Kubernetes
//
// etcd's server/storage/mvcc (the store) and server/storage/wal (the journal); k8s.io/apiserver/pkg/storage/etcd3 is the
// client, whose watch cache (pkg/storage/cacher) does what the shared logs do here.
package store
