// Command dockbox runs code that nobody trusts, under limits (sandbox/box). It is started by drydock, never by hand.
//
// It is a program of its own, and not a verb of drydock, because it is started three times for each script: what drydock links
// takes 15 ms to set up, each time.
package main

import (
	"fmt"
	"os"

	"drydock/sandbox/box"
)

func main() {
	code, err := box.Run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dockbox:", err)
		code = 4
	}
	os.Exit(code)
}
