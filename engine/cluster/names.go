package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"drydock/engine/dns"
	"drydock/engine/proxy"
)

const (
	dnsPort       = 53
	clusterDomain = "cluster.local"
)

// startNames starts the name server on the lab's own machine and makes the Service by which pods reach it.
//
// Kubernetes: CoreDNS is a Deployment. Here it is a part of the control plane's machine, so that names are there as soon as
// the nodes are; the way to it is the same: a Service, an EndpointSlice, and the proxies' rules.
func (c *Cluster) startNames(ctx context.Context) error {
	return c.addComponent(ctx, naming, c.prepareNames)
}

func (c *Cluster) prepareNames(ctx context.Context) (map[string]part, error) {
	config, err := c.clientFor("system:serviceaccount:kube-system:coredns", "system:masters")
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client for the name server: %w", err)
	}
	at := netip.AddrPortFrom(fabricPrefix.Addr(), dnsPort)
	// The address, not all addresses: an answer must come from where the question went to.
	packets, err := net.ListenPacket("udp4", at.String())
	if err != nil {
		return nil, fmt.Errorf("listen for names: %w", err)
	}
	streams, err := net.Listen("tcp4", at.String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for names: %w", err), packets.Close())
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(forgetManagers))
	server, err := dns.New(dns.Config{Informers: factory, Domain: clusterDomain, Packets: packets, Streams: streams})
	if err != nil {
		return nil, errors.Join(err, packets.Close(), streams.Close())
	}
	factory.StartWithContext(ctx)
	if err := announceNames(ctx, client, at); err != nil {
		return nil, errors.Join(err, packets.Close(), streams.Close())
	}
	return map[string]part{"name server": server.Run}, nil
}

// forgetManagers drops what nobody here reads and what is half of an object's size.
func forgetManagers(obj any) (any, error) {
	if object, ok := obj.(metav1.Object); ok {
		object.SetManagedFields(nil)
	}
	return obj, nil
}

// announceNames makes the Service kube-dns, as kubeadm does, with the endpoints written by hand. What is there stays: it is
// from the lab's last life, or somebody has changed it on purpose.
func announceNames(ctx context.Context, client kubernetes.Interface, at netip.AddrPort) error {
	labels := map[string]string{"k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS"}
	meta := metav1.ObjectMeta{Name: "kube-dns", Namespace: metav1.NamespaceSystem, Labels: labels}
	port := func(name string, protocol corev1.Protocol) corev1.ServicePort {
		return corev1.ServicePort{Name: name, Protocol: protocol, Port: dnsPort, TargetPort: intstr.FromInt32(int32(at.Port()))}
	}
	service := &corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{
		ClusterIP: dnsServiceAddr.String(), ClusterIPs: []string{dnsServiceAddr.String()},
		Ports: []corev1.ServicePort{port("dns", corev1.ProtocolUDP), port("dns-tcp", corev1.ProtocolTCP)},
	}}
	_, err := client.CoreV1().Services(meta.Namespace).Create(ctx, service, metav1.CreateOptions{})
	if err != nil && !taken(ctx, client, err) {
		return fmt.Errorf("create the Service kube-dns: %w", err)
	}
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: *meta.DeepCopy(), AddressType: discoveryv1.AddressTypeIPv4,
		Endpoints: []discoveryv1.Endpoint{{
			Addresses: []string{at.Addr().String()}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
		}},
	}
	slice.Labels[discoveryv1.LabelServiceName] = meta.Name
	slice.Labels[discoveryv1.LabelManagedBy] = "drydock"
	for _, p := range service.Spec.Ports {
		slice.Ports = append(slice.Ports, discoveryv1.EndpointPort{Name: ptr.To(p.Name), Protocol: ptr.To(p.Protocol), Port: ptr.To(int32(at.Port()))})
	}
	_, err = client.DiscoveryV1().EndpointSlices(meta.Namespace).Create(ctx, slice, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create the endpoints of kube-dns: %w", err)
	}
	return announceNamesTheOldWay(ctx, client, meta, service, at)
}

// announceNamesTheOldWay writes the older kind of endpoints, for who still reads it. The label keeps it from being mirrored.
func announceNamesTheOldWay(ctx context.Context, client kubernetes.Interface, meta metav1.ObjectMeta, service *corev1.Service, at netip.AddrPort) error {
	old := &corev1.Endpoints{ObjectMeta: *meta.DeepCopy()} //nolint:staticcheck // it is the old kind that is meant
	old.Labels[discoveryv1.LabelSkipMirror] = "true"
	subset := corev1.EndpointSubset{Addresses: []corev1.EndpointAddress{{IP: at.Addr().String()}}} //nolint:staticcheck // see above
	for _, p := range service.Spec.Ports {
		subset.Ports = append(subset.Ports, corev1.EndpointPort{Name: p.Name, Protocol: p.Protocol, Port: int32(at.Port())})
	}
	old.Subsets = append(old.Subsets, subset)
	_, err := client.CoreV1().Endpoints(meta.Namespace).Create(ctx, old, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("create the Endpoints of kube-dns: %w", err)
	}
	return nil
}

// taken says whether the creation failed because the Service is there: its address is looked at first, and is taken, by itself.
func taken(ctx context.Context, client kubernetes.Interface, err error) bool {
	if apierrors.IsAlreadyExists(err) {
		return true
	}
	_, missing := client.CoreV1().Services(metav1.NamespaceSystem).Get(ctx, "kube-dns", metav1.GetOptions{})
	return missing == nil
}

// startLabProxy keeps Services reachable from the lab's own machine: the control plane's, where the learner's shell is.
func (c *Cluster) startLabProxy(ctx context.Context) error {
	config, err := c.clientFor("system:kube-proxy", "system:node-proxier", "system:masters")
	if err != nil {
		return err
	}
	p, err := proxy.New(proxy.Config{
		NodeName: "lab", NodeIP: fabricPrefix.Addr().String(), REST: config, PodCIDR: podRange.String(), Recorder: c.ring,
		OnlyClusterIPs: true, // from here a node port or a load balancer is reached over the cable, as from outside
	})
	if err != nil {
		return err
	}
	c.run(ctx, "proxy of the lab", p.Run)
	return nil
}

// prepareResolver makes names of the cluster work in the learner's shell: "web" is a Service of namespace default there.
func (c *Cluster) prepareResolver() error {
	var hosts strings.Builder
	fmt.Fprintf(&hosts, "127.0.0.1 localhost\n%s drydock\n", fabricPrefix.Addr())
	for _, n := range c.allNodes() {
		fmt.Fprintf(&hosts, "%s %s\n", n.address, n.name)
	}
	files := map[string]string{
		"/etc/hosts": hosts.String(),
		"/etc/resolv.conf": fmt.Sprintf("search default.svc.%[1]s svc.%[1]s %[1]s\nnameserver %[2]s\noptions ndots:5\n",
			clusterDomain, dnsServiceAddr),
	}
	if machines, err := os.ReadFile("/etc/nsswitch.conf"); err == nil {
		files["/etc/nsswitch.conf"] = onlyFilesAndDNS(string(machines))
	}
	for path, content := range files {
		// A machine without such a file has no place to put ours; then names are missing in the shell, and only there.
		if err := c.opts.Inside.Replace(path, content); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// onlyFilesAndDNS changes nsswitch.conf(5) so that hosts are not asked of the machine's own services (systemd-resolved,
// mdns), which know nothing of the lab and whose sockets can be seen in it.
func onlyFilesAndDNS(nsswitch string) string {
	lines := strings.Split(nsswitch, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "hosts:") {
			lines[i] = "hosts: files dns"
		}
	}
	return strings.Join(lines, "\n")
}
