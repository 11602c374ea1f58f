package checks

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Chains of causes: what stands behind a failure, one object further, as far as the objects themselves tell.

// because says what stands behind the state of an object, or nothing.
func because(o *unstructured.Unstructured, objects Objects) Text {
	switch o.GetKind() {
	case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job":
		return workloadBecause(o, objects)
	case "Service":
		return serviceBecause(o, objects)
	default:
		return nil
	}
}

// chainKinds are the kinds that because looks at for a kind.
func chainKinds(kind Kind) []Kind {
	pods := Kind{schema.GroupVersionKind{Version: "v1", Kind: "Pod"}, kind.Namespace}
	services := Kind{schema.GroupVersionKind{Version: "v1", Kind: "Service"}, kind.Namespace}
	switch kind.Kind {
	case "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Service":
		return []Kind{pods}
	case "Endpoints", "EndpointSlice":
		return []Kind{pods, services}
	default:
		return nil
	}
}

func list(objects Objects, kind, namespace string) []*unstructured.Unstructured {
	v1 := schema.GroupVersionKind{Version: "v1", Kind: kind}
	for _, in := range []string{namespace, ""} {
		if found, err := objects.List(Kind{v1, in}); err == nil {
			return slices.DeleteFunc(slices.Clone(found), func(o *unstructured.Unstructured) bool { return o.GetNamespace() != namespace })
		}
	}
	return nil
}

func selectorAt(o *unstructured.Unstructured, path ...string) labels.Set {
	m, _, _ := unstructured.NestedStringMap(o.Object, path...)
	return m
}

// workloadBecause finds a pod that will not come by itself, or why there is none.
func workloadBecause(o *unstructured.Unstructured, objects Objects) Text {
	if text := conditionMessage(o, "ReplicaFailure"); text != "" {
		return plainText(show(text))
	}
	want := selectorAt(o, "spec", "selector", "matchLabels")
	if len(want) == 0 {
		return nil
	}
	for _, pod := range list(objects, "Pod", o.GetNamespace()) {
		if !want.AsSelector().Matches(labels.Set(pod.GetLabels())) {
			continue
		}
		if stuck(pod) {
			return becauseOf.with(describe(pod))
		}
	}
	return nil
}

// stuck reports whether a pod waits for something that does not come by itself.
func stuck(pod *unstructured.Unstructured) bool {
	if _, ok := unschedulable(pod); ok {
		return true
	}
	return slices.ContainsFunc(waiting(pod), func(w containerWait) bool { return !w.starting() })
}

func conditionMessage(o *unstructured.Unstructured, name string) string {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, c := range conditions {
		if m, ok := c.(map[string]any); ok && m["type"] == name && m["status"] == "True" {
			text, _ := m["message"].(string)
			return text
		}
	}
	return ""
}

// serviceBecause says why a Service has nobody to send a request to.
func serviceBecause(service *unstructured.Unstructured, objects Objects) Text {
	selector := selectorAt(service, "spec", "selector")
	pods := list(objects, "Pod", service.GetNamespace())
	if len(selector) == 0 {
		return nil
	}
	var chosen []*unstructured.Unstructured
	for _, pod := range pods {
		if selector.AsSelector().Matches(labels.Set(pod.GetLabels())) {
			chosen = append(chosen, pod)
		}
	}
	switch {
	case len(chosen) == 0:
		text := noPodMatches.with(service.GetName(), selector.String())
		if near := nearestLabels(selector, pods); near != "" {
			text = joinTexts("; ", text, didYouMean.with(near))
		}
		return text
	case !slices.ContainsFunc(chosen, podReady):
		return noneReady.with(service.GetName(), len(chosen), describe(chosen[0]))
	default:
		return portBecause(service, chosen)
	}
}

func podReady(pod *unstructured.Unstructured) bool { return conditionIs(pod, "Ready", "True") }

// portBecause notices a target port that no container of the pods names.
func portBecause(service *unstructured.Unstructured, pods []*unstructured.Unstructured) Text {
	ports, _, _ := unstructured.NestedSlice(service.Object, "spec", "ports")
	for _, p := range ports {
		m, _ := p.(map[string]any)
		target := m["targetPort"]
		if target == nil {
			target = m["port"]
		}
		declared := declaredPorts(pods)
		if len(declared) == 0 || slices.Contains(declared, show(target)) {
			continue
		}
		return portUnknown.with(service.GetName(), show(target), strings.Join(declared, ", "))
	}
	return nil
}

// declaredPorts are the numbers and names of the ports of containers.
func declaredPorts(pods []*unstructured.Unstructured) []string {
	var out []string
	for _, pod := range pods {
		containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", "containers")
		for _, c := range containers {
			m, _ := c.(map[string]any)
			ports, _, _ := unstructured.NestedSlice(m, "ports")
			for _, p := range ports {
				port, _ := p.(map[string]any)
				for _, v := range []any{port["containerPort"], port["name"]} {
					if v != nil && !slices.Contains(out, show(v)) {
						out = append(out, show(v))
					}
				}
			}
		}
	}
	return out
}

// nearestLabels is what some pod says under the keys of a selector, when it differs by a slip of the hand: one value of
// the same key, or a key that is almost the same.
func nearestLabels(selector labels.Set, pods []*unstructured.Unstructured) string {
	for _, pod := range pods {
		have := pod.GetLabels()
		out, slips := labels.Set{}, 0
		for _, key := range sortedKeys(selector) {
			k, v, far := nearestLabel(key, selector[key], have)
			slips += far
			out[k] = v
		}
		if slips > 0 && slips <= 3*len(selector) {
			return out.String()
		}
	}
	return ""
}

const tooFar = 1000

func nearestLabel(key, value string, have map[string]string) (k, v string, distance int) {
	distance = tooFar
	for _, candidate := range sortedKeys(have) {
		d := slips(key, candidate) + slips(value, have[candidate])
		if candidate == key && d > 3 {
			d = 3 // the key is right: whatever it says is worth a thought
		}
		if d < distance {
			k, v, distance = candidate, have[candidate], d
		}
	}
	return k, v, distance
}

// slips is the number of letters to change, add or leave out (Levenshtein); two letters that changed places count once.
func slips(a, b string) int {
	if len(a)*len(b) > 10_000 {
		return tooFar
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+btoi(a[i-1] != b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

// endpointsBecause is the cause behind an EndpointSlice or Endpoints: that of its Service.
func endpointsBecause(name string, spec ObjectSpec, namespace string, objects Objects) Text {
	if name == "" {
		selector, err := labels.Parse(spec.Selector)
		if err != nil {
			return nil
		}
		name, _ = selector.RequiresExactMatch("kubernetes.io/service-name")
	}
	return serviceNamed(name, namespace, objects)
}

func serviceNamed(name, namespace string, objects Objects) Text {
	for _, s := range list(objects, "Service", namespace) {
		if s.GetName() == name {
			return serviceBecause(s, objects)
		}
	}
	return nil
}

// addressBecause says why nobody answers at an address, when that is a Service's: its name or its cluster IP.
func addressBecause(host, namespace string, objects Objects) Text {
	if objects == nil {
		return nil
	}
	parts := strings.Split(host, ".")
	ip := net.ParseIP(host)
	if ip == nil && len(parts) > 1 {
		namespace = parts[1]
	}
	services := list(objects, "Service", namespace)
	for _, s := range services {
		clusterIP, _, _ := unstructured.NestedString(s.Object, "spec", "clusterIP")
		if ip == nil && s.GetName() == parts[0] || ip != nil && clusterIP == host {
			return serviceBecause(s, objects)
		}
	}
	if ip == nil && len(parts) == 1 && parts[0] != "localhost" {
		return noService.with(parts[0])
	}
	return nil
}

// hostOf is the host of a probe's target.
func (s ProbeSpec) hostOf() string {
	switch {
	case s.HTTP != nil:
		if u, err := url.Parse(s.HTTP.URL); err == nil {
			return u.Hostname()
		}
	case s.TCP != nil:
		if host, _, err := net.SplitHostPort(s.TCP.Address); err == nil {
			return host
		}
	case s.UDP != nil:
		if host, _, err := net.SplitHostPort(s.UDP.Address); err == nil {
			return host
		}
	case s.DNS != nil:
		return s.DNS.Name
	}
	return ""
}
