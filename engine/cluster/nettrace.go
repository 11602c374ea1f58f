package cluster

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"drydock/engine/cluster/control"
	"drydock/engine/nettrace"
	"drydock/sandbox/lab"
)

// labMachine is the name of the lab's own machine in a trace; "shell" is a program of the learner's on it.
const (
	labMachine = "lab"
	fromShell  = "shell"
)

// netTrace answers VerbNetTrace.
func (c *Cluster) netTrace(ctx context.Context, call *lab.Call) error {
	var r control.TraceRequest
	if err := call.Decode(&r); err != nil {
		return err
	}
	t := &tracing{cluster: c, request: r, pods: map[netip.Addr]string{}}
	steps, err := t.run(ctx)
	if err != nil {
		return err
	}
	return call.Send(steps)
}

// tracing is one request.
type tracing struct {
	cluster *Cluster
	request control.TraceRequest
	pods    map[netip.Addr]string
	walk    nettrace.Walk
	steps   []control.TraceStep
}

func (t *tracing) run(ctx context.Context) ([]control.TraceStep, error) {
	host, portText, err := net.SplitHostPort(t.request.To)
	if err != nil {
		return nil, fmt.Errorf("%q is no destination: want NAME:PORT or ADDRESS:PORT", t.request.To)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is no port", portText)
	}
	namespace, err := t.begin(ctx)
	if err != nil {
		return nil, err
	}
	to, err := netip.ParseAddr(host)
	if err != nil {
		if to, err = t.resolve(ctx, namespace, host); err != nil || !to.IsValid() {
			return t.steps, err
		}
	}
	if t.request.As != "" {
		return t.asIf(ctx, netip.AddrPortFrom(to, uint16(port)))
	}
	t.walk.Machines, t.walk.To = t.cluster.traceMachines(), netip.AddrPortFrom(to, uint16(port))
	t.walk.Protocol = unix.IPPROTO_TCP
	if t.request.Protocol == "udp" {
		t.walk.Protocol = unix.IPPROTO_UDP
	}
	t.walk.PodAt = func(a netip.Addr) string { return t.pods[a] }
	steps, err := nettrace.Trace(t.walk)
	return append(t.steps, steps...), err
}

// traceMachines are the lab's own machine and all nodes that are on.
func (c *Cluster) traceMachines() []nettrace.Machine {
	machines := []nettrace.Machine{{Name: labMachine, Netns: "/proc/self/ns/net"}}
	for _, n := range c.status().Nodes {
		if n.PID != 0 {
			machines = append(machines, nettrace.Machine{Name: n.Name, Netns: fmt.Sprintf("/proc/%d/ns/net", n.PID)})
		}
	}
	return machines
}

// begin finds the sender, and returns the namespace in whose words it speaks.
func (t *tracing) begin(ctx context.Context) (namespace string, err error) {
	config, err := t.cluster.clientFor("drydock", "system:masters")
	if err != nil {
		return "", err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", fmt.Errorf("make a client: %w", err)
	}
	list, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", fmt.Errorf("list pods: %w", err)
	}
	from := t.request.From
	var sender *corev1.Pod
	for i := range list.Items {
		p := &list.Items[i]
		if ip, err := netip.ParseAddr(p.Status.PodIP); err == nil && !p.Spec.HostNetwork && p.Status.Phase == corev1.PodRunning {
			t.pods[ip] = p.Namespace + "/" + p.Name
		}
		if p.Namespace+"/"+p.Name == from {
			sender = p
		}
	}
	switch {
	case from == fromShell:
		t.walk.Start = labMachine
		return metav1.NamespaceDefault, nil
	case !strings.Contains(from, "/"):
		t.walk.Start = from
		return metav1.NamespaceDefault, nil
	case sender == nil:
		return "", fmt.Errorf("there is no pod %s", from)
	case sender.Status.PodIP == "":
		return "", fmt.Errorf("pod %s has no address yet", from)
	}
	t.walk.Start = sender.Spec.NodeName
	if !sender.Spec.HostNetwork {
		t.walk.FromPod, t.walk.From = true, netip.MustParseAddr(sender.Status.PodIP)
	}
	return sender.Namespace, nil
}

// resolve asks the name server what a resolver would ask, one after the other (resolv.conf(5), search and ndots:5). The zero Addr
// means that the name leads nowhere: the trace ends there.
func (t *tracing) resolve(ctx context.Context, namespace, name string) (netip.Addr, error) {
	candidates := []string{dns.Fqdn(name)}
	if !strings.HasSuffix(name, ".") {
		searched := []string{}
		for _, domain := range []string{namespace + ".svc." + clusterDomain, "svc." + clusterDomain, clusterDomain} {
			searched = append(searched, dns.Fqdn(name+"."+domain))
		}
		if strings.Count(name, ".") >= 5 {
			candidates = append(candidates, searched...)
		} else {
			candidates = append(searched, candidates...)
		}
	}
	server := net.JoinHostPort(fabricPrefix.Addr().String(), strconv.Itoa(dnsPort))
	for _, candidate := range candidates {
		reply, err := dns.ExchangeContext(ctx, new(dns.Msg).SetQuestion(candidate, dns.TypeA), server)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("ask for %s: %w", candidate, err)
		}
		step := control.TraceStep{Where: "name server", What: candidate + " A", Rule: dns.RcodeToString[reply.Rcode]}
		for _, record := range reply.Answer {
			if a, ok := record.(*dns.A); ok {
				address, _ := netip.AddrFromSlice(a.A.To4())
				step.Rule = address.String()
				t.steps = append(t.steps, step)
				return address, nil
			}
		}
		t.steps = append(t.steps, step)
	}
	t.steps = append(t.steps, control.TraceStep{Where: "name server", What: "nobody knows the name " + name + ": no packet is sent", End: "unnamed"})
	return netip.Addr{}, nil
}
