// Package audit notes on disk what people changed in a cluster.
//
// # Part played
//
// The audit log of an API server, as far as it tells of people: the lessons put it into a learner's journal.
//
// # How it works
//
// A learner types `kubectl delete pod web`. The API server accepts it and writes a decision record, as for every change.
// Follow reads the ring on a goroutine of its own, picks what came from a person, and appends one line to a file; a
// request never waits for that. The file begins with a random id, so that a place in it (its length up to there) is
// known to be one of this file. Read gives the notes behind a place. A line torn by a crash is cut off at the next start.
//
// # Left out
//
// What was only read, what was refused, and the contents of objects; policies that choose what is noted. A file of 64 MiB
// takes no more, so that a loop in the learner's shell cannot fill the disk.
//
// # In Kubernetes
//
// k8s.io/apiserver/pkg/audit, its policy and its log backend (plugin/pkg/audit/log).
package audit
