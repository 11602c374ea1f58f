package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"k8s.io/client-go/rest"

	"drydock/checks"
	"drydock/engine/cluster/control"
	"drydock/sandbox/home"
	"drydock/sandbox/reach"
)

// labProber asks from the learner's place inside the lab, from nodes and from the machine; from pods and the API it asks as any client.
type labProber struct {
	*checks.APIProber
	lab      home.Lab
	programs home.Programs
}

func newLabProber(p place, config *rest.Config) (checks.Prober, error) {
	api, err := checks.NewAPIProber(config)
	if err != nil {
		return nil, err
	}
	return labProber{api, p.lab, p.programs}, nil
}

// dialer returns how to connect from a place, or nil where somebody there must do it.
func (p labProber) dialer(from checks.Place) reach.Dialer {
	switch from.Kind {
	case checks.PlaceLearner:
		return func(ctx context.Context, network, address string) (net.Conn, error) {
			return control.Dial(ctx, p.lab.Control(), network, address)
		}
	case checks.PlaceHost:
		return new(net.Dialer).DialContext
	default:
		return nil
	}
}

// HTTP implements checks.Prober.
func (p labProber) HTTP(ctx context.Context, from checks.Place, url string) (checks.HTTPResult, error) {
	switch dial := p.dialer(from); {
	case dial != nil:
		page, err := dial.HTTP(ctx, url)
		return checks.HTTPResult(page), err
	case from.Kind == checks.PlaceNode:
		var page reach.Page
		err := p.ask(ctx, from, &page, "http", url)
		return checks.HTTPResult(page), err
	default:
		return p.APIProber.HTTP(ctx, from, url)
	}
}

// Dial implements checks.Prober.
func (p labProber) Dial(ctx context.Context, from checks.Place, address string) (checks.DialResult, error) {
	switch dial := p.dialer(from); {
	case dial != nil:
		made, err := dial.TCP(ctx, address)
		return checks.DialResult(made), err
	case from.Kind == checks.PlaceNode:
		var made reach.Connection
		err := p.ask(ctx, from, &made, "tcp", address)
		return checks.DialResult(made), err
	default:
		return p.APIProber.Dial(ctx, from, address)
	}
}

// Send implements checks.Prober.
func (p labProber) Send(ctx context.Context, from checks.Place, d checks.Datagram) (checks.Reply, error) {
	switch dial := p.dialer(from); {
	case dial != nil:
		reply, err := dial.UDP(ctx, d.Address, d.Payload, d.Wait)
		return checks.Reply(reply), err
	case from.Kind == checks.PlaceNode:
		var reply reach.Reply
		err := p.ask(ctx, from, &reply, "--wait="+d.Wait.String(), "--send="+d.Payload, "udp", d.Address)
		return checks.Reply(reply), err
	default:
		return p.APIProber.Send(ctx, from, d)
	}
}

// Lookup implements checks.Prober.
func (p labProber) Lookup(ctx context.Context, from checks.Place, name string) ([]string, error) {
	switch from.Kind {
	case checks.PlaceHost:
		return reach.Names(ctx, name)
	case checks.PlaceLearner, checks.PlaceNode:
		var addresses []string
		err := p.ask(ctx, from, &addresses, "dns", name)
		return addresses, err
	default:
		return p.APIProber.Lookup(ctx, from, name)
	}
}

// ask lets a program of ours in the lab do the asking, where its place is.
func (p labProber) ask(ctx context.Context, from checks.Place, answer any, args ...string) error {
	program := p.programs.Path("docknode")
	if from.Kind == checks.PlaceNode {
		program = "docknode" // on the PATH there; the path is another
	}
	r, err := p.Exec(ctx, from, append([]string{program, "ask"}, args...))
	if err != nil {
		return err
	}
	if r.Code != 0 {
		return fmt.Errorf("ask from %s: %s", from, strings.TrimSpace(r.Stderr))
	}
	if err := json.Unmarshal([]byte(r.Stdout), answer); err != nil {
		return fmt.Errorf("read the answer of %s: %w", from, err)
	}
	return nil
}

// Exec implements checks.Prober.
func (p labProber) Exec(ctx context.Context, from checks.Place, argv []string) (checks.ExecResult, error) {
	var out, errOut bytes.Buffer
	e := control.Exec{Args: argv, Env: learnersEnvironment()}
	run := func(files [3]*os.File) (int, error) { return control.Run(ctx, p.lab.Control(), e, files) }
	switch from.Kind {
	case checks.PlaceLearner:
	case checks.PlaceNode:
		run = func(files [3]*os.File) (int, error) {
			return control.RunOnNode(ctx, p.lab.Control(), control.NodeExec{Name: from.Name, Exec: e}, files)
		}
	default:
		return p.APIProber.Exec(ctx, from, argv)
	}
	code, err := runCollected(ctx, run, &out, &errOut)
	if err != nil {
		return checks.ExecResult{}, err
	}
	return checks.ExecResult{Code: code, Stdout: out.String(), Stderr: errOut.String()}, nil
}

// runInLab runs a program in the lab without input and collects what it prints.
func runInLab(ctx context.Context, l home.Lab, e control.Exec, out, errOut io.Writer) (int, error) {
	run := func(files [3]*os.File) (int, error) { return control.Run(ctx, l.Control(), e, files) }
	return runCollected(ctx, run, out, errOut)
}

// runCollected gives run an empty input and two pipes, and collects what comes out of them.
func runCollected(ctx context.Context, run func([3]*os.File) (int, error), out, errOut io.Writer) (int, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return -1, err
	}
	defer null.Close()
	outWrite, outDone, err := collect(out)
	if err != nil {
		return -1, err
	}
	errWrite, errDone, err := collect(errOut)
	if err != nil {
		outWrite.Close()
		return -1, err
	}
	code, err := run([3]*os.File{null, outWrite, errWrite})
	outWrite.Close()
	errWrite.Close()
	// What was started in the background may hold the pipes open for as long as it lives.
	for _, done := range []<-chan struct{}{outDone, errDone} {
		select {
		case <-done:
		case <-ctx.Done():
			return -1, ctx.Err()
		}
	}
	return code, err
}

// collect copies what is written to the returned file into w.
func collect(w io.Writer) (*os.File, <-chan struct{}, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make a pipe: %w", err)
	}
	done := make(chan struct{})
	go func() { // ends when the last writer has closed
		_, _ = io.Copy(w, read) // a buffer takes everything
		read.Close()
		close(done)
	}()
	return write, done, nil
}
