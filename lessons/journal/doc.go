// Package journal is the audit journal of a learner in one lab: what was opened, typed, changed in the cluster, reached,
// lost again, looked up and set back, in the order in which it became known.
//
// A Journal is a file of lines, one per Entry, appended and synced before Append returns. Every entry carries the sum
// (SHA-256) of the one before it, so that a journal in which something was changed, cut out, put in or moved no longer
// fits together, and Read names the entry where it does not. A line torn by a crash is cut off by the next Append.
//
// # What the chain proves
//
// That nobody touched the journal without knowing how it is made: an editor, a merge of two files, a disk that lies. It
// does not prove that a learner did what it says: the file lies on the learner's machine, and a program that writes a
// whole new chain writes a good one. A secret key would not help, because it would lie on the same machine. That is why a
// grade never comes from a journal: `drydock grade` and `drydock replay` do the work again and look what becomes of it.
package journal
