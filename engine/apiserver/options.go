package apiserver

import (
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/netip"
	"time"

	"drydock/engine/decision"
	"drydock/engine/store"
)

// Options is what a Server needs to know before its first request.
type Options struct {
	// Store holds the objects. Required; nobody else may write to it.
	Store store.Store
	// Recorder takes one record for each accepted write, and serves /drydock/decisions. Required.
	Recorder *decision.Ring
	// ClientCAs verifies client certificates: the common name is the user, the organisations are its groups. The listener
	// must ask for certificates (tls.VerifyClientCertIfGiven or tls.RequestClientCert). Nil refuses all certificates.
	ClientCAs *x509.CertPool
	// ServiceAccountKey signs service account tokens: RSA (RS256) or ECDSA on P-256 (ES256). Required.
	ServiceAccountKey crypto.Signer
	// KubeletClientTLS is how the server presents itself to kubelets on port 10250. Nil turns logs, exec, attach,
	// port-forward and the node proxy into 503 answers.
	KubeletClientTLS *tls.Config
	// AdvertiseURL is where clients inside the cluster reach the server: "https://172.30.0.1:6443". It becomes the
	// endpoint of the Service default/kubernetes. Required.
	AdvertiseURL string
	// Issuer goes into tokens; default "https://kubernetes.default.svc.cluster.local".
	Issuer string
	// ServiceCIDR is where ClusterIPs come from; default 10.96.0.0/16. Its first address is the Service default/kubernetes.
	ServiceCIDR netip.Prefix
	// BookmarkInterval is how often an idle watch that allows bookmarks gets one; default one minute.
	BookmarkInterval time.Duration
}

func (o *Options) complete() error {
	switch {
	case o.Store == nil:
		return errors.New("apiserver options: Store is missing")
	case o.Recorder == nil:
		return errors.New("apiserver options: Recorder is missing")
	case o.ServiceAccountKey == nil:
		return errors.New("apiserver options: ServiceAccountKey is missing")
	case o.AdvertiseURL == "":
		return errors.New("apiserver options: AdvertiseURL is missing")
	}
	if o.Issuer == "" {
		o.Issuer = "https://kubernetes.default.svc.cluster.local"
	}
	if !o.ServiceCIDR.IsValid() {
		o.ServiceCIDR = netip.MustParsePrefix("10.96.0.0/16")
	}
	if o.BookmarkInterval == 0 {
		o.BookmarkInterval = time.Minute
	}
	return nil
}
