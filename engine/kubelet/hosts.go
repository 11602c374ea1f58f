package kubelet

import (
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

const (
	hostsHeader            = "# Kubernetes-managed hosts file.\n"
	hostsHeaderHostNetwork = "# Kubernetes-managed hosts file (host network).\n"
	hostsStandard          = "127.0.0.1\tlocalhost\n" +
		"::1\tlocalhost ip6-localhost ip6-loopback\n" +
		"fe00::0\tip6-localnet\n" +
		"fe00::0\tip6-mcastprefix\n" +
		"fe00::1\tip6-allnodes\n" +
		"fe00::2\tip6-allrouters\n"
)

// hostsFile is the hosts(5) of a pod's containers: the pod's own name and hostAliases, or the node's file when the pod uses
// the node's network.
func hostsFile(pod *corev1.Pod, ips []string, clusterDomain string) (string, error) {
	var out strings.Builder
	if pod.Spec.HostNetwork {
		content, err := os.ReadFile("/etc/hosts")
		if err != nil {
			return "", fmt.Errorf("read the node's hosts file: %w", err)
		}
		out.WriteString(hostsHeaderHostNetwork)
		out.Write(content)
	} else {
		hostname, domain, err := podHostname(pod, clusterDomain)
		if err != nil {
			return "", err
		}
		names := hostname
		if domain != "" {
			names = hostname + "." + domain + "\t" + hostname
		}
		out.WriteString(hostsHeader + hostsStandard)
		for _, ip := range ips {
			out.WriteString(ip + "\t" + names + "\n")
		}
	}
	if len(pod.Spec.HostAliases) > 0 {
		out.WriteString("\n# Entries added by HostAliases.\n")
		for _, alias := range pod.Spec.HostAliases {
			out.WriteString(alias.IP + "\t" + strings.Join(alias.Hostnames, "\t") + "\n")
		}
	}
	return out.String(), nil
}
