// Command floor is the least that deserves to be called three nodes: the namespaces of a lab and of three machines, the
// network between them, and a program started in each, by the same packages that drydock uses, with no API, no images and
// no services. What `drydock up` takes beyond it is the price of being Kubernetes.
//
// It prints how many microseconds that took, from its own start to the last program's first word.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"drydock/sandbox/lab"
	"drydock/sandbox/machine"
	"drydock/sandbox/network"
)

func main() {
	began := time.Now()
	if err := run(began, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(began time.Time, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "boot":
			return machine.Boot()
		case "first-word":
			_, err := os.NewFile(3, "ready").WriteString("ready\n")
			return err
		}
	}
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	nodes := flags.Int("nodes", 3, "how many machines")
	inside := flags.Bool("inside", false, "this is pid 1 of the lab")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *inside {
		return bootAll(*nodes)
	}
	return box(*nodes, began)
}

// box starts the lab and waits until all its machines have spoken; then it says how long that took.
func box(nodes int, began time.Time) error {
	runtime.LockOSThread() // see lab.Start
	self, err := os.Executable()
	if err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	l, _, err := lab.StartWidest(lab.Program{
		Path: self, Args: []string{"-inside", "-nodes", strconv.Itoa(nodes)}, Env: os.Environ(),
		Files: []*os.File{write}, Stderr: os.Stderr,
	})
	write.Close()
	if err != nil {
		return err
	}
	if _, err := bufio.NewReader(read).ReadString('\n'); err != nil {
		return errors.Join(err, l.Wait())
	}
	_, err = fmt.Fprintln(os.Stdout, time.Since(began).Microseconds())
	l.Kill()
	_ = l.Wait() // it was just killed; its exit status tells nothing
	return err
}

func bootAll(nodes int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	inside, err := lab.Enter(lab.View{ReadOnly: []string{filepath.Dir(self)}})
	if err != nil {
		return err
	}
	fabric := netip.MustParsePrefix("172.30.0.1/24")
	if err := network.NewFabric("fabric", fabric); err != nil {
		return err
	}
	errs := make([]error, nodes)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = bootOne(self, i+1, fabric) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if _, err := os.NewFile(3, "done").WriteString("done\n"); err != nil {
		return err
	}
	inside.OnOrphaned()
	return nil
}

func bootOne(self string, number int, fabric netip.Prefix) error {
	name := fmt.Sprintf("node-%d", number)
	root := filepath.Join("/run/machines", name)
	if err := os.MkdirAll(root, 0o700); err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	m, err := machine.Start(machine.Spec{
		Name: name, Root: root,
		Binds: []machine.Bind{{Source: filepath.Dir(self), Target: "/opt/drydock/bin", ReadOnly: true}},
		Init:  []string{"/opt/drydock/bin/" + filepath.Base(self), "first-word"},
	}, []string{self, "boot"}, os.Stderr, write)
	write.Close()
	if err != nil {
		return err
	}
	address := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 30, 0, byte(10 + number)}), fabric.Bits())
	err = network.AttachNode(network.Node{Bridge: "fabric", Name: name, PID: m.PID(), Address: address, Gateway: fabric.Addr()})
	if err := errors.Join(err, m.PowerOn()); err != nil {
		return errors.Join(err, m.Kill())
	}
	if _, err := bufio.NewReader(read).ReadString('\n'); err != nil {
		return fmt.Errorf("%s did not speak: %w", name, err)
	}
	return nil
}
