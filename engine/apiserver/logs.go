package apiserver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/streaming/pkg/httpstream/wsstream"
)

// podLog streams what a container has written, from the kubelet's /containerLogs.
func (s *Server) podLog(q *call) error {
	options, err := logOptions(q.r.URL.Query())
	if err != nil {
		return err
	}
	if errs := checkLogOptions(options); len(errs) > 0 {
		return apierrors.NewInvalid(corev1.SchemeGroupVersion.WithKind("PodLogOptions").GroupKind(), q.info.Name, errs)
	}
	e, err := s.stored(q.ctx(), target{podKind, q.info.Namespace, q.info.Name})
	if err != nil {
		return err
	}
	pod := e.obj.(*corev1.Pod)
	container, err := containerOf(pod, options.Container)
	if err != nil {
		return err
	}
	if pod.Spec.NodeName == "" {
		startHeaders(q.w, "text/plain") // nothing has run, so nothing has been written
		return nil
	}
	where, err := s.kubeletOf(q.ctx(), pod.Spec.NodeName)
	if err != nil {
		return err
	}
	where.Path = fmt.Sprintf("/containerLogs/%s/%s/%s", pod.Namespace, pod.Name, container)
	where.RawQuery = logQuery(options).Encode()
	return s.streamFrom(q, where)
}

func checkLogOptions(options *corev1.PodLogOptions) field.ErrorList {
	var errs field.ErrorList
	if options.TailLines != nil && *options.TailLines < 0 {
		errs = append(errs, field.Invalid(field.NewPath("tailLines"), *options.TailLines, "must be greater than or equal to 0"))
	}
	if options.LimitBytes != nil && *options.LimitBytes < 1 {
		errs = append(errs, field.Invalid(field.NewPath("limitBytes"), *options.LimitBytes, "must be greater than 0"))
	}
	switch {
	case options.SinceSeconds != nil && options.SinceTime != nil:
		errs = append(errs, field.Forbidden(field.NewPath(""), "at most one of `sinceTime` or `sinceSeconds` may be specified"))
	case options.SinceSeconds != nil && *options.SinceSeconds < 1:
		errs = append(errs, field.Invalid(field.NewPath("sinceSeconds"), *options.SinceSeconds, "must be greater than 0"))
	}
	return errs
}

func logQuery(options *corev1.PodLogOptions) url.Values {
	query := url.Values{}
	for name, on := range map[string]bool{"follow": options.Follow, "previous": options.Previous, "timestamps": options.Timestamps} {
		if on {
			query.Set(name, "true")
		}
	}
	for name, number := range map[string]*int64{
		"sinceSeconds": options.SinceSeconds, "tailLines": options.TailLines, "limitBytes": options.LimitBytes,
	} {
		if number != nil {
			query.Set(name, strconv.FormatInt(*number, 10))
		}
	}
	if options.SinceTime != nil {
		query.Set("sinceTime", options.SinceTime.Format(time.RFC3339))
	}
	if options.Stream != nil && *options.Stream != corev1.LogStreamAll {
		query.Set("stream", *options.Stream)
	}
	return query
}

// streamFrom copies a kubelet's answer to the client as it comes, over a WebSocket if that is what the client speaks.
func (s *Server) streamFrom(q *call, where *url.URL) error {
	request, err := http.NewRequestWithContext(q.ctx(), http.MethodGet, where.String(), nil)
	if err != nil {
		return internalError(err)
	}
	response, err := s.kubelets.agents.RoundTrip(request)
	if err != nil {
		return internalError(fmt.Errorf("Get %q: %w", where, err)) //nolint:staticcheck // as net/http words it
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode < 200 || response.StatusCode > http.StatusPartialContent {
		return kubeletError(q, response)
	}
	if wsstream.IsWebSocketRequest(q.r) {
		// It answers the handshake, and errors to the client itself.
		_ = wsstream.NewReader(response.Body, true, wsstream.NewDefaultReaderProtocols()).Copy(q.w, q.r)
		return nil
	}
	startHeaders(q.w, "text/plain")
	_, err = io.Copy(flushWriter{q.w, http.NewResponseController(q.w)}, response.Body)
	if err != nil {
		return nil // the headers are out: there is no way left to say what went wrong
	}
	return nil
}

// kubeletError passes on what a kubelet refused, in the code that it used.
func kubeletError(q *call, response *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(response.Body, 50000))
	if err != nil {
		return internalError(err)
	}
	switch response.StatusCode {
	case http.StatusInternalServerError:
		return internalError(errors.New(string(text)))
	case http.StatusBadRequest:
		return apierrors.NewBadRequest(string(text))
	}
	return apierrors.NewGenericServerResponse(response.StatusCode, "", q.kind.GroupVersionResource.GroupResource(), q.info.Name, string(text), 0, false)
}

// flushWriter sends every piece on at once: whoever follows a log waits for the line that was just written.
type flushWriter struct {
	w    io.Writer
	http *http.ResponseController
}

func (f flushWriter) Write(p []byte) (int, error) {
	n, err := f.w.Write(p)
	if err == nil {
		err = f.http.Flush()
	}
	return n, err
}
