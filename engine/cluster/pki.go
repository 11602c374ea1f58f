package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime of the authority and of all certificates: longer than any lab lives, as kubeadm's authority (ten years).
const lifetime = 10 * 365 * 24 * time.Hour

// authority signs every certificate of one cluster. The same authority serves all three of kubeadm's: clients, servers,
// and the kubelets' servers.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte // the certificate
}

// identity is who a certificate speaks for: a Kubernetes user and groups, or the names of a server.
type identity struct {
	user   string
	groups []string
	dns    []string
	ips    []net.IP
}

// pair is a certificate with its key, both PEM.
type pair struct{ cert, key []byte }

// loadAuthority reads the authority kept in dir, or makes one and keeps it, so that kubeconfigs outlive a restart.
func loadAuthority(dir string) (*authority, error) {
	certPEM, err1 := os.ReadFile(filepath.Join(dir, "ca.crt"))
	key, err2 := loadKey(filepath.Join(dir, "ca.key"))
	if err := errors.Join(err1, err2); errors.Is(err, fs.ErrNotExist) {
		return makeAuthority(dir)
	} else if err != nil {
		return nil, fmt.Errorf("read the cluster's certificate authority: %w", err)
	}
	block, _ := pem.Decode(certPEM)
	if block == nil {
		return nil, fmt.Errorf("%s/ca.crt holds no certificate", dir)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s/ca.crt: %w", dir, err)
	}
	return &authority{cert: cert, key: key, pem: certPEM}, nil
}

func makeAuthority(dir string) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make room for the certificate authority: %w", err)
	}
	key, err := makeKey(filepath.Join(dir, "ca.key"))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "kubernetes"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lifetime),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back the certificate authority: %w", err)
	}
	a := &authority{cert: cert, key: key, pem: encode("CERTIFICATE", der)}
	return a, writePrivate(filepath.Join(dir, "ca.crt"), a.pem)
}

// issue signs a certificate for client and server use.
func (a *authority) issue(id identity) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, fmt.Errorf("make a key for %s: %w", id.user, err)
	}
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: id.user, Organization: id.groups},
		DNSNames: id.dns, IPAddresses: id.ips,
		NotBefore: a.cert.NotBefore, NotAfter: a.cert.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return pair{}, fmt.Errorf("sign the certificate of %s: %w", id.user, err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pair{}, fmt.Errorf("encode the key of %s: %w", id.user, err)
	}
	return pair{encode("CERTIFICATE", der), encode("EC PRIVATE KEY", keyDER)}, nil
}

func (p pair) tls() (tls.Certificate, error) { return tls.X509KeyPair(p.cert, p.key) }

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// loadOrMakeKey returns the key kept at path, making it at the first start.
func loadOrMakeKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := loadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	return key, err
}

func loadKey(path string) (*ecdsa.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s holds no key", path)
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return key, nil
}

func makeKey(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return key, writePrivate(path, encode("EC PRIVATE KEY", der))
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// serial is random: two certificates of one authority must differ (RFC 5280 §4.1.2.2).
func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic("the kernel gives no random numbers: " + err.Error())
	}
	return n
}

// writePrivate replaces a file that only its owner may read, whole or not at all.
func writePrivate(path string, data []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
