package course

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"drydock/checks"
)

// Ground is what a lab was before its first lesson, so that it can be made so again for the next, or be found spoilt. Many
// lessons are proved or graded in one lab that way: clearing it costs a twentieth of starting another.
//
// Clearing takes away what a lesson has made in namespaces. What else can be changed through the API (nodes, roles, custom
// kinds, the namespaces of the cluster) is compared and never mended: whoever finds a difference takes another lab. So is
// one in which a pod could reach the machine it ran on, because what it did there cannot be seen from here.
type Ground struct {
	// set once in Survey
	course  *Course // only its connection
	objects map[string]string
	stop    context.CancelFunc
	ended   chan struct{}

	reached atomic.Pointer[string] // why a pod may have left traces on its node
}

// ErrSpoilt is the error of a lab that cannot be made as it was.
var ErrSpoilt = errors.New("the lab is no more what it was when it was fresh")

// Survey notes what a fresh lab holds and follows its pods from now on, until Leave.
func Survey(ctx context.Context, cfg *rest.Config) (*Ground, error) {
	resources, err := checks.NewResources(cfg)
	if err != nil {
		return nil, err
	}
	g := &Ground{course: &Course{resources: resources}, ended: make(chan struct{})}
	old, objects, err := g.look(ctx)
	if err != nil {
		return nil, fmt.Errorf("look at the fresh lab: %w", err)
	}
	if len(old) > 0 {
		return nil, fmt.Errorf("look at the fresh lab: it holds %s", named(old[0].object))
	}
	g.objects = objects
	pods := resources.Client().Resource(schema.GroupVersionResource{Version: "v1", Resource: "pods"})
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	g.stop = stop
	w, err := pods.Watch(following, metav1.ListOptions{})
	if err != nil {
		stop()
		return nil, fmt.Errorf("follow the pods of the fresh lab: %w", err)
	}
	go func() { // ends with the lab, or in Leave
		defer close(g.ended)
		g.follow(w.ResultChan())
	}()
	return g, nil
}

// Leave ends the following of pods. The ground can no more be restored.
func (g *Ground) Leave() {
	g.stop()
	<-g.ended
}

func (g *Ground) follow(pods <-chan watch.Event) {
	for ev := range pods {
		o, ok := ev.Object.(*unstructured.Unstructured)
		if !ok {
			break
		}
		if why := reach(o); why != "" {
			g.reached.Store(&why)
		}
	}
	why := "its pods could not be followed"
	g.reached.CompareAndSwap(nil, &why)
}

// reach says how a pod can leave something on its node that outlives it; "" when it cannot.
func reach(o *unstructured.Unstructured) string {
	var p corev1.Pod
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &p); err != nil {
		return named(o) + " cannot be read"
	}
	if s := p.Spec; s.HostNetwork || s.HostPID || s.HostIPC {
		return named(o) + " shares a namespace of its node"
	}
	for _, v := range p.Spec.Volumes {
		if v.HostPath != nil {
			return named(o) + " mounts a directory of its node"
		}
	}
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if s := c.SecurityContext; s != nil && (s.Privileged != nil && *s.Privileged || s.Capabilities != nil && len(s.Capabilities.Add) > 0) {
			return named(o) + " has rights beyond those of a container"
		}
	}
	for _, c := range p.Spec.EphemeralContainers {
		if s := c.SecurityContext; s != nil && s.Privileged != nil && *s.Privileged {
			return named(o) + " has rights beyond those of a container"
		}
	}
	return ""
}

// Restore makes the lab what it was, or says with ErrSpoilt why that cannot be.
func (g *Ground) Restore(ctx context.Context) error {
	if err := g.course.removeMarker(ctx); err != nil {
		return err
	}
	var other string
	for wait := 50 * time.Millisecond; wait < time.Second; wait *= 2 {
		old, objects, err := g.look(ctx)
		if err != nil {
			return err
		}
		for _, f := range old {
			if why := reach(f.object); f.object.GetKind() == "Pod" && why != "" {
				g.reached.Store(&why)
			}
		}
		// After looking: what is told of pods comes over the same connection, and so before the answer.
		if why := g.reached.Load(); why != nil {
			return fmt.Errorf("%w: %s", ErrSpoilt, *why)
		}
		if other = different(g.objects, objects); len(old) == 0 && other == "" {
			return g.forgetEvents(ctx)
		}
		if len(old) > 0 {
			if err := g.course.clear(ctx, nil); err != nil {
				return err
			}
			continue
		}
		// What goes with something that has gone (a volume, an address) goes a moment later.
		if !pause(ctx, wait) {
			return context.Cause(ctx)
		}
	}
	return fmt.Errorf("%w: %s is another", ErrSpoilt, other)
}

// forgetEvents: what is told of the next lesson should be about the next lesson.
func (g *Ground) forgetEvents(ctx context.Context) error {
	events := g.course.resources.Client().Resource(schema.GroupVersionResource{Version: "v1", Resource: "events"}).Namespace("default")
	if err := events.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("forget the events of the lesson before: %w", err)
	}
	return nil
}

// untold are kinds that change by themselves all the time.
var untold = []string{"Event", "Lease", "NodeMetrics", "PodMetrics"}

// look lists what lessons have made, and what else there is by its name.
func (g *Ground) look(ctx context.Context) (old []found, objects map[string]string, err error) {
	all, err := g.course.resources.All(ctx)
	if err != nil {
		return nil, nil, err
	}
	objects = map[string]string{}
	var mu sync.Mutex
	var errs []error
	var running sync.WaitGroup
	for _, res := range all {
		if !res.Can("list") || slices.Contains(untold, res.Kind.Kind) {
			continue
		}
		running.Go(func() {
			list, err := g.course.resources.Client().Resource(res.Resource).List(ctx, metav1.ListOptions{})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case apierrors.IsMethodNotSupported(err) || apierrors.IsNotFound(err):
			case err != nil:
				errs = append(errs, fmt.Errorf("list %s: %w", res.Resource.Resource, err))
			default:
				for i := range list.Items {
					if o := &list.Items[i]; addressOfService(o) {
						continue // it comes and goes a moment after its Service
					} else if !goes(res, o) {
						objects[res.Resource.Resource+"."+res.Kind.Group+" "+o.GetNamespace()+"/"+o.GetName()] = gist(o)
					} else {
						old = append(old, g.course.foundIn(res, o))
					}
				}
			}
		})
	}
	running.Wait()
	return old, objects, errors.Join(errs...)
}

// goes reports whether an object is taken away between lessons.
func goes(res checks.Resource, o *unstructured.Unstructured) bool {
	namespaces := res.Kind == schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}
	return (res.Namespaced || namespaces) && res.Can("delete") && !stays(o, nil)
}

// addressOfService tells an IPAddress that the cluster itself keeps from one that somebody made.
func addressOfService(o *unstructured.Unstructured) bool {
	return o.GetKind() == "IPAddress" && o.GetLabels()["ipaddress.kubernetes.io/managed-by"] == "ipallocator.k8s.io"
}

// gist is what somebody has decided about an object; of a node also whether it is well.
func gist(o *unstructured.Unstructured) string {
	m := maps.Clone(o.Object)
	if o.GetKind() != "Node" {
		delete(m, "status")
	} else {
		m["status"] = wellness(o)
	}
	meta, _, _ := unstructured.NestedMap(o.Object, "metadata") // a copy
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"} {
		delete(meta, field)
	}
	m["metadata"] = meta
	text, _ := json.Marshal(m) // it came as JSON
	return string(text)
}

// wellness are the conditions of a node.
func wellness(o *unstructured.Unstructured) string {
	var out []string
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok {
			out = append(out, fmt.Sprint(m["type"], "=", m["status"]))
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// different names an object that is in one map and not the same in the other; "" when there is none.
func different(before, after map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if after[name] != before[name] {
			return name
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if _, known := before[name]; !known {
			return name
		}
	}
	return ""
}

func named(o *unstructured.Unstructured) string {
	return strings.ToLower(o.GetKind()) + "/" + o.GetName()
}

// foundIn is an object and the way to it.
func (c *Course) foundIn(res checks.Resource, o *unstructured.Unstructured) found {
	var client dynamic.ResourceInterface = c.resources.Client().Resource(res.Resource)
	if res.Namespaced {
		client = c.resources.Client().Resource(res.Resource).Namespace(o.GetNamespace())
	}
	return found{o, client, res}
}
