package pack

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
)

// signatureNote is the annotation of the index that holds an ed25519 signature of the manifest's digest. The manifest names
// everything else by digest, so that the signature covers every byte of the pack.
const signatureNote = "dev.drydock.pack.signature.ed25519"

// ErrNotSigned is the error of verifying a pack that has no signature; ErrWrongKey of one that somebody else signed, or
// that was changed afterwards.
var (
	ErrNotSigned = errors.New("the pack is not signed")
	ErrWrongKey  = errors.New("the signature does not belong to this key and this content")
)

// NewKey makes a pair of keys in PEM: the private one to sign with, the public one to give away.
func NewKey() (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	rawKey, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	rawPub, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, nil, fmt.Errorf("make a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: rawKey}),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: rawPub}), nil
}

// signed is what a signature is made of: the digest, with words before it so that it means nothing elsewhere.
func (a *Artifact) signed() []byte { return []byte("drydock pack v1\n" + a.Manifest.Digest + "\n") }

// Sign signs with a private key in PEM.
func (a *Artifact) Sign(private []byte) error {
	block, _ := pem.Decode(private)
	if block == nil {
		return errors.New("the key is not in PEM; make one with: drydock pack keygen NAME")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("read the private key: %w", err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return errors.New("the key is not an ed25519 key")
	}
	a.Manifest.Annotations = map[string]string{signatureNote: base64.StdEncoding.EncodeToString(ed25519.Sign(key, a.signed()))}
	return nil
}

// Verify holds the signature against a public key in PEM.
func (a *Artifact) Verify(public []byte) error {
	block, _ := pem.Decode(public)
	if block == nil {
		return errors.New("the key is not in PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return fmt.Errorf("read the public key: %w", err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return errors.New("the key is not an ed25519 key")
	}
	text := a.Manifest.Annotations[signatureNote]
	if text == "" {
		return ErrNotSigned
	}
	signature, err := base64.StdEncoding.DecodeString(text)
	if err != nil || !ed25519.Verify(key, a.signed(), signature) {
		return ErrWrongKey
	}
	return nil
}

// Signed reports whether there is a signature at all.
func (a *Artifact) Signed() bool { return a.Manifest.Annotations[signatureNote] != "" }
