package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"drydock/sandbox/machine"
	"drydock/sandbox/network"
)

// shutdownPatience is how long a node may take to end in order. Its kubelet gives pods 30 s in all (kubelet.ShutdownGrace).
const shutdownPatience = 40 * time.Second

// boot starts one node and returns when its runtime answers.
func (c *Cluster) boot(ctx context.Context, n *node) error {
	spec, err := c.nodeSpec(n)
	if err != nil {
		return err
	}
	output, err := c.logFile(n.name + ".log")
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", n.name, err)
	}
	defer output.Close()
	readyRead, readyWrite, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("listen to %s: %w", n.name, err)
	}
	defer readyRead.Close()
	m, err := machine.Start(spec, []string{c.opts.Programs.Path("dockboot")}, output, readyWrite)
	readyWrite.Close()
	if err != nil {
		return err
	}
	c.watchMachine(n, m)
	if err := errors.Join(c.plugIn(n, m.PID()), m.PowerOn()); err != nil {
		return errors.Join(err, m.Kill())
	}
	return awaitRuntime(ctx, n.name, readyRead, output.Name())
}

// awaitRuntime reads the line by which a node's runtime says that it serves.
func awaitRuntime(ctx context.Context, name string, ready *os.File, log string) error {
	stop := context.AfterFunc(ctx, func() { _ = ready.SetReadDeadline(time.Now()) })
	defer stop()
	if _, err := bufio.NewReader(ready).ReadString('\n'); err != nil {
		return fmt.Errorf("%s ended before its container runtime answered; see %s", name, log)
	}
	return nil
}

// watchMachine notes when a node's power is on, and when it goes off for whatever reason.
func (c *Cluster) watchMachine(n *node, m *machine.Machine) {
	off := make(chan struct{})
	n.mu.Lock()
	n.machine, n.off, n.cut = m, off, false
	n.mu.Unlock()
	c.record(n, "PowerOn", "", "running")
	c.background.Go(func() {
		err := m.Wait()
		n.mu.Lock()
		n.machine = nil
		n.mu.Unlock()
		how := "exited"
		if err != nil {
			how = err.Error()
		}
		c.record(n, "PowerOff", "running", how)
		close(off)
	})
}

// running returns the node's machine and what is closed when it goes off; nil while it is off.
func (n *node) running() (*machine.Machine, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.machine, n.off
}

// powerOn starts a node that is off and returns when it is Ready.
func (c *Cluster) powerOn(ctx context.Context, n *node) error {
	n.power.Lock()
	defer n.power.Unlock()
	if m, _ := n.running(); m != nil {
		return fmt.Errorf("%s is running already", n.name)
	}
	since := time.Now()
	if err := network.DetachNode(n.name); err != nil {
		return err
	}
	if err := c.boot(ctx, n); err != nil {
		return err
	}
	return c.awaitReady(ctx, []*node{n}, since)
}

// powerDown ends a node in order: the kubelet ends the pods, then the runtime ends. When that takes too long, the power is cut.
func (c *Cluster) powerDown(ctx context.Context, n *node) error {
	n.power.Lock()
	defer n.power.Unlock()
	m, off := n.running()
	if m == nil {
		return errOff(n)
	}
	c.record(n, "ShutDown", "running", "shutting down")
	if err := m.ShutDown(); err != nil {
		return err
	}
	patience := time.NewTimer(shutdownPatience)
	defer patience.Stop()
	select {
	case <-off:
		return nil
	case <-ctx.Done():
		return ctx.Err() // whoever asked has gone; the machine goes on ending
	case <-patience.C:
		return c.powerOff(n)
	}
}

// powerOff cuts the power. It waits for nobody: a node that is starting or ending can be cut off as well.
func (c *Cluster) powerOff(n *node) error {
	m, off := n.running()
	if m == nil {
		return errOff(n)
	}
	if err := m.Kill(); err != nil {
		return err
	}
	<-off
	return nil
}

func errOff(n *node) error {
	return fmt.Errorf("%s is off; `drydock node start %s` starts it", n.name, n.name)
}

// setLink pulls a running node's network cable, or puts it back.
func (c *Cluster) setLink(n *node, up bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.machine == nil {
		return errOff(n)
	}
	if err := network.SetNodeLink(n.name, up); err != nil {
		return err
	}
	if n.cut == !up {
		return nil
	}
	n.cut = !up
	if up {
		c.record(n, "HealLink", "cut", "connected")
	} else {
		c.record(n, "CutLink", "connected", "cut")
	}
	return nil
}

// stopNodes cuts the power of all nodes and waits until they are off. It is safe when none was started.
func (c *Cluster) stopNodes() {
	for _, n := range c.allNodes() {
		if m, off := n.running(); m != nil {
			// Its only error is a machine that has ended already.
			_ = m.Kill()
			defer func() { <-off }()
		}
	}
}
