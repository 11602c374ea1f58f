package ingress_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"drydock/engine/ingress"
)

func read[T any](t *testing.T, text string) *T {
	t.Helper()
	object := new(T)
	if err := json.Unmarshal([]byte(text), object); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return object
}

// cluster is an API server with one fixed list of each kind, whose watches send what the test sends.
type cluster struct {
	lists map[string]string // by the last word of the path
	fresh chan string       // events of the watch of ingresses

	mu sync.Mutex
	// guarded by mu
	writes []string
	wrote  chan struct{} // gets a token after each write
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	switch {
	case r.Header.Get("Authorization") != "Bearer secret":
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method != http.MethodGet:
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		c.writes = append(c.writes, r.Method+" "+r.URL.Path+" "+string(body))
		c.mu.Unlock()
		c.wrote <- struct{}{}
	case r.URL.Query().Get("watch") == "":
		fmt.Fprintf(w, `{"metadata":{"resourceVersion":"1"},"items":[%s]}`, c.lists[kind])
	default:
		_ = http.NewResponseController(w).Flush()
		fresh := c.fresh
		if kind != "ingresses" {
			fresh = nil
		}
		for {
			select {
			case event := <-fresh:
				fmt.Fprintln(w, event)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
}

// await returns the first write that contains all words.
func (c *cluster) await(t *testing.T, words ...string) {
	t.Helper()
	for seen := 0; ; {
		c.mu.Lock()
		for ; seen < len(c.writes); seen++ {
			found := true
			for _, word := range words {
				found = found && strings.Contains(c.writes[seen], word)
			}
			if found {
				c.mu.Unlock()
				return
			}
		}
		c.mu.Unlock()
		select {
		case <-c.wrote:
		case <-t.Context().Done():
			t.Fatalf("nobody wrote %q", words)
		}
	}
}

// running is a controller between an API server and one endpoint that says who it is.
type running struct {
	api         *cluster
	http, https string
}

func run(t *testing.T, mend func(*cluster)) *running {
	t.Helper()
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s for %s by %s, %s", r.Host, r.URL.RequestURI(), r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"), body)
	}))
	t.Cleanup(endpoint.Close)
	_, port, _ := net.SplitHostPort(endpoint.Listener.Addr().String())
	closed := listen(t) // an endpoint that takes no connection
	_, closedPort, _ := net.SplitHostPort(closed.Addr().String())
	closed.Close()
	c := &cluster{fresh: make(chan string), wrote: make(chan struct{}, 100), lists: map[string]string{
		"ingressclasses": `{"metadata":{"name":"ours"},"spec":{"controller":"drydock.dev/ingress"}}`,
		"services": `{"metadata":{"namespace":"default","name":"a"},"spec":{"ports":[{"port":80}]}},
			{"metadata":{"namespace":"in","name":"door"},"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"}]}}}`,
		"endpointslices": fmt.Sprintf(`{"metadata":{"namespace":"default","name":"a-1","labels":{"kubernetes.io/service-name":"a"}},"ports":[{"name":"","port":%s}],
			"endpoints":[{"addresses":["127.0.0.1"]}]},
			{"metadata":{"namespace":"default","name":"a-2","labels":{"kubernetes.io/service-name":"a"}},"ports":[{"name":"","port":%s}],
			"endpoints":[{"addresses":["127.0.0.1"]}]}`, port, closedPort),
	}}
	if mend != nil {
		mend(c)
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	watcher := ingress.New(ingress.Options{
		API:     &ingress.API{Host: server.URL, HTTP: server.Client(), Token: func() (string, error) { return "secret", nil }},
		Publish: "in/door", Log: io.Discard,
	})
	doors := ingress.Doors{HTTP: listen(t), HTTPS: listen(t), Health: listen(t)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ingress.Serve(ctx, watcher, doors) }()
	t.Cleanup(func() {
		cancel()
		server.CloseClientConnections()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return &running{c, "http://" + doors.HTTP.Addr().String(), doors.HTTPS.Addr().String()}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const shop = `{"metadata":{"namespace":"default","name":"shop","uid":"u","resourceVersion":"2"},"spec":{"ingressClassName":"ours",
	"rules":[{"host":"shop.example","http":{"paths":[{"path":"/cart","pathType":"Prefix","backend":{"service":{"name":"a","port":{"number":80}}}}]}}]}}`

// TestServes: an Ingress that appears is served, its status is written, and an endpoint that takes no connection costs no request.
func TestServes(t *testing.T) {
	r := run(t, nil)
	r.api.fresh <- `{"type":"ADDED","object":` + strings.ReplaceAll(shop, "\n", " ") + `}`
	r.api.await(t, "PATCH /apis/networking.k8s.io/v1/namespaces/default/ingresses/shop/status", `"192.0.2.1"`)
	r.api.await(t, "POST /api/v1/namespaces/default/events", "Scheduled for sync")
	for range 10 {
		request, err := http.NewRequest(http.MethodPost, r.http+"/cart/7?x=1", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		request.Host = "shop.example"
		if code, body := do(t, http.DefaultClient, request); code != 200 || body != "shop.example /cart/7?x=1 for 127.0.0.1 by http, hello" {
			t.Errorf("got %d %q", code, body)
		}
	}
	request, err := http.NewRequest(http.MethodGet, r.http+"/else", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if code, body := do(t, http.DefaultClient, request); code != 404 || !strings.Contains(body, "default backend - 404") {
		t.Errorf("a path that nobody has: %d %q", code, body)
	}
}

func do(t *testing.T, client *http.Client, request *http.Request) (int, string) {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestCertificates: the one of the Secret for its host, another for all others.
func TestCertificates(t *testing.T) {
	cert, key := certificateFor(t, "shop.example")
	r := run(t, func(c *cluster) {
		c.lists["secrets"] = fmt.Sprintf(`{"metadata":{"namespace":"default","name":"s"},"data":{"tls.crt":%q,"tls.key":%q}}`,
			base64.StdEncoding.EncodeToString(cert), base64.StdEncoding.EncodeToString(key))
		c.lists["ingresses"] = strings.Replace(shop, `"rules"`, `"tls":[{"hosts":["shop.example"],"secretName":"s"}],"rules"`, 1)
	})
	r.api.await(t, "Scheduled for sync")
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	for host, known := range map[string]bool{"shop.example": true, "else.example": false} {
		conn, err := tls.Dial("tcp", r.https, &tls.Config{ServerName: host, RootCAs: roots, MinVersion: tls.VersionTLS12})
		if (err == nil) != known {
			t.Errorf("%s: %v", host, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
}

func certificateFor(t *testing.T, host string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{host}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: text})
}
