package scheduler

import (
	corelisters "k8s.io/client-go/listers/core/v1"
)

// interPodAffinity obeys spec.affinity.podAffinity and podAntiAffinity: near those pods, away from these.
type interPodAffinity struct{ namespaces corelisters.NamespaceLister }

var (
	farFromNeighbors = &refusal{plugin: "InterPodAffinity", reasons: []string{"node(s) didn't match pod affinity rules"}}
	nearOthers       = &refusal{
		plugin: "InterPodAffinity", reasons: []string{"node(s) didn't match pod anti-affinity rules"}, victims: true,
	}
	unwelcome = &refusal{
		plugin: "InterPodAffinity", reasons: []string{"node(s) didn't satisfy existing pods anti-affinity rules"}, victims: true,
	}
)

func (interPodAffinity) Name() string { return "InterPodAffinity" }

func (interPodAffinity) Weight() int64 { return 2 }

// place is a domain: all nodes whose label key has the value.
type place struct{ key, value string }

// neighborhood is interPodAffinity in one cycle: how many pods the domains hold that matter to the pod.
type neighborhood struct {
	interPodAffinity
	pod    *podInfo
	terms  neighbors
	wanted map[place]int // pods that all of the pod's affinity terms mean
	feared map[place]int // pods that one of its anti-affinity terms means
	guards map[place]int // pods one of whose anti-affinity terms means it
}

// PreFilter counts the pods that matter. Pods that say nothing about others, among pods that say nothing, cost nothing.
func (i interPodAffinity) PreFilter(p *podInfo, w *world) judge {
	h := &neighborhood{
		interPodAffinity: i, pod: p, wanted: map[place]int{}, feared: map[place]int{}, guards: map[place]int{},
	}
	if p.neighbors != nil {
		h.terms = *p.neighbors
	}
	if len(h.terms.requires)+len(h.terms.forbids) == 0 {
		for uid, other := range w.guards {
			h.Count(other, w.nodes[w.where[uid]], 1)
		}
		if len(h.guards) == 0 {
			return nil
		}
		return h
	}
	for _, n := range w.sorted {
		for _, other := range n.pods {
			h.Count(other, n, 1)
		}
	}
	return h
}

// Count takes another pod into account, or out of it.
func (h *neighborhood) Count(other *podInfo, n *nodeInfo, sign int) {
	if n.node == nil {
		return
	}
	if h.meansByAll(h.terms.requires, other) {
		for k := range h.terms.requires {
			tally(h.wanted, &h.terms.requires[k], n, sign)
		}
	}
	for k := range h.terms.forbids {
		if t := &h.terms.forbids[k]; h.means(t, other) {
			tally(h.feared, t, n, sign)
		}
	}
	if other.neighbors == nil {
		return
	}
	for k := range other.neighbors.forbids {
		if t := &other.neighbors.forbids[k]; h.means(t, h.pod) {
			tally(h.guards, t, n, sign)
		}
	}
}

func tally(counts map[place]int, t *neighborTerm, n *nodeInfo, sign int) {
	value, ok := n.node.Labels[t.key]
	if !ok {
		return
	}
	at := place{t.key, value}
	if counts[at] += sign; counts[at] == 0 {
		delete(counts, at)
	}
}

// Filter implements judge.
func (h *neighborhood) Filter(_ *podInfo, n *nodeInfo) *refusal {
	if !h.nearWanted(n) {
		return farFromNeighbors
	}
	for k := range h.terms.forbids {
		key := h.terms.forbids[k].key
		if value, ok := n.node.Labels[key]; ok && h.feared[place{key, value}] > 0 {
			return nearOthers
		}
	}
	for at := range h.guards {
		if value, ok := n.node.Labels[at.key]; ok && value == at.value {
			return unwelcome
		}
	}
	return nil
}

// nearWanted says whether the node is in a domain with a wanted pod for each term. The first of a group of pods that want
// to be together has nobody to be near, so any domain will do for it.
func (h *neighborhood) nearWanted(n *nodeInfo) bool {
	all := true
	for k := range h.terms.requires {
		key := h.terms.requires[k].key
		value, ok := n.node.Labels[key]
		if !ok {
			return false
		}
		all = all && h.wanted[place{key, value}] > 0
	}
	return all || len(h.wanted) == 0 && h.meansByAll(h.terms.requires, h.pod)
}
