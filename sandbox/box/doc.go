// Package box runs code that nobody trusts, under limits: the script of a check, or a submission.
//
// # Part played
//
// What a learner hands in and what the author of a pack has written run on the machine of whoever grades. A box is what
// stands between the two: it hides folders, counts what the code uses, and ends everything that the code has started.
//
// # How it works
//
// Command gives the command line and one variable. The program is dockbox, three times over:
//
//	outer  makes a user and a mount namespace, and is what the caller waits for
//	cover  puts empty folders over what must not be seen, and makes everything read-only if so wished
//	inner  is pid 1 of a process namespace, in a user namespace of its own: what cover mounted belongs to another user
//	       namespace and cannot be taken away again (mount_namespaces(7), "locked"); when it ends, so does everything
//	       that the code has started
//
// Each is killed when the one before it dies. inner looks ten times a second at what the code uses. When that is too much it
// kills all of it, writes Mark and what was exceeded as the last line, and ends with Stopped.
//
// # Left out
//
// Limits by the kernel: cgroups are not there for everyone who grades, so what is used is counted from the outside, and may
// pass a limit for a tenth of a second. There is no filter of system calls: the code could as well run in the learner's shell.
//
// # In Kubernetes
//
// Nothing: it isolates with containers only.
package box
