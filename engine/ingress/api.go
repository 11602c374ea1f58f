package ingress

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// account is where the kubelet puts what a pod needs to talk to the API server as its ServiceAccount.
const account = "/var/run/secrets/kubernetes.io/serviceaccount"

// API is a Kubernetes API server. Its methods may be called at the same time.
type API struct {
	// set once by who makes it
	Host string // https://10.96.0.1:443
	HTTP *http.Client
	// Token returns the bearer token of the moment; a kubelet renews it long before it expires.
	Token func() (string, error)
}

// InCluster is the API server of the cluster whose pod this program runs in.
func InCluster() (*API, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("find the API server: KUBERNETES_SERVICE_HOST and _PORT are not set; this program runs in a pod")
	}
	authority, err := os.ReadFile(filepath.Join(account, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("read who vouches for the API server: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s/ca.crt holds no certificate", account)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		// A server that vanished without a word must be noticed: watches are silent for minutes.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
	}
	return &API{
		Host: "https://" + net.JoinHostPort(host, port), HTTP: &http.Client{Transport: transport},
		Token: func() (string, error) {
			token, err := os.ReadFile(filepath.Join(account, "token"))
			return strings.TrimSpace(string(token)), err
		},
	}, nil
}

// statusError is an answer that is no success.
type statusError struct {
	code    int
	message string
}

func (e *statusError) Error() string { return e.message }

// do asks and returns the body of a good answer, which the caller closes.
func (a *API) do(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.Host+path, content)
	if err != nil {
		return nil, err
	}
	token, err := a.Token()
	if err != nil {
		return nil, fmt.Errorf("read the token: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	request.Header.Set("User-Agent", "drydock-ingress")
	response, err := a.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= 300 {
		defer response.Body.Close()
		status := struct{ Message string }{Message: response.Status}
		_ = json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&status) // else the status line says it
		return nil, fmt.Errorf("%s %s: %w", method, path, &statusError{response.StatusCode, status.Message})
	}
	return response.Body, nil
}

// send asks for a change, of whose answer only the success matters.
func (a *API) send(ctx context.Context, method, path string, body any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	answer, err := a.do(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	_, err = io.Copy(io.Discard, answer)
	return err
}
