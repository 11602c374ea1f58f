package kubelet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// What the kubelet calls itself when it asks containers.
const (
	probeAgent = "kube-probe/1.37"
	hookAgent  = "kube-lifecycle/1.37"
)

// insecureClient is for probes and hooks: they ask whether it answers, not who it is. It has no proxy, and no credentials that could
// reach strangers.
func insecureClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: sameHostOnly,
		Transport: &http.Transport{
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
			DisableKeepAlives: true, DisableCompression: true,
		},
	}
}

// probeHTTP takes every answer from 200 to 399 as good. One that leads to another host is not followed, but told of.
func probeHTTP(request *http.Request, timeout time.Duration) (probeAnswer, error) {
	answer, err := insecureClient(timeout).Do(request)
	if err != nil {
		return failedProbe("%v", err), nil
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxProbeBody))
	if err != nil {
		return probeAnswer{}, fmt.Errorf("read the answer of %s: %w", request.URL, err)
	}
	switch {
	case answer.StatusCode < 200 || answer.StatusCode >= 400:
		return failedProbe("HTTP probe failed with statuscode: %d", answer.StatusCode), nil
	case answer.StatusCode >= 300:
		return probeAnswer{ok: true, warn: true, output: "Probe terminated redirects, Response body: " + string(body)}, nil
	}
	return probeAnswer{ok: true}, nil
}

func sameHostOnly(request *http.Request, via []*http.Request) error {
	if request.URL.Hostname() != via[0].URL.Hostname() {
		return http.ErrUseLastResponse
	}
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	return nil
}

// httpTarget is whom a request goes to where the action does not say, and who sends it.
type httpTarget struct {
	spec      *corev1.Container // knows ports by name
	ip, agent string
}

// httpRequest builds the request of a probe or hook. Headers of the action win over ours; an empty Accept means none.
func httpRequest(ctx context.Context, action *corev1.HTTPGetAction, to httpTarget) (*http.Request, error) {
	port, err := resolvePort(action.Port, to.spec)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(action.Path)
	if err != nil { // a path that is no URL is taken literally
		target = &url.URL{Path: action.Path}
	}
	target.Scheme = strings.ToLower(orElse(string(action.Scheme), "http"))
	target.Host = net.JoinHostPort(orElse(action.Host, to.ip), strconv.Itoa(port))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	for _, header := range action.HTTPHeaders {
		request.Header.Add(header.Name, header.Value)
	}
	if _, said := request.Header["User-Agent"]; !said {
		request.Header.Set("User-Agent", to.agent)
	}
	if accept, said := request.Header["Accept"]; !said {
		request.Header.Set("Accept", "*/*")
	} else if accept[0] == "" {
		request.Header.Del("Accept")
	}
	request.Host = request.Header.Get("Host")
	return request, nil
}
