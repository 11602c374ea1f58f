//go:build !unix

package progress

import "os"

// Without flock(2), one process at a time is up to the user.
func lockFile(*os.File) error { return nil }

func unlockFile(*os.File) {}
