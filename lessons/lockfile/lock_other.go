//go:build !unix

package lockfile

import "os"

// Lock does nothing: without flock(2), one process at a time is up to the user.
func Lock(*os.File) error { return nil }

// Unlock does nothing either.
func Unlock(*os.File) {}
