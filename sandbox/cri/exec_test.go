package cri_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	utilexec "k8s.io/utils/exec"
)

// run runs "inside" with args in a running container.
func run(n *node, id string, args ...string) error {
	resp, err := n.ExecSync(n.ctx(), &runtimeapi.ExecSyncRequest{ContainerId: id, Cmd: append([]string{"/bin/inside"}, args...), Timeout: 10})
	if err == nil && resp.GetExitCode() != 0 {
		err = fmt.Errorf("exit code %d", resp.GetExitCode())
	}
	return err
}

// waiting is a pod with one container that waits.
func waiting(n *node) (pod, id string) {
	n.t.Helper()
	pod = n.runPod(n.podConfig("exec"))
	id = n.create(pod, containerConfig("main", "wait"))
	n.start(id)
	return pod, id
}

func TestExecSync(t *testing.T) {
	n := newNode(t)
	_, id := waiting(n)
	resp, err := n.ExecSync(n.ctx(), &runtimeapi.ExecSyncRequest{ContainerId: id, Cmd: []string{"/bin/inside", "print"}})
	must(t, err)
	if string(resp.GetStdout()) != "out one\nout two" || string(resp.GetStderr()) != "err one\n" || resp.GetExitCode() != 0 {
		t.Errorf("got %v", resp)
	}
	resp, err = n.ExecSync(n.ctx(), &runtimeapi.ExecSyncRequest{ContainerId: id, Cmd: []string{"inside", "exit", "3"}})
	must(t, err)
	if resp.GetExitCode() != 3 {
		t.Errorf("exit code %d, want 3", resp.GetExitCode())
	}
	begun := time.Now()
	_, err = n.ExecSync(n.ctx(), &runtimeapi.ExecSyncRequest{ContainerId: id, Cmd: []string{"/bin/inside", "wait"}, Timeout: 1})
	if status.Code(err) != codes.DeadlineExceeded || time.Since(begun) > 5*time.Second {
		t.Errorf("time-out: %v after %v", err, time.Since(begun))
	}
	if _, err = n.ExecSync(n.ctx(), &runtimeapi.ExecSyncRequest{ContainerId: id, Cmd: []string{"/no/such"}}); err == nil {
		t.Error("a missing program was executed")
	}
	resp, err = n.ExecSync(n.ctx(), &runtimeapi.ExecSyncRequest{ContainerId: id, Cmd: []string{"/bin/inside", "pids"}})
	must(t, err)
	if got := string(resp.GetStdout()); strings.Count(got, "inside wait") != 1 {
		t.Errorf("the command that timed out still runs:\n%s", got)
	}
}

func executor(t *testing.T, address string) remotecommand.Executor {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	e, err := remotecommand.NewSPDYExecutor(&rest.Config{}, "POST", u)
	must(t, err)
	return e
}

func TestExecStreams(t *testing.T) {
	n := newNode(t)
	_, id := waiting(n)
	resp, err := n.Exec(n.ctx(), &runtimeapi.ExecRequest{ContainerId: id, Cmd: []string{"/bin/inside", "echo"}, Stdin: true, Stdout: true, Stderr: true})
	must(t, err)
	var out, errOut bytes.Buffer
	must(t, executor(t, resp.GetUrl()).StreamWithContext(n.ctx(), remotecommand.StreamOptions{Stdin: strings.NewReader("hello\n"), Stdout: &out, Stderr: &errOut}))
	if out.String() != "hello\nend\n" {
		t.Errorf("output %q", out.String())
	}
	resp, err = n.Exec(n.ctx(), &runtimeapi.ExecRequest{ContainerId: id, Cmd: []string{"/bin/inside", "exit", "5"}, Stdout: true})
	must(t, err)
	err = executor(t, resp.GetUrl()).StreamWithContext(n.ctx(), remotecommand.StreamOptions{Stdout: &out})
	var exit utilexec.ExitError
	if !errors.As(err, &exit) || exit.ExitStatus() != 5 {
		t.Errorf("exit code of a streamed command: %v", err)
	}
}

func TestExecTerminal(t *testing.T) {
	n := newNode(t)
	_, id := waiting(n)
	resp, err := n.Exec(n.ctx(), &runtimeapi.ExecRequest{ContainerId: id, Cmd: []string{"/bin/inside", "echo"}, Stdin: true, Stdout: true, Tty: true})
	must(t, err)
	in, typed := io.Pipe()
	var out bytes.Buffer
	go func() { _, _ = io.WriteString(typed, "hi\n\x04") }() // control-D ends a terminal's input
	must(t, executor(t, resp.GetUrl()).StreamWithContext(n.ctx(), remotecommand.StreamOptions{Stdin: in, Stdout: &out, Tty: true}))
	if got := out.String(); !strings.HasPrefix(got, "hi\r\n") || !strings.HasSuffix(got, "hi\r\nend\r\n") {
		t.Errorf("output %q", got)
	}
}

func TestAttach(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("attach"))
	config := containerConfig("echo", "echo")
	config.Stdin, config.StdinOnce = true, true
	id := n.create(pod, config)
	n.start(id)
	resp, err := n.Attach(n.ctx(), &runtimeapi.AttachRequest{ContainerId: id, Stdin: true, Stdout: true, Stderr: true})
	must(t, err)
	var out bytes.Buffer
	must(t, executor(t, resp.GetUrl()).StreamWithContext(n.ctx(), remotecommand.StreamOptions{Stdin: strings.NewReader("typed\n"), Stdout: &out, Stderr: io.Discard}))
	if out.String() != "typed\nend\n" {
		t.Errorf("attached output %q", out.String())
	}
	waitForLog(t, n, id, "end")
}

func TestAttachToTerminal(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("tty"))
	config := containerConfig("echo", "echo")
	config.Stdin, config.Tty = true, true
	id := n.create(pod, config)
	n.start(id)
	resp, err := n.Attach(n.ctx(), &runtimeapi.AttachRequest{ContainerId: id, Stdin: true, Stdout: true, Tty: true})
	must(t, err)
	in, typed := io.Pipe()
	go func() { _, _ = io.WriteString(typed, "hi\n\x04") }()
	var out bytes.Buffer
	must(t, executor(t, resp.GetUrl()).StreamWithContext(n.ctx(), remotecommand.StreamOptions{Stdin: in, Stdout: &out, Tty: true}))
	if got := out.String(); !strings.HasSuffix(got, "hi\r\nend\r\n") {
		t.Errorf("attached output %q", got)
	}
}

func TestReopenLog(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("rotate"))
	config := containerConfig("echo", "echo")
	config.Stdin, config.StdinOnce = true, true
	id := n.create(pod, config)
	n.start(id)
	path := n.status(id).GetLogPath()
	must(t, os.Rename(path, path+".old"))
	_, err := n.ReopenContainerLog(n.ctx(), &runtimeapi.ReopenContainerLogRequest{ContainerId: id})
	must(t, err)
	resp, err := n.Attach(n.ctx(), &runtimeapi.AttachRequest{ContainerId: id, Stdin: true, Stdout: true})
	must(t, err)
	must(t, executor(t, resp.GetUrl()).StreamWithContext(n.ctx(), remotecommand.StreamOptions{Stdin: strings.NewReader("later\n"), Stdout: io.Discard}))
	waitForLog(t, n, id, "later")
}

func TestPortForward(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("forward"))
	id := n.create(pod, containerConfig("serve", "serve", "8080"))
	n.start(id)
	waitForLog(t, n, id, "serving")
	resp, err := n.PortForward(n.ctx(), &runtimeapi.PortForwardRequest{PodSandboxId: pod})
	must(t, err)
	u, err := url.Parse(resp.GetUrl())
	must(t, err)
	transport, upgrader, err := spdy.RoundTripperFor(&rest.Config{})
	must(t, err)
	ctx, cancel := context.WithCancel(n.ctx())
	ready := make(chan struct{})
	forwarder, err := portforward.New(spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", u), []string{"0:8080"}, ctx.Done(), ready, io.Discard, io.Discard)
	must(t, err)
	ended := make(chan error, 1)
	go func() { ended <- forwarder.ForwardPorts() }()
	<-ready
	ports, err := forwarder.GetPorts()
	must(t, err)
	if got := talk(t, fmt.Sprintf("127.0.0.1:%d", ports[0].Local), "ping"); got != "ping" {
		t.Errorf("the pod answered %q", got)
	}
	cancel()
	must(t, <-ended)
}
