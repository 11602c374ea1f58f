package kubelet

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
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

// probeAnswer is what one probe has learnt.
type probeAnswer struct {
	ok     bool
	warn   bool // ok, but people should know about output
	output string
}

func failedProbe(format string, args ...any) probeAnswer {
	return probeAnswer{output: fmt.Sprintf(format, args...)}
}

// probeTries is how often a probe from which nothing could be learnt is tried before people hear of it.
const probeTries = 3

// run probes until something has been learnt; an error says that it never was.
func (j *probeJob) run(ctx context.Context, service runtimeapi.RuntimeServiceClient) (answer probeAnswer, err error) {
	for range probeTries {
		if answer, err = j.try(ctx, service); err == nil || ctx.Err() != nil {
			break
		}
	}
	return answer, err
}

func (j *probeJob) try(ctx context.Context, service runtimeapi.RuntimeServiceClient) (probeAnswer, error) {
	timeout := max(time.Duration(j.probe.TimeoutSeconds)*time.Second, time.Second)
	switch {
	case j.probe.Exec != nil:
		command := expandAll(j.probe.Exec.Command, j.staticEnv)
		return probeExec(ctx, service, &runtimeapi.ExecSyncRequest{ContainerId: j.containerID, Cmd: command, Timeout: int64(timeout / time.Second)})
	case j.probe.HTTPGet != nil:
		request, err := httpRequest(ctx, j.probe.HTTPGet, httpTarget{spec: j.spec, ip: j.ip, agent: probeAgent})
		if err != nil {
			return probeAnswer{}, err
		}
		return probeHTTP(request, timeout)
	case j.probe.TCPSocket != nil:
		port, err := resolvePort(j.probe.TCPSocket.Port, j.spec)
		if err != nil {
			return probeAnswer{}, err
		}
		return probeTCP(ctx, net.JoinHostPort(orElse(j.probe.TCPSocket.Host, j.ip), strconv.Itoa(port)), timeout), nil
	case j.probe.GRPC != nil:
		service := ""
		if j.probe.GRPC.Service != nil {
			service = *j.probe.GRPC.Service
		}
		return probeGRPC(ctx, net.JoinHostPort(j.ip, strconv.Itoa(int(j.probe.GRPC.Port))), service, timeout)
	}
	return probeAnswer{}, fmt.Errorf("missing probe handler for %s:%s", podText(j.pod), j.spec.Name)
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

func probeExec(ctx context.Context, service runtimeapi.RuntimeServiceClient, request *runtimeapi.ExecSyncRequest) (probeAnswer, error) {
	answer, err := service.ExecSync(ctx, request)
	if codeOf(err) == codes.DeadlineExceeded {
		return failedProbe("command timed out: %q timed out after %v", strings.Join(request.Cmd, " "), time.Duration(request.Timeout)*time.Second), nil
	}
	if err != nil {
		return probeAnswer{}, err
	}
	output := string(answer.Stdout) + string(answer.Stderr)
	return probeAnswer{ok: answer.ExitCode == 0, output: truncate(output, maxProbeBody)}, nil
}

func probeTCP(ctx context.Context, address string, timeout time.Duration) probeAnswer {
	dialer := net.Dialer{Timeout: timeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return failedProbe("%v", err)
	}
	conn.Close()
	return probeAnswer{ok: true}
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
