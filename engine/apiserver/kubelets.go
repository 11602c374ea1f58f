package apiserver

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// kubeletPort is where a kubelet listens unless its node says otherwise.
const kubeletPort = 10250

// kubelets is how to reach the nodes' agents, and pods and services for their proxies.
type kubelets struct {
	// set once in newKubelets
	agents *http.Transport // nil when the server has no certificate to show
	pods   *http.Transport
}

func newKubelets(config *tls.Config) *kubelets {
	k := &kubelets{pods: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // a pod's certificate is nobody's we know; upstream does the same
		TLSNextProto:    map[string]func(string, *tls.Conn) http.RoundTripper{},
	}}
	if config != nil {
		// An empty TLSNextProto keeps HTTP/2 away: exec and attach take the connection over, which only HTTP/1.1 allows.
		k.agents = &http.Transport{TLSClientConfig: config.Clone(), TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	}
	return k
}

// kubeletOf is the address of a node's kubelet.
func (s *Server) kubeletOf(ctx context.Context, nodeName string) (*url.URL, error) {
	if s.kubelets.agents == nil {
		return nil, apierrors.NewServiceUnavailable("this server has no certificate to show to kubelets")
	}
	e, err := s.stored(ctx, target{kind: nodeKind, name: nodeName})
	if err != nil {
		return nil, err
	}
	node := e.obj.(*corev1.Node)
	port := node.Status.DaemonEndpoints.KubeletEndpoint.Port
	if port == 0 {
		port = kubeletPort
	}
	// Upstream's default order of --kubelet-preferred-address-types begins with the host name, which only DNS could resolve.
	for _, kind := range []corev1.NodeAddressType{corev1.NodeInternalIP, corev1.NodeExternalIP, corev1.NodeHostName} {
		for _, address := range node.Status.Addresses {
			if address.Type == kind {
				return &url.URL{Scheme: "https", Host: net.JoinHostPort(address.Address, strconv.Itoa(int(port)))}, nil
			}
		}
	}
	return nil, internalError(&noAddressError{nodeName})
}

type noAddressError struct{ node string }

func (e *noAddressError) Error() string {
	return "no preferred addresses found; known addresses: [] of node " + e.node
}

// containerOf finds the container a request is about; a pod with one container needs no name.
func containerOf(pod *corev1.Pod, name string) (string, error) {
	var names []string
	for _, c := range pod.Spec.InitContainers {
		names = append(names, c.Name)
	}
	regular := len(pod.Spec.Containers)
	for _, c := range pod.Spec.Containers {
		names = append(names, c.Name)
	}
	for _, c := range pod.Spec.EphemeralContainers {
		names = append(names, c.Name)
	}
	switch {
	case name != "" && slices.Contains(names, name):
		return name, nil
	case name != "":
		return "", apierrors.NewBadRequest("container " + name + " is not valid for pod " + pod.Name)
	case regular == 1:
		return pod.Spec.Containers[0].Name, nil
	case regular == 0:
		return "", apierrors.NewBadRequest("a container name must be specified for pod " + pod.Name)
	}
	return "", apierrors.NewBadRequest("a container name must be specified for pod " + pod.Name + ", choose one of: [" + strings.Join(names, " ") + "]")
}
