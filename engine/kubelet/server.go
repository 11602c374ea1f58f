package kubelet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// serve answers the API server on the node's port until ctx ends.
//
// Kubernetes: there every request is also authorized (nodes/proxy, nodes/log); here a certificate of the cluster's authority
// is enough, and only the API server and the administrator have one.
func (k *Kubelet) serve(ctx context.Context) error {
	if k.cfg.Listener == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	server := &http.Server{
		Handler: k.handler(), ReadHeaderTimeout: 10 * time.Second,
		// Streams take over their connection, which HTTP/2 cannot do.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	listener := k.cfg.Listener
	if k.cfg.ClientCA != nil {
		listener = tls.NewListener(listener, &tls.Config{
			Certificates: []tls.Certificate{k.cfg.ServingCert}, ClientCAs: k.cfg.ClientCA,
			ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		})
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the kubelet API: %w", err)
	}
	return ctx.Err()
}

func (k *Kubelet) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux.HandleFunc("GET /pods", k.servePods)
	mux.HandleFunc("GET /stats/summary", k.serveSummary)
	mux.HandleFunc("GET /metrics/resource", k.serveResourceMetrics)
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.serveLogs)
	for _, method := range []string{"GET ", "POST "} {
		mux.HandleFunc(method+"/exec/{namespace}/{pod}/{container}", k.serveExec)
		mux.HandleFunc(method+"/attach/{namespace}/{pod}/{container}", k.serveAttach)
		mux.HandleFunc(method+"/portForward/{namespace}/{pod}", k.servePortForward)
	}
	return mux
}

// findPod returns a pod of this node with the status generated last, nil when there is none of that name.
func (k *Kubelet) findPod(namespace, name string) *corev1.Pod {
	k.mu.Lock()
	defer k.mu.Unlock()
	var found *corev1.Pod
	for _, w := range k.workers {
		pod, removed := w.current()
		if pod.Namespace != namespace || pod.Name != name || (found != nil && removed) {
			continue
		}
		found = w.status.overlay(pod)
	}
	return found
}

func (k *Kubelet) servePods(w http.ResponseWriter, _ *http.Request) {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	list := &corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}}
	for _, worker := range k.otherPods("") {
		pod, _ := worker.current()
		list.Items = append(list.Items, *worker.status.overlay(pod))
	}
	w.Header().Set("Content-Type", "application/json")
	encoder := serializer.NewCodecFactory(scheme).LegacyCodec(schema.GroupVersion{Version: "v1"})
	_ = encoder.Encode(list, w) // the connection is the only thing that can fail
}

func (k *Kubelet) serveLogs(w http.ResponseWriter, r *http.Request) {
	namespace, name, container := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")
	options, err := logOptions(r.URL.Query())
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	pod := k.findPod(namespace, name)
	if pod == nil {
		http.Error(w, fmt.Sprintf("pod %q does not exist", name), http.StatusNotFound)
		return
	}
	if findContainer(pod, container) == nil {
		http.Error(w, fmt.Sprintf("container %q not found in pod %q", container, name), http.StatusNotFound)
		return
	}
	id, err := logContainer(pod, container, options.Previous)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := k.cfg.Runtime.ContainerStatus(r.Context(), &runtimeapi.ContainerStatusRequest{ContainerId: id})
	if err != nil {
		http.Error(w, fmt.Sprintf("unable to retrieve container logs for %s%s", containerIDPrefix, id), http.StatusBadRequest)
		return
	}
	running := func(ctx context.Context) bool {
		answer, err := k.cfg.Runtime.ContainerStatus(ctx, &runtimeapi.ContainerStatusRequest{ContainerId: id})
		return err == nil && answer.Status.State == runtimeapi.ContainerState_CONTAINER_RUNNING
	}
	w.Header().Set("Content-Type", "text/plain")
	flush := http.NewResponseController(w).Flush
	request := logRequest{path: answer.Status.LogPath, options: options, running: running}
	if err := k.readLogs(r.Context(), request, w, func() { _ = flush() }); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// logContainer finds the container whose log is asked for, or says in upstream's words why there is none.
func logContainer(pod *corev1.Pod, name string, previous bool) (string, error) {
	var s *corev1.ContainerStatus
	for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses, pod.Status.EphemeralContainerStatuses} {
		if s == nil {
			s = findStatus(list, name)
		}
	}
	if s == nil {
		return "", fmt.Errorf("container %q in pod %q is not available", name, pod.Name)
	}
	last := s.LastTerminationState.Terminated
	switch {
	case previous && (last == nil || last.ContainerID == ""):
		return "", fmt.Errorf("previous terminated container %q in pod %q not found", name, pod.Name)
	case !previous && s.State.Running != nil:
		return bareID(s), nil
	case !previous && s.State.Terminated != nil && s.State.Terminated.ContainerID != "":
		last = s.State.Terminated
	}
	switch {
	case last != nil && last.ContainerID != "":
		return bareID(&corev1.ContainerStatus{ContainerID: last.ContainerID}), nil
	case last != nil || s.State.Terminated != nil:
		return "", fmt.Errorf("container %q in pod %q is terminated", name, pod.Name)
	case s.State.Waiting == nil || s.State.Waiting.Reason == "":
		return "", fmt.Errorf("container %q in pod %q is waiting to start - no logs yet", name, pod.Name)
	}
	why := s.State.Waiting.Reason
	switch why {
	case errImagePull.Error():
		why = "image can't be pulled"
	case errImagePullBackOff.Error():
		why = "trying and failing to pull image"
	}
	return "", fmt.Errorf("container %q in pod %q is waiting to start: %v", name, pod.Name, why)
}

// logOptions reads the query of a log request.
func logOptions(q url.Values) (*corev1.PodLogOptions, error) {
	options := &corev1.PodLogOptions{}
	var failures []error
	boolean := func(name string, into *bool) {
		if text := q.Get(name); q.Has(name) {
			value, err := strconv.ParseBool(orElse(text, "true"))
			*into = value
			failures = append(failures, err)
		}
	}
	number := func(name string, into **int64, least int64) {
		if text := q.Get(name); text != "" && text != "all" {
			value, err := strconv.ParseInt(text, 10, 64)
			if err == nil && value < least {
				err = fmt.Errorf("%s: must be at least %d", name, least)
			}
			*into = &value
			failures = append(failures, err)
		}
	}
	boolean("follow", &options.Follow)
	boolean("previous", &options.Previous)
	boolean("timestamps", &options.Timestamps)
	number("tailLines", &options.TailLines, 0)
	number("tail", &options.TailLines, 0)
	number("sinceSeconds", &options.SinceSeconds, 1)
	number("limitBytes", &options.LimitBytes, 1)
	if text := q.Get("sinceTime"); text != "" {
		when, err := time.Parse(time.RFC3339, text)
		options.SinceTime = &metav1.Time{Time: when}
		failures = append(failures, err)
	}
	if text := q.Get("stream"); text != "" {
		options.Stream = &text
	}
	return options, errors.Join(failures...)
}
