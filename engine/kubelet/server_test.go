package kubelet_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/engine/kubelet"
)

// node is a kubelet with its server on a real port, in real time.
type node struct {
	*world
	url string
}

func newNode(t *testing.T) *node {
	t.Helper()
	w := newWorld(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k, err := kubelet.New(kubelet.Config{
		NodeName: "node-1", NodeIP: "172.30.0.11", Client: w.api, Runtime: w.runtime, Images: w.runtime,
		RootDir: filepath.Join(w.root, "kubelet"), LogDir: filepath.Join(w.root, "log"), Recorder: w.ring, Listener: listener,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return &node{w, "http://" + listener.Addr().String()}
}

// runs waits until the pod's status says what it should.
func (n *node) runs(name, want string) {
	n.t.Helper()
	deadline := time.After(10 * time.Second)
	records, grown := n.ring.Since(0)
	for {
		if pod := n.api.pod("default", name); pod != nil && describe(&pod.Status) == want {
			return
		}
		select {
		case <-grown:
			records, grown = n.ring.Since(0)
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			n.t.Fatalf("pod %s is not %s; decisions: %v", name, want, records)
		}
	}
}

func (n *node) get(path string) (int, string) {
	n.t.Helper()
	answer, err := http.Get(n.url + path)
	if err != nil {
		n.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// writeLog makes lines, a second apart, the log of the container.
func (n *node) writeLog(container string, lines ...string) string {
	n.t.Helper()
	c := n.runtime.newest(container)
	path := filepath.Join(n.root, "log", "default_web_uid-of-web", c.config.LogPath)
	var text strings.Builder
	for i, line := range lines {
		fmt.Fprintf(&text, "2026-01-01T00:00:0%d.000000000Z %s\n", i, line)
	}
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		n.t.Fatal(err)
	}
	n.runtime.mu.Lock()
	c.status.LogPath = path
	n.runtime.mu.Unlock()
	return path
}

func TestLogs(t *testing.T) {
	n := newNode(t)
	n.api.put(newPod("web"))
	n.runs("web", "Running/ready")
	n.writeLog("main", "stdout F one", "stderr F two", "stdout P thr", "stdout F ee", "garbage", "stdout F four")
	const logs = "/containerLogs/default/web/main"
	for query, want := range map[string]string{
		"":                                "one\ntwo\nthree\nfour\n",
		"?tailLines=1":                    "four\n",
		"?tailLines=0":                    "",
		"?tailLines=100":                  "one\ntwo\nthree\nfour\n",
		"?stream=Stderr":                  "two\n",
		"?limitBytes=6":                   "one\ntw",
		"?timestamps=true":                "2026-01-01T00:00:00.000000000Z one\n2026-01-01T00:00:01.000000000Z two\n2026-01-01T00:00:02.000000000Z three\n2026-01-01T00:00:05.000000000Z four\n",
		"?sinceTime=2026-01-01T00:00:05Z": "four\n",
		"?sinceSeconds=1":                 "",
	} {
		if code, got := n.get(logs + query); code != http.StatusOK || got != want {
			t.Errorf("%q: %d %q, want %q", query, code, got, want)
		}
	}
	for path, want := range map[string]string{
		"/containerLogs/default/nosuch/main": `404 pod "nosuch" does not exist`,
		"/containerLogs/default/web/other":   `404 container "other" not found in pod "web"`,
		logs + "?previous=true":              `400 previous terminated container "main" in pod "web" not found`,
		logs + "?tailLines=-1":               `422 tailLines: must be at least 0`,
	} {
		if code, got := n.get(path); fmt.Sprintf("%d %s", code, strings.TrimSpace(got)) != want {
			t.Errorf("%s: %d %q, want %q", path, code, got, want)
		}
	}
}

func TestLogsFollowUntilTheEnd(t *testing.T) {
	n := newNode(t)
	n.api.put(newPod("web", withPolicy(corev1.RestartPolicyNever)))
	n.runs("web", "Running/ready")
	path := n.writeLog("main", "stdout F one")
	answer, err := http.Get(n.url + "/containerLogs/default/web/main?follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	expect := func(want string) {
		t.Helper()
		if got, err := lines.ReadString('\n'); err != nil || got != want {
			t.Fatalf("%q %v, want %q", got, err, want)
		}
	}
	expect("one\n")
	log, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	fmt.Fprintln(log, "2026-01-01T00:00:01Z stdout F two")
	expect("two\n")
	fmt.Fprintln(log, "2026-01-01T00:00:02Z stdout F last words")
	n.runtime.end("main", 0)
	expect("last words\n")
	if _, err := lines.ReadByte(); err != io.EOF {
		t.Errorf("the stream did not end with the container: %v", err)
	}
}

// Exec of the fake runtime leads to a server that takes the connection over and answers every line in capitals.
func (f *fakeRuntime) Exec(_ context.Context, r *runtimeapi.ExecRequest, _ ...grpc.CallOption) (*runtimeapi.ExecResponse, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	go func() {
		defer func() { _ = listener.Close() }()
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		request, err := http.ReadRequest(in)
		if err != nil || request.Header.Get("Upgrade") == "" {
			return
		}
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n%s %s\n",
			request.Header.Get("Upgrade"), request.URL, strings.Join(r.Cmd, " "))
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				fmt.Fprint(conn, "BYE\n")
				return
			}
			fmt.Fprint(conn, strings.ToUpper(line))
		}
	}()
	return &runtimeapi.ExecResponse{Url: "http://" + listener.Addr().String() + "/exec/token"}, nil
}

func TestExecJoinsTheStreams(t *testing.T) {
	n := newNode(t)
	n.api.put(newPod("web"))
	n.runs("web", "Running/ready")
	conn, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// The first bytes of the stream travel with the request: they must not be lost.
	fmt.Fprint(conn, "POST /exec/default/web/main?command=cat&command=-u&input=1&output=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nContent-Length: 0\r\n\r\nearly\n")
	in := bufio.NewReader(conn)
	answer, err := http.ReadResponse(in, nil) //nolint:bodyclose // the body is the stream, which the test reads from the connection
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", answer, err)
	}
	fmt.Fprint(conn, "late\n")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(in)
	if want := "/exec/token cat -u\nEARLY\nLATE\nBYE\n"; err != nil || string(rest) != want {
		t.Errorf("%q %v, want %q", rest, err, want)
	}
	if code, body := n.get("/exec/default/web/nosuch?command=x"); code != http.StatusNotFound || !strings.Contains(body, "container nosuch is not valid for pod web") {
		t.Errorf("%d %q", code, body)
	}
}

func TestPodsAndHealth(t *testing.T) {
	n := newNode(t)
	n.api.put(newPod("web"))
	n.runs("web", "Running/ready")
	if code, body := n.get("/healthz"); code != http.StatusOK || body != "ok" {
		t.Errorf("%d %q", code, body)
	}
	if _, body := n.get("/pods"); !strings.Contains(body, `"kind":"PodList"`) || !strings.Contains(body, `"phase":"Running"`) {
		t.Errorf("/pods: %s", body)
	}
}
