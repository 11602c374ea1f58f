package apiserver

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
)

// continueToken is the API's own form of the token: a client may carry it from a real cluster's documentation.
type continueToken struct {
	Version  string `json:"v"`
	Revision int64  `json:"rv"`
	Start    string `json:"start"`
}

func encodeContinue(key, prefix string, revision int64) string {
	raw, _ := json.Marshal(continueToken{ // a struct of strings and a number always encodes
		Version: "meta.k8s.io/v1", Revision: revision, Start: strings.TrimPrefix(key, prefix),
	})
	return base64.RawURLEncoding.EncodeToString(raw)
}

var errContinue = errors.New("continue key is not valid")

func decodeContinue(text, prefix string) (key string, revision int64, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return "", 0, fmt.Errorf("%w: %w", errContinue, err)
	}
	var token continueToken
	if err := json.Unmarshal(raw, &token); err != nil {
		return "", 0, fmt.Errorf("%w: %w", errContinue, err)
	}
	switch {
	case token.Version != "meta.k8s.io/v1":
		return "", 0, fmt.Errorf("%w: server does not recognize this encoded version %s", errContinue, token.Version)
	case token.Revision == 0:
		return "", 0, fmt.Errorf("%w: incorrect encoded start resourceVersion (version meta.k8s.io/v1)", errContinue)
	case token.Start == "":
		return "", 0, fmt.Errorf("%w: encoded start key empty (version meta.k8s.io/v1)", errContinue)
	}
	// A token is the client's to forge: it must not climb out of the kind's own keys.
	start := "/" + strings.TrimPrefix(token.Start, "/")
	if path.Clean(start) != start {
		return "", 0, fmt.Errorf("%w: %s", errContinue, token.Start)
	}
	return prefix + start[1:], token.Revision, nil
}
