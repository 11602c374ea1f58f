// Command userland is every program inside the bundled images: one file that plays the part its name says, as busybox does.
//
// `ls` in a container is a link to this program; argv[0] picks the applet. `userland APPLET ARGS…` does the same, and
// `userland` alone lists them. What an applet leaves out of its model (POSIX, and busybox where that is what people know)
// its usage line says.
package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// applet is one program: what it takes, in one line, and what it does. It returns the exit status.
type applet struct {
	usage string
	run   func(*process) int
}

// applets is filled by one register call for each file.
var applets = map[string]applet{}

func register(name, usage string, run func(*process) int) bool {
	applets[name] = applet{usage, run}
	return true
}

func main() {
	name, args := strings.TrimPrefix(filepath.Base(os.Args[0]), "-"), os.Args[1:] // -sh is a login shell
	if _, ok := applets[name]; !ok {
		if len(args) == 0 {
			list(os.Stdout)
			return
		}
		name, args = args[0], args[1:]
	}
	os.Exit(run(name, args))
}

func run(name string, args []string) int {
	a, ok := applets[name]
	if !ok {
		fmt.Fprintf(os.Stderr, "%s: applet not found\n", name)
		return 127
	}
	p := &process{name: name, args: args, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr}
	if len(args) == 1 && args[0] == "--help" && name != "echo" && name != "[" {
		fmt.Fprintf(p.stdout, "Usage: %s %s\n", name, a.usage)
		return 0
	}
	return a.run(p)
}

func list(w io.Writer) {
	for _, name := range slices.Sorted(maps.Keys(applets)) {
		fmt.Fprintln(w, name)
	}
}
