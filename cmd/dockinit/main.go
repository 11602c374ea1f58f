// Command dockinit is the first program inside a new container: it builds the container around itself and then becomes
// the container's own program. It is started by sandbox/container and is of no use by hand.
package main

import "os"

func main() {
	os.Exit(1)
}
