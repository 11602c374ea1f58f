package kubelet

import (
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// podDNS is the resolv.conf of the pod's containers, by dnsPolicy and dnsConfig.
func (k *Kubelet) podDNS(pod *corev1.Pod) *runtimeapi.DNSConfig {
	dns := nodeDNS()
	cluster := pod.Spec.DNSPolicy == corev1.DNSClusterFirstWithHostNet ||
		(pod.Spec.DNSPolicy == corev1.DNSClusterFirst && !pod.Spec.HostNetwork)
	switch {
	case pod.Spec.DNSPolicy == corev1.DNSNone:
		dns = &runtimeapi.DNSConfig{}
	case cluster && len(k.cfg.ClusterDNS) > 0:
		domain := k.cfg.ClusterDomain
		dns.Servers = slices.Clone(k.cfg.ClusterDNS)
		dns.Searches = append([]string{pod.Namespace + ".svc." + domain, "svc." + domain, domain}, dns.Searches...)
		dns.Options = []string{"ndots:5"}
	}
	if extra := pod.Spec.DNSConfig; extra != nil {
		dns.Servers = append(dns.Servers, extra.Nameservers...)
		dns.Searches = append(dns.Searches, extra.Searches...)
		for _, option := range extra.Options {
			dns.Options = setOption(dns.Options, option)
		}
	}
	k.fitServers(pod, dns, unique(dns.Servers))
	k.fitSearches(pod, dns, unique(dns.Searches))
	return dns
}

// How much of resolv.conf(5) the resolvers of containers take. They leave out the rest in silence; a kubelet says so.
const (
	maxServers     = 3    // MAXNS
	maxSearches    = 32   // before glibc 2.26 it was 6
	maxSearchLine  = 2048 // characters
	maxSearchEntry = 253  // the longest name that DNS has
)

func (k *Kubelet) fitServers(pod *corev1.Pod, dns *runtimeapi.DNSConfig, servers []string) {
	dns.Servers = servers
	if len(servers) > maxServers {
		dns.Servers = servers[:maxServers]
		k.events.pod(pod, nil, corev1.EventTypeWarning, "DNSConfigForming", "Nameserver limits were exceeded, some nameservers have been omitted, "+
			"the applied nameserver line is: "+strings.Join(dns.Servers, " "))
	}
}

func (k *Kubelet) fitSearches(pod *corev1.Pod, dns *runtimeapi.DNSConfig, searches []string) {
	fit := slices.Clone(searches[:min(len(searches), maxSearches)])
	fit = slices.DeleteFunc(fit, func(s string) bool { return len(s) > maxSearchEntry })
	for len(strings.Join(fit, " ")) > maxSearchLine {
		fit = fit[:len(fit)-1]
	}
	dns.Searches = fit
	if len(fit) < len(searches) {
		k.events.pod(pod, nil, corev1.EventTypeWarning, "DNSConfigForming", "Search Line limits were exceeded, some search paths have been omitted, "+
			"the applied search line is: "+strings.Join(fit, " "))
	}
}

func setOption(options []string, option corev1.PodDNSConfigOption) []string {
	text := option.Name
	if option.Value != nil && *option.Value != "" {
		text += ":" + *option.Value
	}
	options = slices.DeleteFunc(options, func(o string) bool { name, _, _ := strings.Cut(o, ":"); return name == option.Name })
	return append(options, text)
}

func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// nodeDNS reads the node's own resolv.conf(5).
func nodeDNS() *runtimeapi.DNSConfig {
	dns := &runtimeapi.DNSConfig{}
	content, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return dns
	}
	for line := range strings.Lines(string(content)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			dns.Servers = append(dns.Servers, fields[1])
		case "search":
			dns.Searches = fields[1:]
		case "options":
			dns.Options = append(dns.Options, fields[1:]...)
		}
	}
	return dns
}
