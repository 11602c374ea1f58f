package apiserver_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	utilexec "k8s.io/client-go/util/exec"
	criportforward "k8s.io/cri-streaming/pkg/streaming/portforward"
	criremote "k8s.io/cri-streaming/pkg/streaming/remotecommand"
	"k8s.io/utils/exec"

	"drydock/engine/apiserver"
	"drydock/engine/decision"
	"drydock/engine/store"
)

// fakeKubelet answers as a kubelet does, with a shell that knows three words.
type fakeKubelet struct{}

func (k fakeKubelet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	options := &criremote.Options{Stdin: query.Get("input") == "1", Stdout: query.Get("output") == "1", Stderr: query.Get("error") == "1", TTY: query.Get("tty") == "1"}
	switch parts[0] {
	case "containerLogs":
		if query.Get("previous") == "true" {
			http.Error(w, "previous terminated container \"web\" in pod \"web\" not found", http.StatusBadRequest)
			return
		}
		_, _ = fmt.Fprintf(w, "%s %s\n", strings.Join(parts[1:], "/"), r.URL.RawQuery)
	case "exec":
		criremote.ServeExec(w, r, k, parts[2], "", parts[3], query["command"], options, time.Minute, time.Minute, criremote.SupportedStreamingProtocols)
	case "attach":
		criremote.ServeAttach(w, r, k, parts[2], "", parts[3], options, time.Minute, time.Minute, criremote.SupportedStreamingProtocols)
	case "portForward":
		criportforward.ServePortForward(w, r, k, parts[2], "", &criportforward.V4Options{}, time.Minute, time.Minute, criportforward.SupportedProtocols)
	default:
		_, _ = fmt.Fprintf(w, "kubelet %s", r.URL.Path)
	}
}

func (fakeKubelet) ExecInContainer(_ context.Context, _, _, container string, cmd []string, in io.Reader, out, errOut io.WriteCloser, _ bool, _ <-chan criremote.TerminalSize, _ time.Duration) error {
	switch cmd[0] {
	case "echo":
		_, err := fmt.Fprintln(out, container, strings.Join(cmd[1:], " "))
		return err
	case "cat":
		_, err := io.Copy(out, in)
		return err
	}
	_, _ = fmt.Fprintln(errOut, "no such command")
	return exec.CodeExitError{Err: fmt.Errorf("exit 3"), Code: 3}
}

func (fakeKubelet) AttachContainer(_ context.Context, _, _, _ string, _ io.Reader, out, _ io.WriteCloser, _ bool, _ <-chan criremote.TerminalSize) error {
	_, err := io.WriteString(out, "attached\n")
	return err
}

func (fakeKubelet) PortForward(_ context.Context, _, _ string, port int32, stream io.ReadWriteCloser) error {
	line := make([]byte, 4)
	if _, err := io.ReadFull(stream, line); err != nil {
		return err
	}
	_, err := fmt.Fprintf(stream, "%d %s", port, line)
	return err
}

// newNode is a cluster with one node, whose kubelet is fake, and a pod on it.
func newNode(t *testing.T) *cluster {
	t.Helper()
	agent := httptest.NewTLSServer(fakeKubelet{})
	t.Cleanup(agent.Close)
	st, err := store.Open(store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	server, err := apiserver.New(apiserver.Options{
		Store: st, Recorder: decision.NewRing(100), ServiceAccountKey: key, AdvertiseURL: "https://172.30.0.1:6443",
		KubeletClientTLS: &tls.Config{InsecureSkipVerify: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(server.Admin())
	t.Cleanup(front.Close)
	c := &cluster{server: server, store: st, config: &rest.Config{Host: front.URL, QPS: -1, ContentConfig: rest.ContentConfig{GroupVersion: &corev1.SchemeGroupVersion, NegotiatedSerializer: scheme.Codecs.WithoutConversion()}, APIPath: "/api"}}
	c.client = clientset(t, c.config)
	host, port, err := net.SplitHostPort(strings.TrimPrefix(agent.URL, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}, Status: corev1.NodeStatus{
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: host}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(number)}},
	}}
	if _, err := c.client.CoreV1().Nodes().Create(background, node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.client.CoreV1().ServiceAccounts("default").Create(background, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	boundPod(t, c, "web")
	return c
}

// executors are the two ways clients speak: WebSocket, and SPDY as older ones do.
func executors(t *testing.T, c *cluster, target *url.URL) map[string]remotecommand.Executor {
	t.Helper()
	ws, err := remotecommand.NewWebSocketExecutor(c.config, "GET", target.String())
	if err != nil {
		t.Fatal(err)
	}
	sp, err := remotecommand.NewSPDYExecutor(c.config, "POST", target)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]remotecommand.Executor{"WebSocket": ws, "SPDY": sp}
}

func execURL(c *cluster, options *corev1.PodExecOptions) *url.URL {
	return c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name("web").SubResource("exec").
		VersionedParams(options, scheme.ParameterCodec).URL()
}

func TestExec(t *testing.T) {
	c := newNode(t)
	echo := execURL(c, &corev1.PodExecOptions{Command: []string{"echo", "a b", "c&d"}, Stdout: true})
	for name, executor := range executors(t, c, echo) {
		var out bytes.Buffer
		if err := executor.StreamWithContext(background, remotecommand.StreamOptions{Stdout: &out}); err != nil || out.String() != "web a b c&d\n" {
			t.Errorf("%s echo: %q, %v", name, out.String(), err)
		}
	}
	cat := execURL(c, &corev1.PodExecOptions{Command: []string{"cat"}, Stdin: true, Stdout: true})
	for name, executor := range executors(t, c, cat) {
		var out bytes.Buffer
		sent := strings.Repeat("0123456789", 50000)
		if err := executor.StreamWithContext(background, remotecommand.StreamOptions{Stdin: strings.NewReader(sent), Stdout: &out}); err != nil || out.String() != sent {
			t.Errorf("%s cat: %d bytes, %v", name, out.Len(), err)
		}
	}
	wrong := execURL(c, &corev1.PodExecOptions{Command: []string{"x"}, Stdout: true, Stderr: true})
	for name, executor := range executors(t, c, wrong) {
		var out, errOut bytes.Buffer
		err := executor.StreamWithContext(background, remotecommand.StreamOptions{Stdout: &out, Stderr: &errOut})
		var exit utilexec.CodeExitError
		if !asExit(err, &exit) || exit.Code != 3 || errOut.String() != "no such command\n" {
			t.Errorf("%s: %q, %v", name, errOut.String(), err)
		}
	}
}

func asExit(err error, into *utilexec.CodeExitError) bool {
	exit, ok := err.(utilexec.CodeExitError) //nolint:errorlint // the executors return it bare
	*into = exit
	return ok
}

func TestAttach(t *testing.T) {
	c := newNode(t)
	target := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name("web").SubResource("attach").
		VersionedParams(&corev1.PodAttachOptions{Stdout: true}, scheme.ParameterCodec).URL()
	for name, executor := range executors(t, c, target) {
		var out bytes.Buffer
		if err := executor.StreamWithContext(background, remotecommand.StreamOptions{Stdout: &out}); err != nil || out.String() != "attached\n" {
			t.Errorf("%s: %q, %v", name, out.String(), err)
		}
	}
}

func TestPortForward(t *testing.T) {
	c := newNode(t)
	target := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace("default").Name("web").SubResource("portforward").URL()
	tunnel, err := portforward.NewSPDYOverWebsocketDialer(target, c.config)
	if err != nil {
		t.Fatal(err)
	}
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		t.Fatal(err)
	}
	plain := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", target)
	t.Run("WebSocket", func(t *testing.T) {
		ready, stop := make(chan struct{}), make(chan struct{})
		forwarder, err := portforward.NewOnAddresses(tunnel, []string{"127.0.0.1"}, []string{"0:80"}, stop, ready, io.Discard, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		forwardOnce(t, forwarder, ready, stop)
	})
	t.Run("SPDY", func(t *testing.T) {
		ready, stop := make(chan struct{}), make(chan struct{})
		forwarder, err := portforward.NewOnAddresses(plain, []string{"127.0.0.1"}, []string{"0:80"}, stop, ready, io.Discard, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		forwardOnce(t, forwarder, ready, stop)
	})
}

func forwardOnce(t *testing.T, forwarder *portforward.PortForwarder, ready, stop chan struct{}) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", ports[0].Local))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, "ping"); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 7)
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "80 ping" {
		t.Errorf("%q, %v", answer, err)
	}
	_ = conn.Close()
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLogs(t *testing.T) {
	c := newNode(t)
	pods := c.client.CoreV1().Pods("default")
	tail := int64(5)
	text, err := pods.GetLogs("web", &corev1.PodLogOptions{TailLines: &tail, Timestamps: true}).DoRaw(background)
	if err != nil || string(text) != "default/web/web tailLines=5&timestamps=true\n" {
		t.Errorf("%q, %v", text, err)
	}
	for query, want := range map[string]string{
		"container=x":   "container x is not valid for pod web",
		"previous=true": `previous terminated container \"web\" in pod \"web\" not found`,
		"tailLines=-1":  "tailLines: Invalid value: -1",
		"tailLines=x":   "query parameter tailLines",
	} {
		if code, body, _ := c.request(t, "GET", "/api/v1/namespaces/default/pods/web/log?"+query, ""); code < 400 || code > 499 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s, want %s", query, code, body, want)
		}
	}
	mustCreatePod(t, c, webPod("waiting"))
	if text, err := pods.GetLogs("waiting", &corev1.PodLogOptions{}).DoRaw(background); err != nil || len(text) != 0 {
		t.Errorf("unscheduled: %q, %v", text, err)
	}
	if code, body, _ := c.request(t, "POST", "/api/v1/namespaces/default/pods/waiting/exec?command=x", ""); code != 400 || !strings.Contains(body, "pod waiting does not have a host assigned") {
		t.Errorf("%d %s", code, body)
	}
}

func TestProxies(t *testing.T) {
	c := newNode(t)
	if code, body, _ := c.request(t, "GET", "/api/v1/nodes/node-1/proxy/pods", ""); code != 200 || body != "kubelet /pods" {
		t.Errorf("node: %d %s", code, body)
	}
	if code, body, _ := c.request(t, "GET", "/api/v1/namespaces/default/services/kubernetes:https/proxy/", ""); code == 200 {
		t.Errorf("service without a reachable endpoint: %d %s", code, body)
	}
	if code, body, _ := c.request(t, "GET", "/api/v1/namespaces/default/pods/web/proxy/", ""); code != 400 || !strings.Contains(body, "address not allowed") {
		t.Errorf("pod without an address: %d %s", code, body)
	}
}
