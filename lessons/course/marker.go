package course

import (
	"context"
	"fmt"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"drydock/checks"
)

// marker is the note in the lab about the world that was built in it.
type marker struct {
	Pack     string
	Lesson   string
	Revision int
	Attempt  string
	Seed     string
	Began    string // when the world stood, as RFC 3339
	Typed    int    // how many lines the shell's history had then
	version  string // the API server's resourceVersion of that moment
}

// beginning is from when on the past counts.
func (m marker) beginning() checks.Beginning {
	t, err := time.Parse(time.RFC3339Nano, m.Began)
	if err != nil {
		return checks.Beginning{Version: m.version} // a world of an older version: everything the version tells counts
	}
	return checks.Beginning{Time: t, Version: m.version}
}

const (
	markerNamespace = "kube-system"
	markerName      = "drydock-course"
	fieldManager    = "drydock-lesson"
)

func (c *Course) markers() dynamic.ResourceInterface {
	return c.resources.Client().Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(markerNamespace)
}

// readMarker returns ErrNoLesson when no world was built, or not to its end.
func (c *Course) readMarker(ctx context.Context) (marker, error) {
	if c.elsewhere() {
		return c.noted(ctx)
	}
	o, err := c.markers().Get(ctx, markerName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return marker{}, ErrNoLesson
	case err != nil:
		return marker{}, fmt.Errorf("find out which lesson is open: %w", err)
	}
	data, _, _ := unstructured.NestedStringMap(o.Object, "data")
	revision, err := strconv.Atoi(data["revision"])
	if err != nil {
		return marker{}, ErrNoLesson
	}
	typed, _ := strconv.Atoi(data["typed"]) // none in a world of an older version
	return marker{
		data["pack"], data["lesson"], revision, data["attempt"], data["seed"], data["began"], typed, o.GetResourceVersion(),
	}, nil
}

// removeMarker comes before the first change of a world, so that one that was not built to its end is noticed.
func (c *Course) removeMarker(ctx context.Context) error {
	var err error
	if c.elsewhere() {
		_, err = c.note(ctx, nil)
	} else {
		err = c.markers().Delete(ctx, markerName, metav1.DeleteOptions{})
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("remove the note about the open lesson: %w", err)
	}
	return nil
}

// writeMarker returns the marker with the moment in it: from here on, what happens is the learner's doing.
func (c *Course) writeMarker(ctx context.Context, m marker) (marker, error) {
	m.Began = now().Format(time.RFC3339Nano)
	m.Typed = len(c.typed())
	if c.elsewhere() {
		var err error
		if m.version, err = c.note(ctx, &m); err != nil {
			return m, fmt.Errorf("note which lesson is open: %w", err)
		}
		return m, nil
	}
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": markerName, "namespace": markerNamespace},
		"data": map[string]any{
			"pack": m.Pack, "lesson": m.Lesson, "revision": strconv.Itoa(m.Revision), "attempt": m.Attempt, "seed": m.Seed,
			"began": m.Began, "typed": strconv.Itoa(m.Typed),
		},
	}}
	written, err := c.markers().Apply(ctx, markerName, o, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
	if err != nil {
		return m, fmt.Errorf("note which lesson is open: %w", err)
	}
	m.version = written.GetResourceVersion()
	return m, nil
}
