package layer_test

import (
	"io/fs"
	"syscall"
)

// uidOf is the owner of a file as this user namespace sees it.
func uidOf(info fs.FileInfo) uint32 {
	return info.Sys().(*syscall.Stat_t).Uid
}
