package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"
	utilexec "k8s.io/client-go/util/exec"
)

// APIProber probes through the API server: from a pod with its exec subresource, and from "api" with the pods' proxy
// subresource. Every other place gives ErrNoPlace; who can reach more puts it before this one.
type APIProber struct {
	// set once in NewAPIProber
	cfg    *rest.Config
	client *http.Client
	base   *url.URL
}

// NewAPIProber makes a prober for the API server of cfg.
func NewAPIProber(cfg *rest.Config) (*APIProber, error) {
	r, err := NewResources(cfg)
	if err != nil {
		return nil, err
	}
	return &APIProber{cfg: rest.CopyConfig(cfg), client: r.client, base: r.base}, nil
}

// Exec runs a command in the first container of a pod.
func (p *APIProber) Exec(ctx context.Context, from Place, argv []string) (ExecResult, error) {
	if from.Kind != PlacePod {
		return ExecResult{}, fmt.Errorf("run a command on %s: %w", from, ErrNoPlace)
	}
	query := url.Values{"command": argv, "stdout": {"true"}, "stderr": {"true"}}
	if name := p.first(ctx, from); name != "" {
		query.Set("container", name)
	}
	at := p.base.JoinPath("api/v1/namespaces", from.Namespace, "pods", from.Name, "exec")
	at.RawQuery = query.Encode()
	run, err := remotecommand.NewWebSocketExecutor(p.cfg, http.MethodGet, at.String())
	if err != nil {
		return ExecResult{}, fmt.Errorf("run a command on %s: %w", from, err)
	}
	var stdout, stderr bytes.Buffer
	err = run.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: &stdout, Stderr: &stderr})
	result := ExecResult{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit utilexec.CodeExitError
	switch {
	case errors.As(err, &exit):
		result.Code = exit.Code
	case err != nil && ctx.Err() == nil && !p.runs(ctx, from):
		return ExecResult{}, fmt.Errorf("run a command on %s: %w", from, ErrNoPod)
	case err != nil:
		return ExecResult{}, fmt.Errorf("run a command on %s: %w", from, err)
	}
	return result, nil
}

// first is the name of a pod's first container; where a pod has several, the API server wants to be told one. It is empty
// when the pod cannot be read: then running the command fails, and says why.
func (p *APIProber) first(ctx context.Context, from Place) string {
	res, err := p.get(ctx, p.base.JoinPath("api/v1/namespaces", from.Namespace, "pods", from.Name))
	var pod struct {
		Spec struct{ Containers []struct{ Name string } }
	}
	if err != nil || json.Unmarshal([]byte(res.Body), &pod) != nil || len(pod.Spec.Containers) == 0 {
		return ""
	}
	return pod.Spec.Containers[0].Name
}

// runs reports whether a pod is there and in phase Running.
func (p *APIProber) runs(ctx context.Context, from Place) bool {
	res, err := p.get(ctx, p.base.JoinPath("api/v1/namespaces", from.Namespace, "pods", from.Name))
	return err == nil && res.Status == http.StatusOK && strings.Contains(res.Body, `"phase":"Running"`)
}

// HTTP sends a GET from a pod, with the pod's own wget, or through the API server's proxy.
func (p *APIProber) HTTP(ctx context.Context, from Place, target string) (HTTPResult, error) {
	switch from.Kind {
	case PlacePod:
		r, err := p.Exec(ctx, from, []string{"wget", "-T", patience(ctx), "-S", "-O", "-", target})
		if err != nil {
			return HTTPResult{}, err
		}
		return fromWget(r), nil
	case PlaceAPI:
		return p.proxy(ctx, target)
	default:
		return HTTPResult{}, fmt.Errorf("send a request from %s: %w", from, ErrNoPlace)
	}
}

// patience is how many whole seconds a program in a pod may wait for an answer. It has to give up before ctx does: that nobody
// answers is an answer.
func patience(ctx context.Context) string {
	const most, forTheWay = 10 * time.Second, time.Second
	left := most
	if deadline, ok := ctx.Deadline(); ok {
		left = min(most, time.Until(deadline)-forTheWay)
	}
	return strconv.Itoa(max(1, int(left.Round(time.Second).Seconds())))
}

// fromWget reads what wget -S prints: the headers on standard error, the body on standard output.
func fromWget(r ExecResult) HTTPResult {
	out := HTTPResult{Body: r.Stdout}
	for line := range strings.Lines(r.Stderr) {
		line = strings.TrimSpace(line)
		var minor int
		if n, _ := fmt.Sscanf(line, "HTTP/1.%d %d", &minor, &out.Status); n == 2 {
			continue
		}
		if line != "" {
			out.Problem = line
		}
	}
	if out.Status == 0 && r.Code == 0 {
		out.Status = http.StatusOK
	}
	return out
}

func (p *APIProber) proxy(ctx context.Context, target string) (HTTPResult, error) {
	u, err := url.Parse(target)
	if err != nil {
		return HTTPResult{}, fmt.Errorf("read the address %q: %w", target, err)
	}
	pod, namespace, found := strings.Cut(u.Hostname(), ".")
	if !found {
		namespace = "default"
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	at := p.base.JoinPath("api/v1/namespaces", namespace, "pods", pod+":"+port, "proxy", u.Path)
	at.RawQuery = u.RawQuery
	res, err := p.get(ctx, at)
	if err == nil && res.Status == http.StatusServiceUnavailable {
		return HTTPResult{Problem: strings.TrimSpace(res.Body)}, nil
	}
	return res, err
}

func (p *APIProber) get(ctx context.Context, at *url.URL) (HTTPResult, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return HTTPResult{}, err
	}
	res, err := p.client.Do(req)
	if err != nil {
		return HTTPResult{}, fmt.Errorf("ask the API server: %w", err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return HTTPResult{}, fmt.Errorf("read the API server's answer: %w", err)
	}
	return HTTPResult{Status: res.StatusCode, Body: string(body)}, nil
}

// Dial tries a connection with the pod's own nc.
func (p *APIProber) Dial(ctx context.Context, from Place, address string) (DialResult, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return DialResult{}, fmt.Errorf("connect to %q: %w", address, err)
	}
	r, err := p.Exec(ctx, from, []string{"nc", "-z", "-w", patience(ctx), host, port})
	if err != nil {
		return DialResult{}, err
	}
	return DialResult{Connected: r.Code == 0, Problem: strings.TrimSpace(r.Stderr)}, nil
}

// Send sends a datagram with the pod's own sh and nc, which reads until the time is over: it cannot know that nothing else
// will come.
func (p *APIProber) Send(ctx context.Context, from Place, d Datagram) (Reply, error) {
	host, port, err := net.SplitHostPort(d.Address)
	if err != nil {
		return Reply{}, fmt.Errorf("send to %q: %w", d.Address, err)
	}
	seconds := max(1, int(d.Wait.Seconds()))
	const script = `printf %s "$1" | nc -u -w "$2" "$3" "$4"`
	r, err := p.Exec(ctx, from, []string{"sh", "-c", script, "sh", d.Payload, strconv.Itoa(seconds), host, port})
	if err != nil {
		return Reply{}, err
	}
	reply := Reply{Answer: r.Stdout, Problem: strings.TrimSpace(r.Stderr)}
	if reply.Answer == "" && reply.Problem == "" {
		reply.Problem = fmt.Sprintf("nothing came back within %ds", seconds)
	}
	return reply, nil
}

// Lookup asks with the pod's own nslookup.
func (p *APIProber) Lookup(ctx context.Context, from Place, name string) ([]string, error) {
	r, err := p.Exec(ctx, from, []string{"nslookup", name})
	if err != nil || r.Code != 0 {
		return nil, err
	}
	return fromNslookup(r.Stdout), nil
}

// fromNslookup takes the addresses after the first Name: line; those before it are the server's.
func fromNslookup(out string) []string {
	_, answer, found := strings.Cut(out, "Name:")
	if !found {
		return nil
	}
	var addresses []string
	for line := range strings.Lines(answer) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Address"); ok {
			_, address, _ := strings.Cut(rest, ":")
			if fields := strings.Fields(address); len(fields) > 0 {
				addresses = append(addresses, fields[0])
			}
		}
	}
	return addresses
}
