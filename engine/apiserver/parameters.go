package apiserver

import (
	"fmt"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// parameters reads the query of a subresource into typed options. The first value that cannot be read is remembered.
type parameters struct {
	query url.Values
	err   error
}

// boolean follows the API's habit: present means true, but for "false" and "0".
func (p *parameters) boolean(name string) bool {
	var out bool
	if values, ok := p.query[name]; ok {
		p.keep(name, runtime.Convert_Slice_string_To_bool(&values, &out, nil))
	}
	return out
}

func (p *parameters) number(name string) *int64 {
	var out *int64
	if values, ok := p.query[name]; ok {
		p.keep(name, runtime.Convert_Slice_string_To_Pointer_int64(&values, &out, nil))
	}
	return out
}

func (p *parameters) time(name string) *metav1.Time {
	if !p.query.Has(name) {
		return nil
	}
	out := &metav1.Time{}
	p.keep(name, out.UnmarshalQueryParameter(p.query.Get(name)))
	return out
}

func (p *parameters) keep(name string, err error) {
	if err != nil && p.err == nil {
		p.err = apierrors.NewBadRequest(fmt.Sprintf("query parameter %s: %v", name, err))
	}
}

func logOptions(query url.Values) (*corev1.PodLogOptions, error) {
	p := &parameters{query: query}
	options := &corev1.PodLogOptions{
		Container: query.Get("container"), Follow: p.boolean("follow"), Previous: p.boolean("previous"), Timestamps: p.boolean("timestamps"),
		SinceSeconds: p.number("sinceSeconds"), SinceTime: p.time("sinceTime"), TailLines: p.number("tailLines"), LimitBytes: p.number("limitBytes"),
	}
	if stream := query.Get("stream"); stream != "" {
		options.Stream = &stream
	}
	return options, p.err
}

// streamOptions are those of exec, which has all that attach has.
func streamOptions(query url.Values) (*corev1.PodExecOptions, error) {
	p := &parameters{query: query}
	options := &corev1.PodExecOptions{
		Container: query.Get("container"), Command: query["command"],
		Stdin: p.boolean("stdin"), Stdout: p.boolean("stdout"), Stderr: p.boolean("stderr"), TTY: p.boolean("tty"),
	}
	return options, p.err
}

func forwardedPorts(query url.Values) ([]string, error) {
	ports := query["ports"]
	for _, port := range ports {
		values := []string{port}
		var number *int64
		if err := runtime.Convert_Slice_string_To_Pointer_int64(&values, &number, nil); err != nil {
			return nil, apierrors.NewBadRequest(fmt.Sprintf("query parameter ports: %v", err))
		}
	}
	return ports, nil
}
