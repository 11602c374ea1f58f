package conformance_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestPodsReachEachOther: from every node to every node, by HTTP and by UDP, and from the nodes themselves.
func TestPodsReachEachOther(t *testing.T) {
	r := enter(t)
	nodes := must(r.CoreV1().Nodes().List(r.ctx, metav1.ListOptions{}))(r)
	var servers []string
	for _, node := range nodes.Items {
		spec := server(web)
		spec.NodeName = node.Name
		spec.Containers = append(spec.Containers, corev1.Container{Name: "udp", Image: base, Command: []string{"nc", "-u", "-l", "-k", "-p", "9000"}, Stdin: true})
		r.pod("on-"+node.Name, spec)
		servers = append(servers, "on-"+node.Name)
	}
	own := sh("sleep 1000")
	own.HostNetwork, own.NodeName = true, nodes.Items[0].Name
	r.pod("node", own)
	r.client()
	r.awaitPod("node", ready)
	for _, name := range servers {
		ip := r.awaitPod(name, ready).Status.PodIP
		r.finds(fmt.Sprintf("http://%s:8080/hostname", ip), name)
		r.hears("client", name, "udp", ip, 9000)
		got := r.exec("node", "main", "curl", "-s", "-m", "10", fmt.Sprintf("http://%s:8080/hostname", ip))
		if strings.TrimSpace(got) != name {
			r.Errorf("from the node: %q, want %s", got, name)
		}
		r.hears("node", name, "udp", ip, 9000)
	}
}

// TestDNSNames: Services, pods by their host names and subdomains, ExternalName, the API server, partial names, and what a pod has in
// its hosts file.
func TestDNSNames(t *testing.T) {
	r := enter(t)
	r.service("headless", func(s *corev1.ServiceSpec) { s.ClusterIP = corev1.ClusterIPNone })
	r.service("web")
	r.service("alias", func(s *corev1.ServiceSpec) {
		s.Type, s.ExternalName, s.Selector, s.Ports = corev1.ServiceTypeExternalName, "foo.example.com", nil, nil
	})
	spec := server(web)
	spec.Hostname, spec.Subdomain = "querier", "headless"
	r.pod("headless", spec)
	ip := r.awaitPod("headless", ready).Status.PodIP
	clusterIP := must(r.services().Get(r.ctx, "web", metav1.GetOptions{}))(r).Spec.ClusterIP
	r.client()
	zone := r.ns + ".svc.cluster.local"
	for _, name := range []string{"web", "web." + r.ns, "web." + r.ns + ".svc", "web." + zone} {
		r.until(fmt.Sprintf("nslookup %s | grep -w %s", name, clusterIP))
	}
	r.until("nslookup kubernetes.default | grep -w 10.96.0.1")
	r.until(fmt.Sprintf("nslookup querier.headless.%s | grep -w %s", zone, ip))
	r.until(fmt.Sprintf("nslookup headless.%s | grep -w %s", zone, ip))
	r.until("nslookup alias 2>&1 | grep foo.example.com")
	if hosts := r.exec("headless", "main", "sh", "-c", "cat /etc/hosts; hostname -f"); !strings.Contains(hosts, ip+"\tquerier.headless."+zone+"\tquerier") {
		r.Errorf("hosts and name of the pod:\n%s", hosts)
	}
}

func TestDNSOfAPodsOwn(t *testing.T) {
	r := enter(t)
	spec := sh("cat /etc/resolv.conf")
	spec.DNSPolicy = corev1.DNSNone
	spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{"1.1.1.1"}, Searches: []string{"resolv.conf.local"}}
	r.said("own", spec, "nameserver 1.1.1.1", "search resolv.conf.local")
}

// TestHostPortsDoNotCollide: the same port of a node at two addresses of it, and for two protocols.
func TestHostPortsDoNotCollide(t *testing.T) {
	r := enter(t)
	node := must(r.CoreV1().Nodes().List(r.ctx, metav1.ListOptions{}))(r).Items[0]
	address := node.Status.Addresses[0].Address
	const number = 54323
	for name, p := range map[string]corev1.ContainerPort{
		"loopback": {HostIP: "127.0.0.1", Protocol: corev1.ProtocolTCP},
		"own":      {HostIP: address, Protocol: corev1.ProtocolTCP},
		"datagram": {HostIP: address, Protocol: corev1.ProtocolUDP},
	} {
		spec := server(web)
		spec.NodeName = node.Name
		p.HostPort, p.ContainerPort = number, 8080
		spec.Containers[0].Ports = []corev1.ContainerPort{p}
		if p.Protocol == corev1.ProtocolUDP {
			spec.Containers[0] = corev1.Container{Name: "main", Image: base, Command: []string{"nc", "-u", "-l", "-k", "-p", "8080"}, Stdin: true, Ports: spec.Containers[0].Ports}
		}
		r.pod(name, spec)
	}
	for _, name := range []string{"loopback", "own", "datagram"} {
		r.awaitPod(name, ready)
	}
	spec := sh("sleep 1000")
	spec.HostNetwork, spec.NodeName = true, node.Name
	r.pod("client", spec)
	r.awaitPod("client", ready)
	r.finds(fmt.Sprintf("http://127.0.0.1:%d/hostname", number), "loopback")
	r.finds(fmt.Sprintf("http://%s:%d/hostname", address, number), "own")
	r.hears("client", "datagram", "main", address, number)
}

// TestProxySubresources: pods and Services answer through the API server, with and without a path, by name and number of a port.
func TestProxySubresources(t *testing.T) {
	r := enter(t)
	pod := r.pod("web", server(web))
	r.service("web")
	r.awaitPod("web", ready)
	r.client()
	r.finds("http://web/hostname", "web")
	r.answers(pod, "/hostname", "web")
	for _, portName := range []string{"http", "80"} {
		got := string(must(r.services().ProxyGet("http", "web", portName, "/hostname", nil).DoRaw(r.ctx))(r))
		if strings.TrimSpace(got) != "web" {
			r.Errorf("through the Service, port %s: %q", portName, got)
		}
	}
	for _, kind := range []string{"pods", "services"} {
		name := map[string]string{"pods": "web:8080", "services": "web:http"}[kind]
		for _, verb := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			err := r.CoreV1().RESTClient().Verb(verb).Namespace(r.ns).Resource(kind).Name(name).SubResource("proxy").Suffix("version").Do(r.ctx).Error()
			var status *apierrors.StatusError
			if err != nil && (!errors.As(err, &status) || status.Status().Code != 405) { // which the program behind says to most verbs
				r.Errorf("%s of %s: %v", verb, kind, err)
			}
		}
	}
}
