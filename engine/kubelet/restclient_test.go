package kubelet_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"drydock/engine/kubelet"
)

// TestClientOnTheWire sends every request to a server that notes it, and reads the answers in protobuf and JSON.
func TestClientOnTheWire(t *testing.T) {
	var requests []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		kind := strings.TrimSuffix(r.Header.Get("Content-Type"), "+json")
		if strings.HasPrefix(string(body), "k8s\x00") {
			kind = "protobuf"
		}
		requests = append(requests, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL, kind)))
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(r.URL.RawQuery, "watch=true") {
			fmt.Fprintln(w, `{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","resourceVersion":"7"}}}`)
			return
		}
		if strings.HasSuffix(r.URL.Path, "missing") {
			w.WriteHeader(http.StatusNotFound)
			_ = json.NewEncoder(w).Encode(apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "missing").Status())
			return
		}
		fmt.Fprint(w, `{"metadata":{"name":"x","resourceVersion":"5"}}`)
	}))
	defer server.Close()
	c, err := kubelet.NewClient(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx, patch, lease := context.Background(), []byte(`{}`), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "n", Namespace: "kube-node-lease"}}
	call := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	call(c.Node(ctx, "n"))
	call(c.CreateNode(ctx, &corev1.Node{}))
	call(c.PatchNode(ctx, "n", patch))
	call(c.PatchNodeStatus(ctx, "n", patch))
	call(c.Lease(ctx, "kube-node-lease", "n"))
	call(c.CreateLease(ctx, lease))
	call(c.UpdateLease(ctx, lease))
	call(c.Pods(ctx, "n"))
	call(c.PatchPodStatus(ctx, "default", "web", patch))
	call(nil, c.DeletePod(ctx, "default", "web", metav1.DeleteOptions{}))
	call(c.Services(ctx))
	call(c.ConfigMap(ctx, "default", "c"))
	call(c.Secret(ctx, "default", "s"))
	call(c.CreateToken(ctx, "default", "sa", &authenticationv1.TokenRequest{}))
	call(nil, c.CreateEvent(ctx, &corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: "default"}}))
	call(nil, c.PatchEvent(ctx, "default", "e", types.StrategicMergePatchType, patch))
	want := []string{
		"GET /api/v1/nodes/n",
		"POST /api/v1/nodes protobuf",
		"PATCH /api/v1/nodes/n application/strategic-merge-patch",
		"PATCH /api/v1/nodes/n/status application/strategic-merge-patch",
		"GET /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n",
		"POST /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases protobuf",
		"PUT /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n protobuf",
		"GET /api/v1/pods?fieldSelector=spec.nodeName%3Dn",
		"PATCH /api/v1/namespaces/default/pods/web/status application/strategic-merge-patch",
		"DELETE /api/v1/namespaces/default/pods/web protobuf",
		"GET /api/v1/services",
		"GET /api/v1/namespaces/default/configmaps/c",
		"GET /api/v1/namespaces/default/secrets/s",
		"POST /api/v1/namespaces/default/serviceaccounts/sa/token protobuf",
		"POST /api/v1/namespaces/default/events protobuf",
		"PATCH /api/v1/namespaces/default/events/e application/strategic-merge-patch",
	}
	if diff := cmp.Diff(want, requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if _, err := c.Pod(ctx, "default", "missing"); !apierrors.IsNotFound(err) {
		t.Errorf("a missing pod: %v", err)
	}
	stream, err := c.WatchPods(ctx, "n", metav1.ListOptions{ResourceVersion: "5", AllowWatchBookmarks: true})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Stop()
	event := <-stream.ResultChan()
	if pod, ok := event.Object.(*corev1.Pod); event.Type != watch.Added || !ok || pod.Name != "web" {
		t.Errorf("event %+v", event)
	}
	if want := "GET /api/v1/pods?allowWatchBookmarks=true&fieldSelector=spec.nodeName%3Dn&resourceVersion=5&watch=true"; requests[len(requests)-1] != want {
		t.Errorf("watch request %s, want %s", requests[len(requests)-1], want)
	}
}
