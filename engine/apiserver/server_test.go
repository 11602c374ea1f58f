package apiserver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"drydock/engine/apiserver"
	"drydock/engine/decision"
	"drydock/engine/store"
)

// cluster is a server on an empty store, with a client that may do everything.
type cluster struct {
	server   *apiserver.Server
	store    store.Store
	ring     *decision.Ring
	config   *rest.Config
	client   *kubernetes.Clientset
	protobuf *kubernetes.Clientset
}

// newCluster starts a server for one test. It has the namespace default with its service account, as the controllers would make it.
func newCluster(t testing.TB) *cluster {
	t.Helper()
	return newClusterWith(t, store.Options{})
}

// smallWindow forgets quickly.
var smallWindow = store.Options{Window: store.Window{Events: 20}}

func newClusterWith(t testing.TB, options store.Options) *cluster {
	t.Helper()
	st, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ring := decision.NewRing(1000)
	server, err := apiserver.New(apiserver.Options{Store: st, Recorder: ring, ServiceAccountKey: key, AdvertiseURL: "https://172.30.0.1:6443", BookmarkInterval: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewServer(server.Admin())
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		_ = st.Close()
	})
	c := &cluster{server: server, store: st, ring: ring, config: &rest.Config{Host: front.URL, QPS: -1}}
	c.client = clientset(t, c.config)
	proto := rest.CopyConfig(c.config)
	proto.ContentType = "application/vnd.kubernetes.protobuf"
	proto.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	c.protobuf = clientset(t, proto)
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if _, err := c.client.CoreV1().ServiceAccounts("default").Create(context.Background(), account, metav1.CreateOptions{}); err != nil {
		t.Fatalf("create the default service account: %v", err)
	}
	return c
}

func clientset(t testing.TB, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func webPod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "drydock/web:1"}}},
	}
}

// request sends one raw request as admin and returns code, body and headers.
func (c *cluster) request(t testing.TB, method, path, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, c.config.Host+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw), response.Header
}

func mustCreatePod(t testing.TB, c *cluster, pod *corev1.Pod) *corev1.Pod {
	t.Helper()
	created, err := c.client.CoreV1().Pods("default").Create(context.Background(), pod, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created
}
