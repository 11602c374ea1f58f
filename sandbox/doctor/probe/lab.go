package probe

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"drydock/sandbox/doctor"
	"drydock/sandbox/lab"
	"drydock/sandbox/layer"
	"drydock/sandbox/machine"
	"drydock/sandbox/network"
)

// The throw-away lab's network: the addresses of a real one.
const (
	bridge   = "fabric"
	nodeName = "probe"
)

var (
	fabric  = netip.MustParsePrefix("172.30.0.1/24")
	address = netip.MustParsePrefix("172.30.0.11/24")
)

// Options are what docknode probe is told.
type Options struct {
	Scratch  string // a directory in the state directory, to be written into
	Programs string // where docknode and dockboot lie
}

// report sends trials as lines of JSON. Whoever reads them may have gone: then there is nobody left to tell.
type report struct{ out io.Writer }

func (r report) try(feature doctor.ID, fn func() (string, error)) bool {
	detail, err := fn()
	_ = json.NewEncoder(r.out).Encode(doctor.Try(feature, detail, err))
	return err == nil
}

// Run is pid 1 of the throw-away lab. It must be called first thing in main (see lab.Enter) and reports to out.
func Run(o Options, out *os.File) error {
	unix.CloseOnExec(int(out.Fd()))
	r := report{out}
	_, err := lab.Enter(lab.View{Writable: []string{o.Scratch}, ReadOnly: []string{o.Programs}})
	if err != nil && strings.Contains(err.Error(), "lab's own /proc") {
		r.try(doctor.Mounts, func() (string, error) { return "the machine's files are read-only", nil })
		r.try(doctor.Proc, func() (string, error) { return "", err })
		return nil
	}
	if !r.try(doctor.Mounts, func() (string, error) { return "read-only files, own /tmp and /run", err }) {
		return nil
	}
	r.try(doctor.Proc, func() (string, error) { return "the lab's own", nil })
	r.try(doctor.OverlayOnDisk, func() (string, error) { return overlay(o.Scratch) })
	r.try(doctor.OverlayOnTmpfs, func() (string, error) { return overlay("/run") }) // of the lab's own since Enter
	r.try(doctor.Seccomp, seccomp)
	r.try(doctor.Pidfd, pidfd)
	r.try(doctor.Terminals, func() (string, error) { return terminals("/run/pts") })
	if r.try(doctor.Bridge, func() (string, error) { return "works", network.NewFabric(bridge, fabric) }) {
		return r.bootMachine(o)
	}
	return nil
}

func overlay(dir string) (string, error) {
	options, err := layer.Probe(dir)
	if err != nil {
		return "", err
	}
	return "works with " + strings.Join(append(slices.Clip(options), "whiteouts"), ", "), nil
}

// bootMachine boots one node and passes on what it reports.
func (r report) bootMachine(o Options) error {
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("listen to the machine: %w", err)
	}
	defer read.Close()
	var lines *bufio.Reader
	booted := r.try(doctor.Machine, func() (string, error) {
		m, err := startMachine(o, write)
		write.Close()
		if err != nil {
			return "", err
		}
		r.try(doctor.Veth, func() (string, error) { return "works", plugIn(m.PID()) })
		if err := m.PowerOn(); err != nil {
			return "", err
		}
		lines = bufio.NewReader(read)
		if _, err := lines.Peek(1); err != nil { // it is in its own root once it speaks
			return "", lastWords(o)
		}
		return "a machine boots", nil
	})
	if !booted {
		return nil
	}
	_, err = io.Copy(r.out, lines)
	return err
}

func startMachine(o Options, out *os.File) (*machine.Machine, error) {
	root := "/run/machine"
	if err := os.Mkdir(root, 0o700); err != nil {
		return nil, err
	}
	output, err := os.Create(machineLog(o))
	if err != nil {
		return nil, err
	}
	defer output.Close()
	return machine.Start(machine.Spec{
		Name: nodeName, Root: root,
		Binds: []machine.Bind{{Source: o.Programs, Target: "/opt/drydock/bin", ReadOnly: true}},
		Init:  []string{"/opt/drydock/bin/docknode", "probe", "--machine"},
	}, []string{filepath.Join(o.Programs, "dockboot")}, output, out)
}

func plugIn(pid int) error {
	return network.AttachNode(network.Node{Bridge: bridge, Name: nodeName, PID: pid, Address: address, Gateway: fabric.Addr()})
}

func machineLog(o Options) string { return filepath.Join(o.Scratch, "machine") }

// lastWords is what a machine printed that did not come up. The errno in it is text by now; the common ones are told apart.
func lastWords(o Options) error {
	text, err := os.ReadFile(machineLog(o))
	if err != nil {
		return err
	}
	said := strings.TrimSpace(string(text))
	for _, errno := range []unix.Errno{unix.EPERM, unix.EACCES, unix.ENOSYS} {
		if strings.HasSuffix(said, errno.Error()) {
			return fmt.Errorf("%s: %w", strings.TrimSuffix(said, ": "+errno.Error()), errno)
		}
	}
	return errors.New(said)
}
