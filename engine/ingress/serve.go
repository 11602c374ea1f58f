package ingress

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// Doors are where the controller listens.
type Doors struct{ HTTP, HTTPS, Health net.Listener }

// quiet is for what net/http says of clients that break off: it is their affair.
var quiet = log.New(io.Discard, "", 0) //nolint:forbidigo // net/http takes nothing else

// drain is how long requests at hand may take when the controller is asked to end.
const drain = 20 * time.Second

// Serve runs a controller behind its doors until ctx ends, and then until the requests at hand are answered.
func Serve(ctx context.Context, w *Watcher, doors Doors) error {
	stranger, err := strangersCertificate()
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	group.Go(func() { w.Run(following) })

	handler := NewHandler(w.Table, w.opts.Log)
	tlsConfig := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if certificate := w.Table().Certificate(hello.ServerName); certificate != nil {
			return certificate, nil
		}
		return stranger, nil
	}}
	servers := []*http.Server{
		{Handler: handler, ReadHeaderTimeout: 30 * time.Second, ErrorLog: quiet},
		{Handler: handler, ReadHeaderTimeout: 30 * time.Second, ErrorLog: quiet, TLSConfig: tlsConfig},
		{Handler: health(w), ReadHeaderTimeout: 30 * time.Second, ErrorLog: quiet},
	}
	ended := make(chan error, len(servers))
	group.Go(func() { ended <- servers[0].Serve(doors.HTTP) })
	group.Go(func() { ended <- servers[1].ServeTLS(doors.HTTPS, "", "") })
	group.Go(func() { ended <- servers[2].Serve(doors.Health) })
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	for _, server := range servers {
		err = errors.Join(err, server.Shutdown(limited))
	}
	return err
}

// health answers the kubelet: alive always, ready once the table is complete.
func health(w *Watcher) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(out http.ResponseWriter, _ *http.Request) { fmt.Fprintln(out, "ok") })
	mux.HandleFunc("GET /readyz", func(out http.ResponseWriter, _ *http.Request) {
		if !w.Ready() {
			http.Error(out, "the first lists are on their way", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(out, "ok")
	})
	return mux
}

// strangersCertificate is shown for hosts without a Secret. It says who it is and nobody vouches for it.
func strangersCertificate() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the key for hosts without a certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		Subject:  pkix.Name{CommonName: "Kubernetes Ingress Controller Fake Certificate", Organization: []string{"drydock"}},
		DNSNames: []string{"ingress.local"}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate for hosts without one: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
