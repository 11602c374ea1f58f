// Command dockboot becomes the first program of a new machine: it builds the machine's root and then is replaced by the
// machine's pid 1 (sandbox/machine). It is started by drydock, never by hand.
//
// It is a program of its own, and not a verb of docknode, because it links next to nothing: every machine waits for it,
// and what docknode links takes six times as long to set up.
package main

import (
	"fmt"
	"os"

	"drydock/sandbox/machine"
)

func main() {
	fmt.Fprintln(os.Stderr, "dockboot:", machine.Boot()) // it returns only with an error
	os.Exit(4)
}
