package golden

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"drydock/checks"
)

// Pictures of a world, to be compared with one another.

// beating are kinds that change by themselves all the time.
var beating = []string{"Lease", "Event", "Node", "NodeMetrics", "PodMetrics"}

// objects are all objects of the lab, by kind, namespace and name.
func (b *bench) objects() (map[string]*unstructured.Unstructured, error) {
	return b.list(metav1.ListOptions{})
}

func (b *bench) list(options metav1.ListOptions) (map[string]*unstructured.Unstructured, error) {
	resources, err := checks.NewResources(b.lab.RESTConfig())
	if err != nil {
		return nil, err
	}
	all, err := resources.All(b.ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]*unstructured.Unstructured{}
	for _, res := range all {
		if !res.Can("list") || slices.Contains(beating, res.Kind.Kind) {
			continue
		}
		list, err := resources.Client().Resource(res.Resource).List(b.ctx, options)
		if err != nil {
			continue // some kinds are listed in discovery only
		}
		for i := range list.Items {
			o := &list.Items[i]
			out[strings.ToLower(res.Kind.Kind)+"/"+o.GetNamespace()+"/"+o.GetName()] = o
		}
	}
	return out, nil
}

// judgePure: asking every check twice leaves every object as it was (4). A world that moves by itself gets three chances
// to hold still for as long as that takes.
func (b *bench) judgePure() []string {
	var touched []string
	for range 3 {
		before, err := b.objects()
		for range 2 {
			if err == nil {
				_, err = b.course.CheckNow(b.ctx)
			}
		}
		if err != nil {
			return []string{fmt.Sprintf("ask twice: %v", err)}
		}
		after, err := b.objects()
		if err != nil {
			return []string{fmt.Sprintf("look at the world after asking: %v", err)}
		}
		if touched = differing(before, after, (*unstructured.Unstructured).GetResourceVersion); len(touched) == 0 {
			return nil
		}
	}
	return []string{"asking the checks changed the world: " + strings.Join(touched, ", ")}
}

// judgeAgain: the world set up a second time is the same (5), as far as its author decides it: names, labels and specs.
func (b *bench) judgeAgain() []string {
	before, err := b.objects()
	if err == nil {
		err = b.course.Reset(b.ctx)
	}
	if err == nil {
		_, err = b.rest()
	}
	if err != nil {
		return []string{fmt.Sprintf("set the world up a second time: %v", err)}
	}
	after, err := b.objects()
	if err != nil {
		return []string{fmt.Sprintf("look at the world set up a second time: %v", err)}
	}
	if other := differing(authored(before), authored(after), essence); len(other) > 0 {
		return []string{"setting up twice gives two worlds: " + strings.Join(other, ", ")}
	}
	return nil
}

// generated reports whether a controller made an object without saying that it owns it.
func generated(o *unstructured.Unstructured) bool {
	return o.GetKind() == "EndpointSlice" || o.GetKind() == "Endpoints" || o.GetKind() == "IPAddress" || o.GetGenerateName() != ""
}

// essence is what the author of a world decides of an object.
func essence(o *unstructured.Unstructured) string {
	o = o.DeepCopy()
	for _, path := range [][]string{
		{"status"},
		{"metadata", "uid"},
		{"metadata", "resourceVersion"},
		{"metadata", "creationTimestamp"},
		{"metadata", "generation"},
		{"metadata", "managedFields"},
		{"metadata", "annotations"},
		{"spec", "nodeName"},
		{"spec", "clusterIP"},
		{"spec", "clusterIPs"},
		{"spec", "volumes"},
		{"spec", "volumeName"},
	} {
		unstructured.RemoveNestedField(o.Object, path...)
	}
	containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "containers")
	for _, c := range containers {
		if m, ok := c.(map[string]any); ok {
			delete(m, "volumeMounts") // the token's has a random name
		}
	}
	if len(containers) > 0 {
		_ = unstructured.SetNestedSlice(o.Object, containers, "spec", "containers") // it was one before
	}
	text, _ := json.Marshal(o.Object) // it came as JSON
	return string(text)
}

// differing names what is in one map and not the same in the other.
func differing(a, b map[string]*unstructured.Unstructured, of func(*unstructured.Unstructured) string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if b[name] == nil || of(a[name]) != of(b[name]) {
			out = append(out, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if a[name] == nil {
			out = append(out, name)
		}
	}
	return out
}

// judgeOffline: the lab knows no way out of itself (9). Its routing table says so.
func (b *bench) judgeOffline() []string {
	prober := b.lab.Prober()
	if prober == nil {
		return nil
	}
	r, err := prober.Exec(b.ctx, checks.Place{Kind: checks.PlaceLearner}, []string{"cat", "/proc/net/route", "/proc/net/ipv6_route"})
	if err != nil {
		return []string{fmt.Sprintf("look for a way out of the lab: %v", err)}
	}
	for line := range strings.Lines(r.Stdout) {
		f := strings.Fields(line)
		four := len(f) >= 8 && f[1] == "00000000" && f[7] == "00000000"
		six := len(f) == 10 && strings.Trim(f[0], "0") == "" && f[1] == "00" && f[9] != "lo"
		if four || six {
			return []string{"the lab has a default route: " + strings.Join(f, " ")}
		}
	}
	return nil
}

// judgeUntouched is everything that is proved in a fresh world.
func (b *bench) judgeUntouched() []string {
	out := b.judgeFresh()
	if len(out) > 0 {
		return out
	}
	for _, judge := range []func() []string{b.judgePure, b.judgeOffline, b.judgeAgain} {
		out = append(out, judge()...)
	}
	return out
}
