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

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

const maxProbeBody = 10 << 10

// probeJob is one probe of one container.
type probeJob struct {
	pod         *corev1.Pod
	spec        *corev1.Container
	probe       *corev1.Probe
	kind        probeKind
	containerID string
	ip          string
	since       time.Time
}

// run probes once. An error says that nothing was learnt.
func (j *probeJob) run(ctx context.Context, service runtimeapi.RuntimeServiceClient) (ok bool, output string, err error) {
	timeout := max(time.Duration(j.probe.TimeoutSeconds)*time.Second, time.Second)
	switch {
	case j.probe.Exec != nil:
		command := expandAll(j.probe.Exec.Command, j.staticEnv)
		return probeExec(ctx, service, &runtimeapi.ExecSyncRequest{ContainerId: j.containerID, Cmd: command, Timeout: int64(timeout / time.Second)})
	case j.probe.HTTPGet != nil:
		request, err := httpRequest(ctx, j.probe.HTTPGet, j.spec, j.ip)
		if err != nil {
			return false, "", err
		}
		request.Header.Set("User-Agent", "kube-probe/1.37")
		return probeHTTP(request, timeout)
	case j.probe.TCPSocket != nil:
		port, err := resolvePort(j.probe.TCPSocket.Port, j.spec)
		if err != nil {
			return false, "", err
		}
		return probeTCP(ctx, net.JoinHostPort(orElse(j.probe.TCPSocket.Host, j.ip), strconv.Itoa(port)), timeout)
	case j.probe.GRPC != nil:
		return probeGRPC(ctx, net.JoinHostPort(j.ip, strconv.Itoa(int(j.probe.GRPC.Port))), j.probe.GRPC.Service, timeout)
	}
	return false, "", fmt.Errorf("missing probe handler for %s:%s", podText(j.pod), j.spec.Name)
}

// staticEnv knows the variables that are written out in the spec; others are not known outside the container.
func (j *probeJob) staticEnv(name string) (string, bool) {
	for i := range j.spec.Env {
		if e := &j.spec.Env[i]; e.Name == name && e.ValueFrom == nil {
			return e.Value, true
		}
	}
	return "", false
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func probeExec(ctx context.Context, service runtimeapi.RuntimeServiceClient, request *runtimeapi.ExecSyncRequest) (bool, string, error) {
	answer, err := service.ExecSync(ctx, request)
	if codeOf(err) == codes.DeadlineExceeded {
		return false, fmt.Sprintf("command timed out: %q timed out after %ds", strings.Join(request.Cmd, " "), request.Timeout), nil
	}
	if err != nil {
		return false, "", err
	}
	output := string(answer.Stdout) + string(answer.Stderr)
	return answer.ExitCode == 0, truncate(output, maxProbeBody), nil
}

func probeHTTP(request *http.Request, timeout time.Duration) (bool, string, error) {
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // a probe asks whether it answers, not who it is
		DisableKeepAlives: true, DisableCompression: true,
	}
	client := &http.Client{Timeout: timeout, Transport: transport, CheckRedirect: sameHostOnly}
	answer, err := client.Do(request)
	if err != nil {
		return false, err.Error(), nil
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, maxProbeBody)); err != nil {
		return false, err.Error(), nil
	}
	if answer.StatusCode >= 200 && answer.StatusCode < 400 {
		return true, "", nil
	}
	return false, fmt.Sprintf("HTTP probe failed with statuscode: %d", answer.StatusCode), nil
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

func probeTCP(ctx context.Context, address string, timeout time.Duration) (bool, string, error) {
	dialer := net.Dialer{Timeout: timeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return false, err.Error(), nil
	}
	conn.Close()
	return true, "", nil
}

func probeGRPC(ctx context.Context, address string, service *string, timeout time.Duration) (bool, string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return false, "", err
	}
	defer func() { _ = conn.Close() }() // a probe has its answer by then
	request := &healthpb.HealthCheckRequest{}
	if service != nil {
		request.Service = *service
	}
	answer, err := healthpb.NewHealthClient(conn).Check(ctx, request)
	if err != nil {
		return false, "error: health rpc probe failed: " + err.Error(), nil
	}
	if answer.Status != healthpb.HealthCheckResponse_SERVING {
		return false, fmt.Sprintf("service unhealthy (responded with %q)", answer.Status), nil
	}
	return true, "service healthy", nil
}

// httpRequest builds the request of a probe or hook. Without a host it goes to the pod.
func httpRequest(ctx context.Context, action *corev1.HTTPGetAction, spec *corev1.Container, podIP string) (*http.Request, error) {
	port, err := resolvePort(action.Port, spec)
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(action.Path)
	if err != nil { // a path that is no URL is taken literally
		target = &url.URL{Path: action.Path}
	}
	target.Scheme = strings.ToLower(orElse(string(action.Scheme), "http"))
	target.Host = net.JoinHostPort(orElse(action.Host, podIP), strconv.Itoa(port))
	if !strings.HasPrefix(target.Path, "/") {
		target.Path = "/" + target.Path
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "*/*")
	for _, header := range action.HTTPHeaders {
		if strings.EqualFold(header.Name, "Host") {
			request.Host = header.Value
			continue
		}
		request.Header.Add(header.Name, header.Value)
	}
	return request, nil
}

func resolvePort(port intstr.IntOrString, spec *corev1.Container) (int, error) {
	number := port.IntValue()
	if port.Type == intstr.String {
		for i := range spec.Ports {
			if spec.Ports[i].Name == port.StrVal {
				number = int(spec.Ports[i].ContainerPort)
			}
		}
	}
	if number < 1 || number > 65535 {
		return 0, fmt.Errorf("invalid port number: %s", port.String())
	}
	return number, nil
}
