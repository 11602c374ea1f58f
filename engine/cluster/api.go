package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"

	"k8s.io/client-go/rest"

	"drydock/engine/apiserver"
	"drydock/engine/audit"
	"drydock/engine/store"
	"drydock/sandbox/lab"
)

// startAPI replays the store and opens the door to it.
func (c *Cluster) startAPI(ctx context.Context) error {
	if err := c.loadIdentity(); err != nil {
		return err
	}
	journal, err := store.Open(store.Options{Path: c.opts.Lab.Journal()})
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	c.mu.Lock()
	c.store = journal
	c.mu.Unlock()
	server, err := c.newAPIServer(journal)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.api = server
	c.mu.Unlock()
	c.run(ctx, "audit", func(ctx context.Context) error { return audit.Follow(ctx, c.ring, c.opts.Lab.Audit()) })
	return c.listenAPI(ctx, server)
}

func (c *Cluster) loadIdentity() error {
	ca, err := loadAuthority(c.opts.Lab.PKI())
	if err != nil {
		return err
	}
	c.ca = ca
	admin, err := ca.issue(identity{user: "kubernetes-admin", groups: []string{"system:masters"}})
	if err != nil {
		return err
	}
	// Two files: the lab's own network cannot reach the machine's 127.0.0.1, nor the machine the fabric.
	outside := kubeconfig(c.publicURL(), "kubernetes-admin", ca.pem, admin)
	inside := kubeconfig(insideURL(), "kubernetes-admin", ca.pem, admin)
	return errors.Join(writePrivate(c.opts.Lab.Kubeconfig(), outside),
		writePrivate(filepath.Join(c.opts.Lab.Shell(), "kubeconfig"), inside))
}

func (c *Cluster) newAPIServer(s store.Store) (*apiserver.Server, error) {
	key, err := loadOrMakeKey(filepath.Join(c.opts.Lab.PKI(), "sa.key"))
	if err != nil {
		return nil, fmt.Errorf("load the service account key: %w", err)
	}
	client, err := c.ca.issue(identity{user: "kube-apiserver-kubelet-client", groups: []string{"system:masters"}})
	if err != nil {
		return nil, err
	}
	certificate, err := client.tls()
	if err != nil {
		return nil, fmt.Errorf("load the certificate for kubelets: %w", err)
	}
	server, err := apiserver.New(apiserver.Options{
		Store: s, Recorder: c.ring, ClientCAs: c.ca.pool(), ServiceAccountKey: key,
		KubeletClientTLS: &tls.Config{RootCAs: c.ca.pool(), Certificates: []tls.Certificate{certificate}},
		AdvertiseURL:     insideURL(), ServiceCIDR: serviceRange,
	})
	if err != nil {
		return nil, fmt.Errorf("make the API server: %w", err)
	}
	return server, nil
}

// listenAPI serves the API at its three doors until ctx ends.
func (c *Cluster) listenAPI(ctx context.Context, server *apiserver.Server) error {
	serving, err := c.ca.issue(identity{
		user: "kube-apiserver",
		dns:  []string{"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost"},
		ips:  ips(fabricPrefix.Addr(), apiServiceAddr, netip.MustParseAddr("127.0.0.1")),
	})
	if err != nil {
		return err
	}
	certificate, err := serving.tls()
	if err != nil {
		return fmt.Errorf("load the API server's certificate: %w", err)
	}
	secured := &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
		// Without a certificate a client may still show a token; a bad certificate is the handler's to refuse, with a Status.
		ClientAuth: tls.RequestClientCert, ClientCAs: c.ca.pool(), NextProtos: []string{"h2", "http/1.1"},
	}
	// All addresses of the lab, because the fabric's may not exist yet.
	fabric, err := net.Listen("tcp", fmt.Sprintf(":%d", apiPort))
	if err != nil {
		return fmt.Errorf("listen on the fabric: %w", err)
	}
	socket, err := lab.Listen(c.opts.Lab.API())
	if err != nil {
		return err
	}
	c.serve(ctx, "api server on the fabric", tls.NewListener(fabric, secured), server)
	c.serve(ctx, "api server on 127.0.0.1", tls.NewListener(c.opts.Public, secured), server)
	c.serve(ctx, "api server on its socket", socket, server.Admin())
	return nil
}

// serve runs one HTTP server as a part of the cluster. Watches never end by themselves, so their contexts end with ctx.
func (c *Cluster) serve(ctx context.Context, name string, l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, BaseContext: func(net.Listener) context.Context { return ctx }, ErrorLog: quiet}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	c.run(ctx, name, func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // connections are cut: clients come back or are gone as well
		defer stop()
		return server.Serve(l)
	})
}

// clientFor returns how a part of the control plane reaches the API server: over the network, as user, as everybody does.
func (c *Cluster) clientFor(user string, groups ...string) (*rest.Config, error) {
	p, err := c.ca.issue(identity{user: user, groups: groups})
	if err != nil {
		return nil, err
	}
	return &rest.Config{
		Host:            fmt.Sprintf("https://127.0.0.1:%d", apiPort),
		TLSClientConfig: rest.TLSClientConfig{CAData: c.ca.pem, CertData: p.cert, KeyData: p.key},
		ContentConfig:   rest.ContentConfig{ContentType: "application/vnd.kubernetes.protobuf", AcceptContentTypes: "application/vnd.kubernetes.protobuf,application/json"},
		QPS:             -1, // no client-side limit: the server is this process
		UserAgent:       user,
		WarningHandler:  rest.NoWarnings{}, // they are for people
	}, nil
}

func ips(addrs ...netip.Addr) []net.IP {
	out := make([]net.IP, len(addrs))
	for i, a := range addrs {
		out[i] = a.AsSlice()
	}
	return out
}
