package apiserver

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/proxy"
	"k8s.io/utils/ptr"
)

// proxy passes an HTTP request on to a node's kubelet, a pod, or a pod behind a service: …/services/web:http/proxy/path.
func (s *Server) proxy(q *call) error {
	scheme, name, port, ok := utilnet.SplitSchemeNamePort(q.info.Name)
	if !ok {
		return apierrors.NewBadRequest(fmt.Sprintf("invalid %s request %q", q.kind.Singular, q.info.Name))
	}
	var where *url.URL
	var err error
	transport := s.kubelets.pods
	switch q.kind {
	case nodeKind:
		transport = s.kubelets.agents
		where, err = s.kubeletOf(q.ctx(), name)
	case podKind:
		where, err = s.podAddress(q.ctx(), q.info.Namespace, name, port)
	default:
		where, err = s.serviceAddress(q.ctx(), q.info.Namespace, name, port)
	}
	if err != nil {
		return err
	}
	if q.kind != nodeKind {
		where.Scheme = "http"
		if scheme != "" {
			where.Scheme = scheme
		}
	}
	where.Path = pathBelow(q)
	handler := proxy.NewUpgradeAwareHandler(where, roundTripper(transport), true, false, responder{q})
	handler.ServeHTTP(q.w, q.r)
	return nil
}

func roundTripper(t *http.Transport) http.RoundTripper { return t }

// pathBelow is what follows /proxy; empty when nothing does, and then the client is sent to the same address with a slash.
func pathBelow(q *call) string {
	path := strings.Join(q.info.Parts[3:], "/")
	if path != "" {
		path = "/" + path
	}
	if strings.HasSuffix(q.info.Path, "/") && !strings.HasSuffix(path, "/") {
		path += "/"
	}
	return path
}

func (s *Server) podAddress(ctx context.Context, namespace, name, port string) (*url.URL, error) {
	e, err := s.stored(ctx, target{podKind, namespace, name})
	if err != nil {
		return nil, err
	}
	pod := e.obj.(*corev1.Pod)
	if port == "" {
		port = firstPort(pod)
	}
	address := net.ParseIP(pod.Status.PodIP)
	if address == nil || !address.IsGlobalUnicast() {
		return nil, apierrors.NewBadRequest("address not allowed")
	}
	if port == "" {
		return &url.URL{Host: pod.Status.PodIP}, nil
	}
	return &url.URL{Host: net.JoinHostPort(pod.Status.PodIP, port)}, nil
}

func firstPort(pod *corev1.Pod) string {
	for _, c := range pod.Spec.Containers {
		if len(c.Ports) > 0 {
			return strconv.Itoa(int(c.Ports[0].ContainerPort))
		}
	}
	return ""
}

// serviceAddress picks a ready endpoint of a service's port, which is named by name or by number.
func (s *Server) serviceAddress(ctx context.Context, namespace, name, port string) (*url.URL, error) {
	e, err := s.stored(ctx, target{serviceKind, namespace, name})
	if err != nil {
		return nil, err
	}
	svc := e.obj.(*corev1.Service)
	wanted, ok := servicePort(svc, port)
	if !ok {
		return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("no service port %q found for service %q", port, name))
	}
	slices, _, err := s.listPage(ctx, selection{
		kind: endpointSliceKind, namespace: namespace, fields: fields.Everything(),
		labels: labels.SelectorFromSet(labels.Set{discoveryv1.LabelServiceName: name}),
	}, &internalversion.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, slice := range slices {
		if host := readyAddress(slice.obj.(*discoveryv1.EndpointSlice), wanted.Name); host != "" {
			return &url.URL{Host: host}, nil
		}
	}
	return nil, apierrors.NewServiceUnavailable(fmt.Sprintf("no endpoints available for service %q", name))
}

func servicePort(svc *corev1.Service, port string) (corev1.ServicePort, bool) {
	for _, p := range svc.Spec.Ports {
		if port == p.Name || port == strconv.Itoa(int(p.Port)) || (port == "" && len(svc.Spec.Ports) == 1) {
			return p, true
		}
	}
	return corev1.ServicePort{}, false
}

func readyAddress(slice *discoveryv1.EndpointSlice, portName string) string {
	for _, port := range slice.Ports {
		if ptr.Deref(port.Name, "") != portName || port.Port == nil {
			continue
		}
		for _, endpoint := range slice.Endpoints {
			if ptr.Deref(endpoint.Conditions.Ready, true) && len(endpoint.Addresses) > 0 {
				return net.JoinHostPort(endpoint.Addresses[0], strconv.Itoa(int(*port.Port)))
			}
		}
	}
	return ""
}
