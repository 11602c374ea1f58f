package desk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/sandbox/home"
	"drydock/sandbox/lab"
	"drydock/tui"
	"drydock/tui/desk"
)

// api is an API server that knows one table of each kind, and sends the watch events it is given.
type api struct {
	tables map[string]string        // by path
	events map[string]<-chan string // by path; a closed channel ends the watch
}

func (a api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.Contains(r.Header.Get("Accept"), "as=Table") {
		http.Error(w, "only tables here", http.StatusNotAcceptable)
		return
	}
	if r.URL.Query().Get("watch") == "" {
		table, ok := a.tables[r.URL.Path]
		if !ok {
			table = `{"metadata":{"resourceVersion":"1"}}`
		}
		fmt.Fprint(w, table)
		return
	}
	w.WriteHeader(http.StatusOK)
	w.(http.Flusher).Flush()
	for {
		select {
		case event, ok := <-a.events[r.URL.Path]:
			if !ok {
				return
			}
			fmt.Fprint(w, event)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// serve listens where a lab's API socket would be.
func serve(t *testing.T, a api) home.Lab {
	t.Helper()
	l := home.Lab(filepath.Join(t.TempDir(), "lab"))
	if err := l.Make(); err != nil {
		t.Fatal(err)
	}
	listener, err := lab.Listen(l.API())
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: a}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close() // Serve says how it ended
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return l
}

const podColumns = `"columnDefinitions":[{"name":"Name"},{"name":"Ready"},{"name":"Status"},{"name":"Restarts"},{"name":"Age"},{"name":"IP"},{"name":"Node"}]`

func podLine(name, status, ip, node string) string {
	meta := map[string]any{"metadata": map[string]any{
		"name": name, "namespace": "default", "resourceVersion": "7", "creationTimestamp": "2026-01-02T03:04:05Z",
		"ownerReferences": []any{map[string]any{"kind": "ReplicaSet", "name": "web-1", "controller": true}},
	}}
	raw, _ := json.Marshal(meta) // plain maps always encode
	return fmt.Sprintf(`{"cells":[%q,"1/1",%q,"2 (5m ago)","1s",%q,%q],"object":%s}`, name, status, ip, node, raw)
}

func TestClusterFollowsTables(t *testing.T) {
	events := make(chan string)
	l := serve(t, api{
		tables: map[string]string{
			"/api/v1/pods":  `{"metadata":{"resourceVersion":"5"},` + podColumns + `,"rows":[` + podLine("web", "Pending", "<none>", "<none>") + `]}`,
			"/api/v1/nodes": `{"metadata":{"resourceVersion":"5"},"columnDefinitions":[{"name":"Name"},{"name":"Status"},{"name":"Internal-IP"}],"rows":[{"cells":["node-1","Ready,SchedulingDisabled","172.30.0.11"],"object":{"metadata":{"name":"node-1"}}}]}`,
		},
		events: map[string]<-chan string{"/api/v1/pods": events},
	})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	views := desk.NewLab(desk.LabOptions{Paths: l}).Cluster(ctx)

	first := awaitView(t, views, func(v tui.ClusterView) bool { return len(v.Pods) == 1 && len(v.Nodes) == 1 })
	want := tui.PodRow{Namespace: "default", Name: "web", Ready: "1/1", Status: "Pending", Restarts: 2, Owner: "replicaset/web-1", Created: first.Pods[0].Created}
	if diff := cmp.Diff(want, first.Pods[0]); diff != "" {
		t.Errorf("pod (-want +got):\n%s", diff)
	}
	if n := first.Nodes[0]; !n.Ready || n.Address != "172.30.0.11" || n.Pods != 0 {
		t.Errorf("node %+v, want ready at 172.30.0.11 without pods", n)
	}

	// Only the first table of a watch names its columns.
	events <- `{"type":"MODIFIED","object":{"kind":"Table","rows":[` + podLine("web", "Running", "10.244.1.2", "node-1") + `]}}`
	running := awaitView(t, views, func(v tui.ClusterView) bool { return len(v.Pods) == 1 && v.Pods[0].Status == "Running" })
	if p := running.Pods[0]; p.Address != "10.244.1.2" || p.Node != "node-1" || running.Nodes[0].Pods != 1 {
		t.Errorf("pod %+v on %+v, want it counted on node-1", p, running.Nodes[0])
	}
	events <- `{"type":"DELETED","object":{"kind":"Table","rows":[` + podLine("web", "Running", "10.244.1.2", "node-1") + `]}}`
	awaitView(t, views, func(v tui.ClusterView) bool { return len(v.Pods) == 0 })

	// A watch that ends is taken up again, from a fresh list when it says that it must be.
	events <- `{"type":"ERROR","object":{"kind":"Status","code":410}}`
	awaitView(t, views, func(v tui.ClusterView) bool { return len(v.Pods) == 1 && v.Pods[0].Status == "Pending" })
}

func awaitView(t *testing.T, views <-chan tui.ClusterView, holds func(tui.ClusterView) bool) tui.ClusterView {
	t.Helper()
	for v := range views {
		if holds(v) {
			return v
		}
	}
	t.Fatal("the views ended")
	return tui.ClusterView{}
}

func TestServicesCountReadyEndpoints(t *testing.T) {
	l := serve(t, api{tables: map[string]string{
		"/api/v1/services": `{"metadata":{"resourceVersion":"5"},"columnDefinitions":[{"name":"Name"},{"name":"Type"},{"name":"Cluster-IP"},{"name":"External-IP"},{"name":"Port(s)"}],"rows":[{"cells":["web","ClusterIP","10.96.0.7","<none>","80/TCP"],"object":{"metadata":{"name":"web","namespace":"default"}}}]}`,
		"/apis/discovery.k8s.io/v1/endpointslices": `{"metadata":{"resourceVersion":"5"},"columnDefinitions":[{"name":"Name"}],"rows":[{"cells":["web-x"],"object":{
			"metadata":{"name":"web-x","namespace":"default","labels":{"kubernetes.io/service-name":"web"}},
			"endpoints":[{"addresses":["10.0.0.1"],"conditions":{"ready":true}},{"addresses":["10.0.0.2"],"conditions":{"ready":false}},{"addresses":["10.0.0.3"]}]}}]}`,
	}})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	views := desk.NewLab(desk.LabOptions{Paths: l}).Cluster(ctx)
	view := awaitView(t, views, func(v tui.ClusterView) bool { return len(v.Services) == 1 && v.Services[0].Endpoints > 0 })
	want := tui.ServiceRow{Namespace: "default", Name: "web", Type: "ClusterIP", Address: "10.96.0.7", Ports: "80/TCP", Endpoints: 2}
	if diff := cmp.Diff(want, view.Services[0]); diff != "" {
		t.Errorf("service (-want +got):\n%s", diff)
	}
}

func TestStartExplainsWhyALabCannotRun(t *testing.T) {
	l := desk.NewLab(desk.LabOptions{
		Paths:  home.Lab(t.TempDir()),
		Launch: func(context.Context, func(string)) error { return errors.New("something of ours broke") },
	})
	err := l.Start(context.Background(), func(tui.StartStep) {})
	var problem *tui.Problem
	if !errors.As(err, &problem) || len(problem.Try) == 0 || !strings.Contains(problem.Error(), "something of ours broke") {
		t.Errorf("got %v, want a problem that says what and what to try", err)
	}
}
