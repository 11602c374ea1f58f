// Package shell is `sh` of the bundled images: mvdan.cc/sh reads and runs the language, this package makes it a shell.
//
// The interpreter runs everything in one process. What a shell does with processes is done here instead:
//
//   - `command &` becomes a process of its own (rewrite.go, jobs.go): this program again, told the functions and variables
//     it needs. So $! is a real pid, and kill, wait, jobs and fg work on it.
//   - trap on signals (trap.go): a handler runs between two commands, as POSIX says.
//   - `exec` replaces the process, and so does `sh -c` with a single program: in a container that one is pid 1 then.
//   - As pid 1 the shell reaps orphans and, like every program without a handler, is deaf to SIGTERM (pid_namespaces(7)).
//
// # Left out
//
// Ctrl+Z of a program in the foreground; redirection of descriptors above 2; subshells and the parts of a pipeline share
// the shell's own process, so $$ and traps inside them are the shell's.
package shell
