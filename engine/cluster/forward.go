package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"

	"drydock/engine/cluster/control"
	"drydock/engine/decision"
	"drydock/sandbox/hostport"
)

// forwarder opens a port of the machine's 127.0.0.1 for every node port and every load balancer, and closes it with them.
type forwarder struct {
	// set once in startForwarder
	c         *Cluster
	services  corelisters.ServiceLister
	ingresses networkinglisters.IngressLister
	wake      chan struct{} // holds one token while something may have changed

	open sync.WaitGroup // the ports

	mu sync.Mutex
	// guarded by mu
	ports map[offer]*openPort
}

// offer is something that can be reached from outside.
type offer struct {
	namespace, service string
	protocol           corev1.Protocol
	port               int32  // of the Service
	address            string // of the load balancer; "" for a node port
	nodePort           int32
	local              bool // only nodes with an endpoint of their own answer
}

// openPort is a port of the machine.
type openPort struct {
	address string // 127.0.0.1:30080
	close   context.CancelFunc
}

// startForwarder starts the forwarder, unless this lab is to have no ports of the machine.
func (c *Cluster) startForwarder(ctx context.Context) error {
	if c.opts.HostPorts == nil {
		return nil
	}
	config, err := c.clientFor("drydock:forwarder", "system:masters")
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("make a client for the forwarder: %w", err)
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(forgetManagers))
	services, ingresses := factory.Core().V1().Services(), factory.Networking().V1().Ingresses()
	f := &forwarder{
		c: c, services: services.Lister(), ingresses: ingresses.Lister(), wake: make(chan struct{}, 1), ports: map[offer]*openPort{},
	}
	if _, err := services.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { f.look() }, UpdateFunc: func(any, any) { f.look() }, DeleteFunc: func(any) { f.look() },
	}); err != nil {
		return fmt.Errorf("follow Services: %w", err)
	}
	ingresses.Informer() // read when somebody asks for the status
	factory.StartWithContext(ctx)
	c.mu.Lock()
	c.forwarder = f
	c.mu.Unlock()
	c.run(ctx, "forwarder", f.run)
	return nil
}

func (f *forwarder) look() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run opens and closes ports until ctx ends.
func (f *forwarder) run(ctx context.Context) error {
	defer f.open.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
			f.settle(ctx)
		}
	}
}

// settle brings the open ports in line with the Services.
func (f *forwarder) settle(ctx context.Context) {
	list, err := f.services.List(labels.Everything())
	if err != nil {
		return // listing the local copy cannot fail
	}
	var wanted []offer
	for _, service := range list {
		wanted = append(wanted, offers(service)...)
	}
	slices.SortFunc(wanted, compare) // of two that want the same number it is always the same that gets it
	f.mu.Lock()
	defer f.mu.Unlock()
	for o, port := range f.ports {
		if !slices.Contains(wanted, o) {
			port.close()
			delete(f.ports, o)
			f.record(o, "Unforward", port.address, "")
		}
	}
	for _, o := range wanted {
		if f.ports[o] != nil {
			continue
		}
		port, err := f.openLocked(ctx, o)
		if err != nil {
			f.record(o, "Forward", "", err.Error())
			continue // the next change of a Service tries again
		}
		f.ports[o] = port
		f.record(o, "Forward", "", port.address)
	}
}

func (f *forwarder) record(o offer, action, before, after string) {
	f.c.ring.Record(decision.Record{
		Actor: "forwarder", Object: decision.Object{Resource: "services", Namespace: o.namespace, Name: o.service},
		Action: action, Before: before, After: after,
	})
}

// offers are what a Service has for the outside: the address of its load balancer, or else its node ports.
func offers(service *corev1.Service) []offer {
	if service.Spec.Type != corev1.ServiceTypeNodePort && service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return nil
	}
	address := ""
	for _, point := range service.Status.LoadBalancer.Ingress {
		if point.IP != "" {
			address = point.IP
		}
	}
	if address == "" && service.Spec.Type == corev1.ServiceTypeLoadBalancer && service.Spec.LoadBalancerClass == nil {
		return nil // it gets one in a moment
	}
	var all []offer
	for _, port := range service.Spec.Ports {
		if port.Protocol != corev1.ProtocolTCP && port.Protocol != corev1.ProtocolUDP {
			continue
		}
		o := offer{namespace: service.Namespace, service: service.Name, protocol: port.Protocol, port: port.Port, address: address}
		if address == "" {
			o.nodePort = port.NodePort
			o.local = service.Spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal
		}
		if address != "" || o.nodePort != 0 {
			all = append(all, o)
		}
	}
	return all
}

// privileged is what is added to a port that needs root: 80 becomes 8080.
const privileged = 8000

// openLocked opens a port like that of the offer, or any when that is taken, and carries what comes there to the offer.
func (f *forwarder) openLocked(ctx context.Context, o offer) (*openPort, error) {
	wish := int(cmp.Or(o.nodePort, o.port))
	if wish < hostport.FirstFree {
		wish += privileged
	}
	ctx, cancel := context.WithCancel(ctx)
	unheard := func(error) {} // the client's connection is closed; why is the cluster's own to tell, by its Events
	if o.protocol == corev1.ProtocolUDP {
		packets, err := f.c.opts.HostPorts.ListenPacket(wish)
		if err != nil {
			cancel()
			return nil, err
		}
		port := &openPort{packets.LocalAddr().String(), cancel}
		f.open.Go(func() { f.lost(o, port, control.ForwardPackets(ctx, packets, f.way(o), unheard)) })
		return port, nil
	}
	listener, err := f.c.opts.HostPorts.Listen(wish)
	if err != nil {
		cancel()
		return nil, err
	}
	port := &openPort{listener.Addr().String(), cancel}
	f.open.Go(func() { f.lost(o, port, control.Forward(ctx, listener, f.way(o), unheard)) })
	return port, nil
}

// lost forgets a port that broke: the next change of a Service opens another.
func (f *forwarder) lost(o offer, port *openPort, err error) {
	if err == nil {
		return // it was closed
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ports[o] == port {
		port.close()
		delete(f.ports, o)
		f.record(o, "Unforward", port.address, err.Error())
	}
}

// firstWord is how long a node may take to accept a connection before another is tried: one that has no endpoint of its own says nothing.
const firstWord = 500 * time.Millisecond

// way connects to an offer: to the load balancer's address, or to a node that runs, the first that answers.
func (f *forwarder) way(o offer) control.Way {
	network := strings.ToLower(string(o.protocol))
	if o.address != "" {
		return dialer(network, net.JoinHostPort(o.address, strconv.Itoa(int(o.port))), 0)
	}
	return func(ctx context.Context) (net.Conn, error) {
		err := errors.New("no node is running")
		for _, n := range f.c.allNodes() {
			if m, _ := n.running(); m == nil {
				continue
			}
			patience := time.Duration(0)
			if o.local {
				patience = firstWord
			}
			var conn net.Conn
			if conn, err = dialer(network, net.JoinHostPort(n.address.String(), strconv.Itoa(int(o.nodePort))), patience)(ctx); err == nil || !o.local {
				return conn, err
			}
		}
		return nil, err
	}
}

func dialer(network, address string, patience time.Duration) control.Way {
	d := net.Dialer{Timeout: patience}
	return func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, network, address) }
}

// compare orders by name, then by port.
func compare(a, b offer) int {
	return cmp.Or(strings.Compare(a.namespace, b.namespace), strings.Compare(a.service, b.service), cmp.Compare(a.port, b.port),
		strings.Compare(string(a.protocol), string(b.protocol)))
}

// list is for the status, ordered as compare does.
func (f *forwarder) list() []control.Forwarded {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []control.Forwarded
	for _, o := range slices.SortedFunc(maps.Keys(f.ports), compare) {
		to := net.JoinHostPort(o.address, strconv.Itoa(int(o.port)))
		if o.address == "" {
			to = fmt.Sprintf("node port %d", o.nodePort)
		}
		all = append(all, control.Forwarded{
			Address: f.ports[o].address, Network: strings.ToLower(string(o.protocol)), Namespace: o.namespace, Service: o.service, Port: int(o.port), To: to,
			Hosts: f.hostsBehind(o.address),
		})
	}
	return all
}

// hostsBehind are the hosts of the Ingresses that say they are served at an address, sorted.
func (f *forwarder) hostsBehind(address string) []string {
	if address == "" {
		return nil
	}
	list, err := f.ingresses.List(labels.Everything())
	if err != nil {
		return nil // listing the local copy cannot fail
	}
	var hosts []string
	for _, ingress := range list {
		for _, point := range ingress.Status.LoadBalancer.Ingress {
			if point.IP != address {
				continue
			}
			for _, rule := range ingress.Spec.Rules {
				hosts = append(hosts, cmp.Or(rule.Host, "*"))
			}
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}
