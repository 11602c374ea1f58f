package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"drydock/engine/cluster/control"
	"drydock/lessons/pack"
	"drydock/sandbox/home"
)

// labMachines breaks and mends a lab's nodes and parts, for lessons that declare faults.
type labMachines struct {
	lab  home.Lab
	pack string // a built pack that may have images beside it; "" for none
}

// Break implements course.Machines.
func (m labMachines) Break(ctx context.Context, f pack.Fault) error {
	if f.Component != "" {
		return control.ChangeComponent(ctx, m.lab.Control(), control.ComponentRequest{Name: f.Component})
	}
	if f.OfCable() {
		r := control.FaultRequest{Kind: control.FaultKind(f.Do), Target: f.Target()}
		if err := r.Measure(f.Amount); err != nil {
			return err
		}
		_, err := control.MakeFault(ctx, m.lab.Control(), r)
		return err
	}
	action, ok := map[pack.FaultVerb]string{
		pack.FaultStop: control.NodeStop, pack.FaultKill: control.NodeKill, pack.FaultCut: control.NodeCut,
	}[f.Do]
	if !ok {
		return fmt.Errorf("there is no fault %q", f.Do)
	}
	return control.ChangeNode(ctx, m.lab.Control(), control.NodeRequest{Name: f.Node, Action: action})
}

// Mend implements course.Machines. Cables come first and parts before nodes that are off: a node is Ready only when its
// kubelet reaches the API server.
func (m labMachines) Mend(ctx context.Context) error {
	if _, err := control.UndoFaults(ctx, m.lab.Control(), control.FaultUndo{}); err != nil {
		return err
	}
	status, err := control.AskStatus(ctx, m.lab.Control())
	if err != nil {
		return err
	}
	if err := m.each(ctx, status.Nodes, "cut", control.NodeHeal); err != nil {
		return err
	}
	parts, err := control.Components(ctx, m.lab.Control())
	if err != nil {
		return err
	}
	for _, part := range parts {
		if part.State != "stopped" {
			continue
		}
		if err := control.ChangeComponent(ctx, m.lab.Control(), control.ComponentRequest{Name: part.Name, Run: true}); err != nil {
			return err
		}
	}
	return m.each(ctx, status.Nodes, "stopped", control.NodeStart)
}

// each does one thing to every node in a state.
func (m labMachines) each(ctx context.Context, nodes []control.Node, state, action string) error {
	for _, n := range nodes {
		if n.State != state {
			continue
		}
		if err := control.ChangeNode(ctx, m.lab.Control(), control.NodeRequest{Name: n.Name, Action: action}); err != nil {
			return err
		}
	}
	return nil
}

// Bring implements course.Machines. A node that has the images already is left alone.
func (m labMachines) Bring(ctx context.Context, needed []string) error {
	brought := &pack.Artifact{}
	if m.pack != "" {
		var err error
		if brought, err = pack.OpenFile(m.pack); err != nil {
			return err
		}
	}
	if len(needed) == 0 && len(brought.Images) == 0 {
		return nil
	}
	status, err := control.AskStatus(ctx, m.lab.Control())
	if err != nil {
		return err
	}
	for _, n := range status.Nodes {
		if err := m.bringTo(ctx, n.Name, brought, needed); err != nil {
			return err
		}
	}
	return nil
}

func (m labMachines) bringTo(ctx context.Context, node string, brought *pack.Artifact, needed []string) error {
	var there strings.Builder
	if err := m.ctr(ctx, control.CtrRequest{Node: node, Args: []string{"images", "--digests"}}, nil, &there); err != nil {
		return fmt.Errorf("look at the images of %s: %w", node, err)
	}
	for _, name := range needed {
		if !has(there.String(), name) && !slices.ContainsFunc(brought.Images, func(d pack.Descriptor) bool { return pack.ImageName(d) == name }) {
			return fmt.Errorf("it needs the image %s, which drydock does not carry and the pack did not bring along, and a lab pulls nothing from the internet: "+
				"take the pack as one file that was built with `drydock pack build --with-images`", name)
		}
	}
	if !slices.ContainsFunc(brought.Images, func(d pack.Descriptor) bool { return !strings.Contains(there.String(), d.Digest) }) {
		return nil
	}
	if err := m.ctr(ctx, control.CtrRequest{Node: node, Args: []string{"import"}}, brought.WriteImages, io.Discard); err != nil {
		return fmt.Errorf("bring the pack's images to %s: %w", node, err)
	}
	return nil
}

// has reports whether a list of images has one, by its digest or by its name and tag.
func has(list, image string) bool {
	if _, digest, ok := strings.Cut(image, "@"); ok {
		return strings.Contains(list, digest)
	}
	if strings.LastIndex(image, ":") <= strings.LastIndex(image, "/") {
		image += ":latest"
	}
	return slices.ContainsFunc(strings.Fields(list), func(name string) bool { return strings.HasSuffix("/"+name, "/"+image) })
}

// ctr runs one command on a node, with something on its standard input, and collects what it prints.
func (m labMachines) ctr(ctx context.Context, r control.CtrRequest, feed func(io.Writer) error, out io.Writer) error {
	var said strings.Builder
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	fed := make(chan error, 1)
	go func() { // ends when the node has read all, or has closed its end
		var err error
		if feed != nil {
			err = feed(write)
		}
		fed <- errors.Join(err, write.Close())
	}()
	code, err := runCollected(ctx, func(files [3]*os.File) (int, error) {
		return control.RunCtr(ctx, m.lab.Control(), r, [3]*os.File{read, files[1], files[2]})
	}, out, &said)
	read.Close()
	feeding := <-fed
	if err == nil && code != 0 {
		return fmt.Errorf("%s", strings.TrimSpace(said.String()))
	}
	return errors.Join(err, feeding)
}
