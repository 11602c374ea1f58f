package scheduler

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// neighbors is what a pod says about other pods, parsed.
type neighbors struct {
	requires, forbids []neighborTerm // required affinity and anti-affinity
	prefers, avoids   []neighborTerm // preferred affinity and anti-affinity, with weights
}

// neighborTerm names pods, and how near "together" is: nodes with the same value of the label topologyKey.
type neighborTerm struct {
	namespaces map[string]bool
	everywhere labels.Selector // of namespaces, by their labels
	selector   labels.Selector
	key        string
	weight     int64
}

// neighborsOf is nil when the pod says nothing.
func neighborsOf(pod *corev1.Pod) *neighbors {
	a := pod.Spec.Affinity
	if a == nil || a.PodAffinity == nil && a.PodAntiAffinity == nil {
		return nil
	}
	var n neighbors
	if a := a.PodAffinity; a != nil {
		n.requires = termsOf(pod, a.RequiredDuringSchedulingIgnoredDuringExecution)
		n.prefers = weightedTermsOf(pod, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := a.PodAntiAffinity; a != nil {
		n.forbids = termsOf(pod, a.RequiredDuringSchedulingIgnoredDuringExecution)
		n.avoids = weightedTermsOf(pod, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	return &n
}

func termsOf(pod *corev1.Pod, terms []corev1.PodAffinityTerm) []neighborTerm {
	var parsed []neighborTerm
	for i := range terms {
		parsed = append(parsed, termOf(pod, &terms[i]))
	}
	return parsed
}

func weightedTermsOf(pod *corev1.Pod, terms []corev1.WeightedPodAffinityTerm) []neighborTerm {
	var parsed []neighborTerm
	for i := range terms {
		t := termOf(pod, &terms[i].PodAffinityTerm)
		t.weight = int64(terms[i].Weight)
		parsed = append(parsed, t)
	}
	return parsed
}

// termOf parses a term; without any word on namespaces it means the pod's own. The API server has merged matchLabelKeys
// into the selector.
func termOf(pod *corev1.Pod, term *corev1.PodAffinityTerm) neighborTerm {
	t := neighborTerm{namespaces: map[string]bool{}, key: term.TopologyKey}
	t.selector, t.everywhere = selectorOf(term.LabelSelector), selectorOf(term.NamespaceSelector)
	for _, namespace := range term.Namespaces {
		t.namespaces[namespace] = true
	}
	if len(term.Namespaces) == 0 && term.NamespaceSelector == nil {
		t.namespaces[pod.Namespace] = true
	}
	return t
}

// selectorOf selects nothing when it cannot be parsed; validation has seen it.
func selectorOf(s *metav1.LabelSelector) labels.Selector {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return labels.Nothing()
	}
	return selector
}

// means says whether a term speaks of a pod.
func (i interPodAffinity) means(t *neighborTerm, p *podInfo) bool {
	return t.selector.Matches(labels.Set(p.Labels)) && (t.namespaces[p.Namespace] || t.everywhere.Matches(i.namespaceLabels(p.Namespace)))
}

// namespaceLabels are those of a namespace; none when it is not known.
func (i interPodAffinity) namespaceLabels(name string) labels.Set {
	namespace, err := i.namespaces.Get(name)
	if err != nil {
		return nil
	}
	return namespace.Labels
}

// meansByAll says whether all terms speak of a pod, and there are some.
func (i interPodAffinity) meansByAll(terms []neighborTerm, p *podInfo) bool {
	for k := range terms {
		if !i.means(&terms[k], p) {
			return false
		}
	}
	return len(terms) > 0
}

func (i interPodAffinity) meansByAny(terms []neighborTerm, p *podInfo) bool {
	for k := range terms {
		if i.means(&terms[k], p) {
			return true
		}
	}
	return false
}
