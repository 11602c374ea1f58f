package apiserver

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/proxy"
	translator "k8s.io/apiserver/pkg/util/proxy"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

// exec, attach and port-forward take a connection over. Kubelets speak SPDY/3.1. Older clients do too: their bytes are passed
// on as they are. Newer clients speak WebSocket: exec and attach (v5.channel.k8s.io) are translated stream by stream,
// port-forward carries SPDY frames inside WebSocket messages, which are unpacked (KEP-4006).

// streamRequest is what a client wants of a container.
type streamRequest struct {
	path    string // the kubelet's endpoint
	options translator.Options
	query   url.Values
	name    string // of the container
}

func (s *Server) podStream(q *call) error {
	request, err := q.streamRequest()
	if err != nil {
		return err
	}
	where, err := s.streamLocation(q.ctx(), q, request)
	if err != nil {
		return err
	}
	passOn := proxy.NewUpgradeAwareHandler(where, s.kubelets.agents, false, true, responder{q})
	var handler http.Handler
	if q.info.Subresource == "portforward" {
		tunnel := translator.NewTunnelingHandler(passOn)
		handler = translator.NewTranslatingHandler(passOn, tunnel, wsstream.IsWebSocketRequestWithTunnelingProtocol)
	} else {
		translate := translator.NewStreamTranslatorHandler(where, s.kubelets.agents, 0, request.options)
		handler = translator.NewTranslatingHandler(passOn, translate, wsstream.IsWebSocketRequestWithStreamCloseProtocol)
	}
	handler.ServeHTTP(q.w, q.r)
	return nil
}

func (q *call) streamRequest() (*streamRequest, error) {
	query := q.r.URL.Query()
	if q.info.Subresource == "portforward" {
		ports, err := forwardedPorts(query)
		if err != nil {
			return nil, err
		}
		request := &streamRequest{path: "portForward", query: url.Values{}}
		if len(ports) > 0 {
			request.query.Set("port", strings.Join(ports, ","))
		}
		return request, nil
	}
	options, err := streamOptions(query)
	if err != nil {
		return nil, err
	}
	request := &streamRequest{
		path: q.info.Subresource, name: options.Container, query: url.Values{},
		options: translator.Options{Stdin: options.Stdin, Stdout: options.Stdout, Stderr: options.Stderr, Tty: options.TTY},
	}
	if q.info.Subresource == "exec" {
		request.query["command"] = options.Command
	}
	return request, nil
}

// streamLocation is the kubelet's address for the request, with the parameters in the kubelet's own spelling.
func (s *Server) streamLocation(ctx context.Context, q *call, request *streamRequest) (*url.URL, error) {
	e, err := s.stored(ctx, target{podKind, q.info.Namespace, q.info.Name})
	if err != nil {
		return nil, err
	}
	pod := e.obj.(*corev1.Pod)
	path := fmt.Sprintf("/%s/%s/%s", request.path, pod.Namespace, pod.Name)
	if request.path != "portForward" {
		container, err := containerOf(pod, request.name)
		if err != nil {
			return nil, err
		}
		path += "/" + container
	}
	if phase := pod.Status.Phase; request.path == "exec" && (phase == corev1.PodSucceeded || phase == corev1.PodFailed) {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("cannot exec into a container in a completed pod; current phase is %s", phase))
	}
	if pod.Spec.NodeName == "" {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("pod %s does not have a host assigned", pod.Name))
	}
	where, err := s.kubeletOf(ctx, pod.Spec.NodeName)
	if err != nil {
		return nil, err
	}
	for name, on := range map[string]bool{
		"input": request.options.Stdin, "output": request.options.Stdout, "error": request.options.Stderr, "tty": request.options.Tty,
	} {
		if on {
			request.query.Set(name, "1")
		}
	}
	where.Path, where.RawQuery = path, request.query.Encode()
	return where, nil
}

// responder lets upstream's proxies answer with our errors.
type responder struct{ q *call }

func (r responder) Error(_ http.ResponseWriter, _ *http.Request, err error) {
	r.q.writeError(err)
}
