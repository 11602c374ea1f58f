// Package footprint makes a process small again once it has started.
//
// # Part played
//
// Every lab is a dozen processes, and many labs may share a machine. What a program needs only to start should not count
// against it for the rest of its life.
//
// # How it works
//
// Starting leaves two things behind. One is garbage: Go returns freed memory to the kernel slowly, over minutes, in the hope
// of using it again; debug.FreeOSMemory does it at once. The other is the program itself: registering a thousand API types
// touches nearly all of its code, once, and the kernel keeps every page that was ever touched mapped. MADV_DONTNEED
// (madvise(2)) on pages of a file that were never written takes them out of the process; they stay in the page cache, from
// where a page that is used again comes back within a microsecond, and which the kernel cuts when memory is short.
//
// # Left out
//
// MADV_PAGEOUT, which would empty the page cache as well: the next start would have to read the program from the disk.
//
// # In Kubernetes
//
// Nothing does this; a kubelet has a machine to itself.
package footprint
