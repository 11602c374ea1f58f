package course

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"drydock/checks"
	"drydock/lessons/pack"
)

// clearWithin is how long the old world may take to go.
const clearWithin = 30 * time.Second

// systemNamespaces are the cluster's own; lessons and learners leave them alone, and so does a reset.
var systemNamespaces = []string{"kube-system", "kube-public", "kube-node-lease"}

// Plan is what building a world deletes and writes.
type Plan struct {
	Deletes []Object
	// Undoes is what a person made or changed in the system namespaces or outside of all, Nodes among it: it becomes what it was
	// where the lab remembers that. What was deleted comes back and cannot be named here.
	Undoes []Object
	// Namespace is deleted as a whole, on a cluster that is not drydock's own.
	Namespace string
	Writes    []string // files in the learner's folder that would be overwritten with something else
}

// Object names a Kubernetes object.
type Object struct {
	Kind      string
	Namespace string // "" for the default one and for cluster-wide kinds
	Name      string
}

// String is kind/name as kubectl prints it, with the namespace when it is not the default one.
func (o Object) String() string {
	if o.Namespace == "" {
		return strings.ToLower(o.Kind) + "/" + o.Name
	}
	return strings.ToLower(o.Kind) + "/" + o.Name + " -n " + o.Namespace
}

// found is an object of the old world and how to delete it.
type found struct {
	object *unstructured.Unstructured
	client dynamic.ResourceInterface
	res    checks.Resource
}

// owned reports whether a controller made the object: it goes when its owner goes.
func (f found) owned() bool { return metav1.GetControllerOf(f.object) != nil }

// Plan names what building the world of a lesson anew would delete and write. Objects that a controller made are left
// out: they go with what made them.
func (c *Course) Plan(ctx context.Context, lesson string) (Plan, error) {
	l, _, err := c.draw(lesson)
	if err != nil {
		return Plan{}, err
	}
	objects, err := manifests(l)
	if err != nil {
		return Plan{}, err
	}
	old, err := c.oldWorld(ctx, objects)
	if err != nil {
		return Plan{}, err
	}
	p := Plan{Namespace: c.cfg.Elsewhere.Namespace}
	for _, f := range old {
		if f.owned() {
			continue
		}
		p.Deletes = append(p.Deletes, nameOf(f.object))
	}
	if p.Undoes, err = c.undoes(ctx); err != nil {
		return Plan{}, err
	}
	byName := func(a, b Object) int { return strings.Compare(a.String(), b.String()) }
	slices.SortFunc(p.Deletes, byName)
	slices.SortFunc(p.Undoes, byName)
	p.Writes = c.differing(l.World.Files)
	return p, nil
}

func nameOf(o *unstructured.Unstructured) Object {
	out := Object{Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
	if out.Namespace == "default" {
		out.Namespace = ""
	}
	return out
}

// undoes finds what Plan.Undoes names. A lab that keeps nothing mends its Nodes only.
func (c *Course) undoes(ctx context.Context) ([]Object, error) {
	all, err := c.resources.All(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var out []Object
	var errs []error
	var running sync.WaitGroup
	for _, res := range all {
		taken := c.cfg.Snapshots != nil && !slices.Contains(untold, res.Kind.Kind) || c.cfg.Machines != nil && res.Kind == nodeKind
		if !taken || !res.Can("list") {
			continue
		}
		running.Go(func() {
			some, err := c.touchedOfCluster(ctx, res)
			mu.Lock()
			defer mu.Unlock()
			out = append(out, some...)
			errs = append(errs, err)
		})
	}
	running.Wait()
	return out, errors.Join(errs...)
}

func (c *Course) touchedOfCluster(ctx context.Context, res checks.Resource) ([]Object, error) {
	list, err := c.listed(ctx, res)
	if err != nil {
		return nil, err
	}
	var out []Object
	for i := range list.Items {
		if o := &list.Items[i]; ofCluster(o) && touched(o) {
			out = append(out, nameOf(o))
		}
	}
	return out, nil
}

// ofCluster reports whether an object lies where deleting the old world does not look. Who was made by a controller goes with it.
func ofCluster(o *unstructured.Unstructured) bool {
	space := o.GetNamespace()
	if o.GetKind() == "Namespace" {
		space = o.GetName()
		return space == "default" || slices.Contains(systemNamespaces, space)
	}
	return (space == "" || slices.Contains(systemNamespaces, space)) && metav1.GetControllerOf(o) == nil
}

func (c *Course) differing(files []pack.File) []string {
	var out []string
	for _, f := range files {
		have, err := os.ReadFile(filepath.Join(c.cfg.Workspace, f.Path))
		if c.cfg.Workspace != "" && err == nil && string(have) != f.Content {
			out = append(out, f.Path)
		}
	}
	return out
}

// clear deletes the old world and waits until it is gone. Pods are not given time to end: the learner waits for them.
// What controllers make meanwhile is deleted as well, because every round lists afresh.
func (c *Course) clear(ctx context.Context, world []*unstructured.Unstructured) error {
	ctx, stop := context.WithTimeout(ctx, clearWithin)
	defer stop()
	for {
		old, err := c.oldWorld(ctx, world)
		if err != nil {
			return err
		}
		if len(old) == 0 {
			return nil
		}
		// Owners first: a ReplicaSet that is still there makes a new pod for each one that goes.
		for _, owned := range []bool{false, true} {
			if err := c.deleteAll(ctx, old, owned); err != nil {
				return err
			}
		}
		if err := c.awaitGone(ctx, old); err != nil {
			return err
		}
	}
}

func (c *Course) deleteAll(ctx context.Context, old []found, owned bool) error {
	var running sync.WaitGroup
	errs := make([]error, len(old))
	for i, f := range old {
		if f.owned() == owned {
			running.Go(func() { errs[i] = f.delete(ctx) })
		}
	}
	running.Wait()
	return errors.Join(errs...)
}

func (f found) delete(ctx context.Context) error {
	uid := f.object.GetUID()
	background := metav1.DeletePropagationBackground
	options := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}, PropagationPolicy: &background}
	if f.object.GetKind() == "Pod" {
		options.GracePeriodSeconds = new(int64)
	}
	err := f.client.Delete(ctx, f.object.GetName(), options)
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) { // a conflict: another of that name by now
		return fmt.Errorf("delete %s/%s: %w", strings.ToLower(f.object.GetKind()), f.object.GetName(), err)
	}
	return nil
}

// awaitGone waits for the objects that are still there after their deletion, one by one.
func (c *Course) awaitGone(ctx context.Context, old []found) error {
	for _, f := range old {
		if err := f.awaitGone(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (f found) awaitGone(ctx context.Context) error {
	for {
		o, err := f.client.Get(ctx, f.object.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err) || err == nil && o.GetUID() != f.object.GetUID():
			return nil
		case err != nil:
			return fmt.Errorf("wait until %s/%s is gone: %w", strings.ToLower(f.object.GetKind()), f.object.GetName(), err)
		}
		w, err := f.client.Watch(ctx, metav1.ListOptions{
			FieldSelector: "metadata.name=" + f.object.GetName(), ResourceVersion: o.GetResourceVersion(),
		})
		if err != nil {
			return fmt.Errorf("wait until %s/%s is gone: %w", strings.ToLower(f.object.GetKind()), f.object.GetName(), err)
		}
		for ev := range w.ResultChan() {
			if e, ok := ev.Object.(*unstructured.Unstructured); ok && ev.Type == "DELETED" && e.GetUID() == f.object.GetUID() {
				w.Stop()
				return nil
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait until %s/%s is gone: %w", strings.ToLower(f.object.GetKind()), f.object.GetName(), context.Cause(ctx))
		}
	}
}

// oldWorld finds everything outside the system namespaces that a fresh cluster does not have. Events are left to expire.
func (c *Course) oldWorld(ctx context.Context, world []*unstructured.Unstructured) ([]found, error) {
	all, err := c.resources.All(ctx)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var out []found
	var errs []error
	var running sync.WaitGroup
	for _, res := range all {
		namespaces := res.Kind == schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
		if !res.Namespaced && (!namespaces || c.elsewhere()) || !res.Can("list") || !res.Can("delete") || res.Kind.Kind == "Event" {
			continue
		}
		running.Go(func() {
			some, err := c.list(ctx, res, world)
			mu.Lock()
			defer mu.Unlock()
			out = append(out, some...)
			errs = append(errs, err)
		})
	}
	running.Wait()
	return out, errors.Join(errs...)
}

func (c *Course) list(ctx context.Context, res checks.Resource, world []*unstructured.Unstructured) ([]found, error) {
	list, err := c.listed(ctx, res)
	if err != nil {
		return nil, err
	}
	var out []found
	for i := range list.Items {
		o := &list.Items[i]
		if stays(o, world) {
			continue
		}
		out = append(out, c.foundIn(res, o))
	}
	return out, nil
}

// listed is every object of a kind that a lesson may have to do with; none where there is nothing to list.
func (c *Course) listed(ctx context.Context, res checks.Resource) (*unstructured.UnstructuredList, error) {
	var client dynamic.ResourceInterface = c.resources.Client().Resource(res.Resource)
	if c.elsewhere() {
		client = c.resources.Client().Resource(res.Resource).Namespace(c.cfg.Elsewhere.Namespace)
	}
	list, err := client.List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsMethodNotSupported(err), apierrors.IsNotFound(err), c.elsewhere() && apierrors.IsForbidden(err):
		return &unstructured.UnstructuredList{}, nil
	case err != nil:
		return nil, fmt.Errorf("list %s: %w", res.Resource.Resource, err)
	}
	return list, nil
}

// stays reports whether an object belongs to every fresh cluster, or is a namespace that the new world needs.
func stays(o *unstructured.Unstructured, world []*unstructured.Unstructured) bool {
	if o.GetKind() == "Namespace" {
		return o.GetName() == "default" || slices.Contains(systemNamespaces, o.GetName()) || slices.ContainsFunc(world,
			func(w *unstructured.Unstructured) bool {
				return w.GetKind() == "Namespace" && w.GetName() == o.GetName()
			})
	}
	if slices.Contains(systemNamespaces, o.GetNamespace()) {
		return true
	}
	switch o.GetKind() {
	case "ServiceAccount":
		return o.GetName() == "default"
	case "ConfigMap":
		return o.GetName() == "kube-root-ca.crt"
	case "Service", "Endpoints", "EndpointSlice":
		return o.GetNamespace() == "default" && o.GetName() == "kubernetes"
	default:
		return false
	}
}
