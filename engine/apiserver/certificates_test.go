package apiserver_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"drydock/engine/apiserver"
	"drydock/engine/decision"
	"drydock/engine/store"
)

// TestCertificatesExpire: that a certificate was good before proves nothing once its time is over.
func TestCertificatesExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st, err := store.Open(store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = st.Close() }() // in memory only
		ca := newAuthority(t)
		pool := x509.NewCertPool()
		pool.AddCert(ca.cert)
		server, err := apiserver.New(apiserver.Options{
			Store: st, Recorder: decision.NewRing(100), ServiceAccountKey: newKey(t), AdvertiseURL: "https://172.30.0.1:6443", ClientCAs: pool,
		})
		if err != nil {
			t.Fatal(err)
		}
		good := holder(t, ca.issue(t, "ada", "system:masters"))
		stranger := holder(t, newAuthority(t).issue(t, "ada", "system:masters"))
		for range 2 { // the second time it is remembered
			if code := ask(server, good); code != http.StatusOK {
				t.Errorf("a good certificate: %d", code)
			}
			if code := ask(server, stranger); code != http.StatusUnauthorized {
				t.Errorf("a certificate of somebody else's: %d", code)
			}
		}
		time.Sleep(2 * time.Hour) //nolint:forbidigo // in a synctest bubble, where time is ours
		if code := ask(server, good); code != http.StatusUnauthorized {
			t.Errorf("an expired certificate: %d", code)
		}
	})
}

func holder(t *testing.T, c tls.Certificate) *tls.ConnectionState {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
}

func ask(server http.Handler, who *tls.ConnectionState) int {
	r := httptest.NewRequest(http.MethodGet, "/api/v1/namespaces", nil)
	r.TLS = who
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	return w.Code
}
