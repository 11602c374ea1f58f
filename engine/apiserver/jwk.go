package apiserver

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
)

// fixedWidth turns the ASN.1 form of an ECDSA signature into the 64 bytes that a token carries (RFC 7518 §3.4).
func fixedWidth(der []byte) ([]byte, error) {
	var sig struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return nil, fmt.Errorf("read ECDSA signature: %w", err)
	}
	out := make([]byte, 64)
	sig.R.FillBytes(out[:32])
	sig.S.FillBytes(out[32:])
	return out, nil
}

// publicKeySet is the JSON web key set (RFC 7517) with which others can check our tokens.
func (t *tokens) publicKeySet() ([]byte, error) {
	key := map[string]string{"use": "sig", "kid": t.keyID, "alg": t.algorithm}
	encode := base64.RawURLEncoding.EncodeToString
	switch public := t.key.Public().(type) {
	case *rsa.PublicKey:
		key["kty"], key["n"], key["e"] = "RSA", encode(public.N.Bytes()), encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		// The uncompressed point is one byte 4, then both coordinates at full width (SEC 1 §2.3.3).
		point, err := public.Bytes()
		if err != nil {
			return nil, fmt.Errorf("encode service account key: %w", err)
		}
		key["kty"], key["crv"], key["x"], key["y"] = "EC", "P-256", encode(point[1:33]), encode(point[33:])
	}
	return json.Marshal(map[string]any{"keys": []any{key}})
}

// serveIssuer answers the two OpenID discovery documents for service account tokens (KEP-1393).
func (s *Server) serveIssuer(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Path == "/openid/v1/jwks" {
		set, err := s.tokens.publicKeySet()
		if err != nil {
			return err
		}
		return writeBytes(w, "application/jwk-set+json", set)
	}
	document, err := json.Marshal(map[string]any{
		"issuer":                                s.options.Issuer,
		"jwks_uri":                              s.options.AdvertiseURL + "/openid/v1/jwks",
		"response_types_supported":              []string{"id_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{s.tokens.algorithm},
	})
	if err != nil {
		return err
	}
	return writeBytes(w, "application/json", document)
}
