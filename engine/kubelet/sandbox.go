package kubelet

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// hostnameMax is what fits into the kernel's 64-byte nodename with its end mark (sethostname(2)).
const hostnameMax = 63

// sandboxConfig is the CRI description of a pod's namespaces, network and cgroup.
func (k *Kubelet) sandboxConfig(pod *corev1.Pod, attempt uint32) (*runtimeapi.PodSandboxConfig, error) {
	hostname, domain, err := podHostname(pod, k.cfg.ClusterDomain)
	if err != nil {
		return nil, err
	}
	if pod.Spec.SetHostnameAsFQDN != nil && *pod.Spec.SetHostnameAsFQDN && domain != "" {
		hostname += "." + domain
		if len(hostname) > hostnameMax+1 {
			return nil, fmt.Errorf("failed to construct FQDN from pod hostname and cluster domain, FQDN %s is too long (64 characters is the max, %d characters requested)", hostname, len(hostname))
		}
	}
	config := &runtimeapi.PodSandboxConfig{
		Metadata:     &runtimeapi.PodSandboxMetadata{Name: pod.Name, Namespace: pod.Namespace, Uid: string(pod.UID), Attempt: attempt},
		Labels:       mergeLabels(pod.Labels, podLabels(pod)),
		Annotations:  pod.Annotations,
		LogDirectory: k.podLogDir(pod),
		DnsConfig:    k.podDNS(pod),
		PortMappings: portMappings(pod),
		Linux:        sandboxLinux(pod),
	}
	if !pod.Spec.HostNetwork {
		config.Hostname = hostname
	}
	return config, nil
}

func podLabels(pod *corev1.Pod) map[string]string {
	return map[string]string{labelPodName: pod.Name, labelPodNamespace: pod.Namespace, labelPodUID: string(pod.UID)}
}

// podHostname is the name inside the pod and, for pods with a subdomain, the domain behind it.
func podHostname(pod *corev1.Pod, clusterDomain string) (hostname, domain string, err error) {
	hostname = pod.Name
	switch {
	case pod.Spec.HostnameOverride != nil:
		hostname = *pod.Spec.HostnameOverride
	case pod.Spec.Hostname != "":
		hostname = pod.Spec.Hostname
	}
	if len(hostname) > hostnameMax {
		hostname = strings.TrimRight(hostname[:hostnameMax], "-.")
		if hostname == "" {
			return "", "", fmt.Errorf("hostname for pod %q was invalid", pod.Name)
		}
	}
	if pod.Spec.Subdomain != "" && pod.Spec.HostnameOverride == nil {
		domain = fmt.Sprintf("%s.%s.svc.%s", pod.Spec.Subdomain, pod.Namespace, clusterDomain)
	}
	return hostname, domain, nil
}

func sandboxLinux(pod *corev1.Pod) *runtimeapi.LinuxPodSandboxConfig {
	security := &runtimeapi.LinuxSandboxSecurityContext{
		NamespaceOptions: podNamespaces(pod),
		Seccomp:          &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_RuntimeDefault},
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		security.Privileged = security.Privileged || isPrivileged(&c)
	}
	linux := &runtimeapi.LinuxPodSandboxConfig{
		CgroupParent: cgroupParent(pod), Resources: podResources(pod), SecurityContext: security, Sysctls: map[string]string{},
	}
	sc := pod.Spec.SecurityContext
	if sc == nil {
		return linux
	}
	for _, sysctl := range sc.Sysctls {
		linux.Sysctls[sysctlName(sysctl.Name)] = sysctl.Value
	}
	security.RunAsUser, security.RunAsGroup = int64Value(sc.RunAsUser), int64Value(sc.RunAsGroup)
	security.SupplementalGroups = supplementalGroups(sc)
	return linux
}

func isPrivileged(c *corev1.Container) bool {
	return c.SecurityContext != nil && c.SecurityContext.Privileged != nil && *c.SecurityContext.Privileged
}

func int64Value(v *int64) *runtimeapi.Int64Value {
	if v == nil {
		return nil
	}
	return &runtimeapi.Int64Value{Value: *v}
}

func supplementalGroups(sc *corev1.PodSecurityContext) []int64 {
	var groups []int64
	if sc.FSGroup != nil {
		groups = append(groups, *sc.FSGroup)
	}
	return append(groups, sc.SupplementalGroups...)
}

// podNamespaces says which of the pod's namespaces are its own and which are the node's.
func podNamespaces(pod *corev1.Pod) *runtimeapi.NamespaceOption {
	mode := func(host bool, otherwise runtimeapi.NamespaceMode) runtimeapi.NamespaceMode {
		if host {
			return runtimeapi.NamespaceMode_NODE
		}
		return otherwise
	}
	pid := runtimeapi.NamespaceMode_CONTAINER
	if pod.Spec.ShareProcessNamespace != nil && *pod.Spec.ShareProcessNamespace {
		pid = runtimeapi.NamespaceMode_POD
	}
	return &runtimeapi.NamespaceOption{
		Network: mode(pod.Spec.HostNetwork, runtimeapi.NamespaceMode_POD),
		Ipc:     mode(pod.Spec.HostIPC, runtimeapi.NamespaceMode_POD),
		Pid:     mode(pod.Spec.HostPID, pid),
	}
}

func portMappings(pod *corev1.Pod) []*runtimeapi.PortMapping {
	var mappings []*runtimeapi.PortMapping
	for i := range pod.Spec.Containers {
		for _, port := range pod.Spec.Containers[i].Ports {
			mappings = append(mappings, &runtimeapi.PortMapping{
				HostIp: port.HostIP, HostPort: port.HostPort, ContainerPort: port.ContainerPort,
				Protocol: runtimeapi.Protocol(runtimeapi.Protocol_value[string(port.Protocol)]),
			})
		}
	}
	return mappings
}
