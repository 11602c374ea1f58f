package apiserver

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/authentication/user"
)

// tokens signs and checks service account tokens: JSON web tokens (RFC 7519) with the claims of KEP-1205.
type tokens struct {
	// set once in newTokens
	key       crypto.Signer
	issuer    string
	algorithm string
	keyID     string
	// alive tells whether the objects a token is bound to still exist with the same UIDs.
	alive func(kubernetesClaims) error
	now   func() time.Time
}

// claims is the payload of a token.
type claims struct {
	Audience   audience         `json:"aud"`
	Expiry     int64            `json:"exp"`
	IssuedAt   int64            `json:"iat"`
	Issuer     string           `json:"iss"`
	ID         string           `json:"jti"`
	Kubernetes kubernetesClaims `json:"kubernetes.io"`
	NotBefore  int64            `json:"nbf"`
	Subject    string           `json:"sub"`
}

type kubernetesClaims struct {
	Namespace      string     `json:"namespace"`
	Node           *reference `json:"node,omitempty"`
	Pod            *reference `json:"pod,omitempty"`
	Secret         *reference `json:"secret,omitempty"`
	ServiceAccount reference  `json:"serviceaccount"`
	WarnAfter      int64      `json:"warnafter,omitempty"`
}

type reference struct {
	Name string    `json:"name"`
	UID  types.UID `json:"uid"`
}

// audience is a string or a list of strings, as RFC 7519 §4.1.3 has it.
type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

func newTokens(key crypto.Signer, issuer string, alive func(kubernetesClaims) error) (*tokens, error) {
	t := &tokens{key: key, issuer: issuer, alive: alive, now: time.Now}
	switch public := key.Public().(type) {
	case *rsa.PublicKey:
		t.algorithm = "RS256"
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return nil, fmt.Errorf("service account key: curve %s, want P-256", public.Params().Name)
		}
		t.algorithm = "ES256"
	default:
		return nil, fmt.Errorf("service account key: %T, want RSA or ECDSA P-256", public)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("service account key: %w", err)
	}
	sum := sha256.Sum256(der)
	t.keyID = base64.RawURLEncoding.EncodeToString(sum[:])
	return t, nil
}

// sign returns the compact form: header.payload.signature, each base64url without padding.
func (t *tokens) sign(c claims) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": t.algorithm, "kid": t.keyID})
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(signed))
	signature, err := t.key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	if t.algorithm == "ES256" {
		if signature, err = fixedWidth(signature); err != nil {
			return "", fmt.Errorf("sign token: %w", err)
		}
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// verify checks signature, issuer, times, audience and that what the token is bound to still lives, and returns its user.
func (t *tokens) verify(token string, audiences []string) (*user.DefaultInfo, error) {
	c, err := t.open(token)
	if err != nil {
		return nil, err
	}
	now := t.now().Unix()
	switch {
	case c.Issuer != t.issuer:
		return nil, fmt.Errorf("token of issuer %q", c.Issuer)
	case now < c.NotBefore:
		return nil, errors.New("token is not valid yet")
	case now >= c.Expiry:
		return nil, errors.New("token has expired")
	case !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(audiences, a) }):
		return nil, fmt.Errorf("token audiences %q are not ours", []string(c.Audience))
	}
	if err := t.alive(c.Kubernetes); err != nil {
		return nil, err
	}
	return c.user(), nil
}

// open checks the signature alone.
func (t *tokens) open(token string) (claims, error) {
	var c claims
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c, errors.New("token has not three parts")
	}
	header, payload, signature := make([]byte, 0), make([]byte, 0), make([]byte, 0)
	for i, into := range []*[]byte{&header, &payload, &signature} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return c, fmt.Errorf("token part %d: %w", i+1, err)
		}
		*into = raw
	}
	var head struct {
		Algorithm string `json:"alg"`
	}
	if err := json.Unmarshal(header, &head); err != nil {
		return c, fmt.Errorf("token header: %w", err)
	}
	// The algorithm is ours to choose, never the token's: "none" and key confusion attacks live here (RFC 8725 §3.1).
	if head.Algorithm != t.algorithm || !t.signatureMatches([]byte(parts[0]+"."+parts[1]), signature) {
		return c, errors.New("token signature does not match")
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return c, fmt.Errorf("token payload: %w", err)
	}
	return c, nil
}

func (t *tokens) signatureMatches(signed, signature []byte) bool {
	sum := sha256.Sum256(signed)
	switch public := t.key.Public().(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], signature) == nil
	case *ecdsa.PublicKey:
		if len(signature) != 64 {
			return false
		}
		return ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	}
	return false
}

// user is who the token speaks for, with the extras upstream adds for bound tokens.
func (c claims) user() *user.DefaultInfo {
	k := c.Kubernetes
	who := &user.DefaultInfo{
		Name:   serviceAccountUser(k.Namespace, k.ServiceAccount.Name),
		UID:    string(k.ServiceAccount.UID),
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + k.Namespace},
		Extra:  map[string][]string{credentialID: {"JTI=" + c.ID}},
	}
	if k.Pod != nil {
		who.Extra["authentication.kubernetes.io/pod-name"] = []string{k.Pod.Name}
		who.Extra["authentication.kubernetes.io/pod-uid"] = []string{string(k.Pod.UID)}
	}
	if k.Node != nil {
		who.Extra["authentication.kubernetes.io/node-name"] = []string{k.Node.Name}
		who.Extra["authentication.kubernetes.io/node-uid"] = []string{string(k.Node.UID)}
	}
	return who
}

func serviceAccountUser(namespace, name string) string {
	return "system:serviceaccount:" + namespace + ":" + name
}

// certificateID names a certificate in a user's extras.
func certificateID(c *x509.Certificate) string {
	return fmt.Sprintf("X509SHA256=%x", sha256.Sum256(c.Raw))
}
