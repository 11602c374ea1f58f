// Command docknode is what runs on a node: each of a node's services is one verb of it. It is started by drydock and is of
// little use by hand.
//
// It is one file because the services share most of their libraries, and lean because each node starts it three times.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"k8s.io/klog/v2"

	"drydock/sandbox/footprint"
)

// version is set by the linker.
var version = "dev"

// started is how long a service takes to start, and more.
const started = 2 * time.Second

// verb is one service or tool. run gets a context that ends on SIGTERM or SIGINT; nil means exit code 0.
type verb struct {
	name, does string
	run        func(ctx context.Context, args []string) error
}

// verbs is the table; each one lives in a file of its own.
var verbs = []verb{
	{"runtime", "serve the container runtime interface, and keep the node's services running", runRuntime},
	{"kubelet", "bring the node's pods to life, and report on them", runKubelet},
	{"storage", "make the node's volumes, and mount them: a CSI driver", runStorage},
	{"proxy", "keep the kernel's rules in step with Services", runProxy},
	{"seed", "unpack an archive of images into a folder for all nodes: docknode seed --to DIR < ARCHIVE", seed},
	{"probe", "try what this machine offers, for drydock doctor", runProbe},
	{"ctr", "containers without Kubernetes; without arguments it says how", runCtr},
	{"ask", "ask for something over the network from here, for the checks of lessons", ask},
	{"pause", "hold the pid namespace of a pod that shares one", pause},
}

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

// run returns the exit code: 0 done, 2 wrong usage, 4 something broke.
func run(args []string, errOut io.Writer) int {
	if len(args) > 0 {
		for _, v := range verbs {
			if v.name == args[0] {
				return do(v, args[1:], errOut)
			}
		}
	}
	fmt.Fprintln(errOut, "usage: docknode VERB [flags]")
	for _, v := range verbs {
		fmt.Fprintf(errOut, "  %-8s %s\n", v.name, v.does)
	}
	return 2
}

func do(v verb, args []string, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	// The streaming library prints what goes wrong with an exec, and answers with it as well: once is enough.
	klog.SetLogger(klog.Logger{}) // which prints nothing
	footprint.After(ctx, started)
	err := v.run(ctx, args)
	var code exitCode
	if errors.As(err, &code) {
		return int(code)
	}
	if err != nil {
		fmt.Fprintf(errOut, "docknode %s: %s\n", v.name, strings.TrimSpace(err.Error()))
		return 4
	}
	return 0
}
