package apiserver

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"time"

	"k8s.io/apiserver/pkg/authentication/user"
)

// certificates finds out who holds a client certificate, and remembers it: checking a signature takes a tenth of a
// millisecond, more than most requests take otherwise, and a client shows the same certificate with each of them.
type certificates struct {
	mu sync.Mutex
	// guarded by mu
	known map[[sha256.Size]byte]knownCertificate
}

// knownCertificate is one that was found good.
type knownCertificate struct {
	who   *user.DefaultInfo // never changed
	until time.Time         // when it, or one that vouches for it, expires
}

// rememberedCertificates bounds the memory; a lab has a dozen clients.
const rememberedCertificates = 256

// user checks the chain for client use against roots, which must be the same in each call, and reads common name and
// organisations.
func (c *certificates) user(chain []*x509.Certificate, roots *x509.CertPool) (*user.DefaultInfo, error) {
	now := time.Now()
	if len(chain) > 1 { // what vouches for it is part of the proof, and nobody here has one
		k, err := verify(chain, roots, now)
		return k.who, err
	}
	id := sha256.Sum256(chain[0].Raw)
	if k, ok := c.recall(id); ok && now.Before(k.until) {
		return k.copy(), nil
	}
	k, err := verify(chain, roots, now)
	if err != nil {
		return nil, err
	}
	c.remember(id, k)
	return k.copy(), nil
}

func (k knownCertificate) copy() *user.DefaultInfo {
	who := *k.who
	who.Groups = slices.Clone(who.Groups)
	return &who
}

func (c *certificates) recall(id [sha256.Size]byte) (knownCertificate, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.known[id]
	return k, ok
}

func (c *certificates) remember(id [sha256.Size]byte, k knownCertificate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= rememberedCertificates {
		c.known = map[[sha256.Size]byte]knownCertificate{}
	}
	c.known[id] = k
}

func verify(chain []*x509.Certificate, roots *x509.CertPool, now time.Time) (knownCertificate, error) {
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	leaf := chain[0]
	verified, err := leaf.Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return knownCertificate{}, err
	}
	if leaf.Subject.CommonName == "" {
		return knownCertificate{}, errors.New("certificate without a common name")
	}
	k := knownCertificate{until: leaf.NotAfter, who: &user.DefaultInfo{
		Name:   leaf.Subject.CommonName,
		Groups: slices.Clone(leaf.Subject.Organization),
		Extra:  map[string][]string{credentialID: {certificateID(leaf)}},
	}}
	for _, c := range verified[0] {
		if c.NotAfter.Before(k.until) {
			k.until = c.NotAfter
		}
	}
	return k, nil
}
