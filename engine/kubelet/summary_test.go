package kubelet_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// pipeListener hands out connections in memory: those of a real port would keep a synctest bubble from settling.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p pipeListener) Close() error   { close(p.closed); return nil }
func (p pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

// get asks the kubelet's API.
func (w *world) get(path string) string {
	w.t.Helper()
	conns := w.port.(pipeListener).conns
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			conns <- theirs
			return ours, nil
		},
	}}
	answer, err := client.Get("http://node-1" + path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		w.t.Fatalf("GET %s: %s %s %v", path, answer.Status, text, err)
	}
	return string(text)
}

func TestSummaryTellsRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.port = pipeListener{make(chan net.Conn), make(chan struct{})}
		w.runtime.burns["main"], w.runtime.holds["main"] = 250, 64<<20
		w.start()
		defer func() { w.stop() }()
		w.api.put(newPod("web"))
		w.after(25 * time.Second)
		w.runtime.mu.Lock()
		w.runtime.burns["main"] = 250 // constant: the rate over any window is the same
		w.runtime.mu.Unlock()
		var s statsv1alpha1.Summary
		if err := json.Unmarshal([]byte(w.get("/stats/summary")), &s); err != nil {
			t.Fatal(err)
		}
		if len(s.Pods) != 1 || len(s.Pods[0].Containers) != 1 || s.Pods[0].PodRef.Name != "web" {
			t.Fatalf("pods: %+v", s.Pods)
		}
		c := s.Pods[0].Containers[0]
		if c.CPU.UsageNanoCores == nil || *c.CPU.UsageNanoCores != 250_000_000 || *c.Memory.WorkingSetBytes != 64<<20 || c.StartTime.IsZero() {
			t.Errorf("container: cpu %v memory %v start %v", c.CPU.UsageNanoCores, *c.Memory.WorkingSetBytes, c.StartTime)
		}
		if s.Node.NodeName != "node-1" || *s.Node.CPU.UsageNanoCores < 250_000_000 || *s.Node.Memory.WorkingSetBytes < 64<<20 {
			t.Errorf("node: %+v", s.Node)
		}
		text := w.get("/metrics/resource")
		for _, want := range []string{
			`container_memory_working_set_bytes{container="main",namespace="default",pod="web"} 6.7108864e+07`,
			`pod_cpu_usage_seconds_total{namespace="default",pod="web"} 6.25`, "resource_scrape_error 0",
		} {
			if !strings.Contains(text, want+"\n") {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
	})
}
