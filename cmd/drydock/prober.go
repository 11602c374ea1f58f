package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"k8s.io/client-go/rest"

	"drydock/checks"
	"drydock/engine/cluster/control"
	"drydock/sandbox/home"
)

// labProber asks from the learner's place inside the lab and from the machine; from pods and the API it asks as any client.
type labProber struct {
	*checks.APIProber
	lab home.Lab
}

func newLabProber(l home.Lab, config *rest.Config) (checks.Prober, error) {
	api, err := checks.NewAPIProber(config)
	if err != nil {
		return nil, err
	}
	return labProber{api, l}, nil
}

// dialer returns how to connect from a place, or nil where only the API can ask.
func (p labProber) dialer(from checks.Place) func(ctx context.Context, network, address string) (net.Conn, error) {
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

// maxBody bounds what a check reads of a page, in bytes.
const maxBody = 1 << 20

// HTTP implements checks.Prober.
func (p labProber) HTTP(ctx context.Context, from checks.Place, url string) (checks.HTTPResult, error) {
	dial := p.dialer(from)
	if dial == nil {
		return p.APIProber.HTTP(ctx, from, url)
	}
	transport := &http.Transport{DialContext: dial, DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return checks.HTTPResult{}, fmt.Errorf("ask %s: %w", url, err)
	}
	response, err := transport.RoundTrip(request) // not a client: a redirect is an answer
	if err != nil {
		return noAnswer(ctx, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return noAnswer(ctx, err)
	}
	return checks.HTTPResult{Status: response.StatusCode, Body: string(body)}, nil
}

// noAnswer tells a connection that failed, which is an answer, from a question that could not be asked.
func noAnswer(ctx context.Context, err error) (checks.HTTPResult, error) {
	if ctx.Err() != nil {
		return checks.HTTPResult{}, ctx.Err()
	}
	return checks.HTTPResult{Problem: innermost(err)}, nil
}

func innermost(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// Dial implements checks.Prober.
func (p labProber) Dial(ctx context.Context, from checks.Place, address string) (checks.DialResult, error) {
	dial := p.dialer(from)
	if dial == nil {
		return p.APIProber.Dial(ctx, from, address)
	}
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		if ctx.Err() != nil {
			return checks.DialResult{}, ctx.Err()
		}
		return checks.DialResult{Problem: innermost(err)}, nil
	}
	conn.Close()
	return checks.DialResult{Connected: true}, nil
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
