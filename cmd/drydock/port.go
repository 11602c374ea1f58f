package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"drydock/engine/cluster/access"
	"drydock/engine/cluster/control"
	"drydock/sandbox/hostport"
	"drydock/sandbox/lab"
)

func (a *app) portCommand() *cobra.Command {
	var namespace string
	cmd := &cobra.Command{
		Use: "port SERVICE[:PORT] | NODEPORT[/udp]  [LOCALPORT]", Short: "Open a port of this machine that leads to a Service or a node port",
		Long: "Opens a port on 127.0.0.1 of this machine and carries what comes there into the lab: to the address of a load\n" +
			"balancer, to a node port, or else to the Service's cluster address; datagrams, too. Ctrl-C closes it.\n\n" +
			"Node ports and load balancers have a port of this machine without it: `drydock status` lists them.",
		Example: "  drydock port web\n  drydock port web:http 8080\n  drydock port 30080\n  drydock port kube-dns:dns -n kube-system 5353\n  drydock port 30053/udp",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usage("`drydock port` needs a Service or a node port, e.g. `drydock port web 8080`")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.find()
			if err != nil {
				return err
			}
			status, err := control.AskStatus(cmd.Context(), p.lab.Control())
			if errors.Is(err, lab.ErrNotRunning) {
				return &codeError{exitNo, fmt.Errorf("lab %q is not running; `drydock up` starts it", p.lab.Name())}
			}
			if err != nil {
				return err
			}
			config, err := access.RESTConfig(p.lab)
			if err != nil {
				return err
			}
			goal, err := findGoal(cmd.Context(), config, status, namespace, args[0])
			if err != nil {
				return err
			}
			return carry(cmd, p.lab.Control(), goal, args[1:])
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "default", "namespace of the Service")
	return cmd
}

// carry opens the port, says so, and carries what comes there until the command is interrupted.
func carry(cmd *cobra.Command, socket string, g goal, wish []string) error {
	way := control.WayInto(socket, g.network, g.address)
	failed := func(err error) { fmt.Fprintln(cmd.ErrOrStderr(), "drydock:", err) }
	if g.network == "udp" {
		packets, err := openLocal(g, wish, listenPacketLocal)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "udp %s leads to %s. Ctrl-C ends it.\n", packets.LocalAddr(), g)
		return control.ForwardPackets(cmd.Context(), packets, way, failed)
	}
	listener, err := openLocal(g, wish, listenLocal)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "http://%s leads to %s. Ctrl-C ends it.\n", listener.Addr(), g)
	return control.Forward(cmd.Context(), listener, way, failed)
}

// goal is where a forwarded port leads.
type goal struct {
	what    string
	network string // tcp or udp
	address string // in the lab's network
	port    int    // what clients know it by
}

func (g goal) String() string { return fmt.Sprintf("%s (%s in the lab)", g.what, g.address) }

// servedService is what we read of a Service.
type servedService struct {
	Spec struct {
		ClusterIP string
		Ports     []servedPort
	}
	Status struct {
		LoadBalancer struct{ Ingress []struct{ IP string } }
	}
}

type servedPort struct {
	Name           string
	Protocol       string
	Port, NodePort int
}

// maxBody bounds what is read of an answer, in bytes.
const maxBody = 1 << 20

// findGoal reads "30080", "30053/udp", "web", "web:http" or "web:80".
func findGoal(ctx context.Context, config *rest.Config, status control.Status, namespace, text string) (goal, error) {
	digits, network, found := strings.Cut(text, "/")
	if !found {
		network = "tcp"
	}
	if number, err := strconv.Atoi(digits); err == nil {
		if number < 1 || number > 65535 {
			return goal{}, usage("%d is no port", number)
		}
		if network != "tcp" && network != "udp" {
			return goal{}, usage("%q is neither tcp nor udp", network)
		}
		return onNode(status, goal{what: "node port " + text, network: network, port: number}, number)
	}
	name, portText, _ := cutLast(text, ':')
	service, err := readService(ctx, config, namespace, name)
	if err != nil {
		return goal{}, err
	}
	port, err := service.choose(name, portText)
	if err != nil {
		return goal{}, err
	}
	g := goal{what: fmt.Sprintf("Service %s/%s, port %d", namespace, name, port.Port), network: strings.ToLower(port.Protocol), port: port.Port}
	for _, ingress := range service.Status.LoadBalancer.Ingress {
		if ingress.IP != "" {
			return g.at(ingress.IP, port.Port), nil
		}
	}
	if port.NodePort != 0 {
		return onNode(status, g, port.NodePort)
	}
	if net.ParseIP(service.Spec.ClusterIP) == nil {
		return goal{}, &codeError{exitNo, fmt.Errorf("the Service %s has no address of its own: it is headless or an ExternalName", name)}
	}
	return g.at(service.Spec.ClusterIP, port.Port), nil
}

func (g goal) at(host string, port int) goal {
	g.address = net.JoinHostPort(host, strconv.Itoa(port))
	return g
}

func cutLast(text string, sep byte) (before, after string, found bool) {
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] == sep {
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

func onNode(status control.Status, g goal, nodePort int) (goal, error) {
	for _, n := range status.Nodes {
		if n.State == "running" {
			return g.at(n.Address, nodePort), nil
		}
	}
	return goal{}, &codeError{exitNo, errors.New("no node is running")}
}

func readService(ctx context.Context, config *rest.Config, namespace, name string) (*servedService, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make an API client: %w", err)
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+"/api/v1/namespaces/"+namespace+"/services/"+name, nil)
	if err != nil {
		return nil, usage("%q is no name of a Service", name)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("read the Service %s: %w", name, err)
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotFound {
		return nil, &codeError{exitNo, fmt.Errorf("there is no Service %s in namespace %s; `drydock kubectl get services -A` lists them", name, namespace)}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil || response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the Service %s: %s: %w", name, response.Status, err)
	}
	service := &servedService{}
	if err := json.Unmarshal(body, service); err != nil {
		return nil, fmt.Errorf("read the Service %s: %w", name, err)
	}
	return service, nil
}

// choose picks the port that was asked for by name or number, or the first TCP one, or the first.
func (s *servedService) choose(name, want string) (servedPort, error) {
	for _, protocol := range []string{"TCP", "UDP"} {
		for _, p := range s.Spec.Ports {
			if p.Protocol == protocol && (want == "" || want == p.Name || want == strconv.Itoa(p.Port)) {
				return p, nil
			}
		}
	}
	if want == "" {
		return servedPort{}, &codeError{exitNo, fmt.Errorf("the Service %s has no TCP or UDP port, and nothing else can be forwarded", name)}
	}
	return servedPort{}, usage("the Service %s has no TCP or UDP port %s; `drydock kubectl describe service %[1]s` lists its ports", name, want)
}

// portShift moves a port that needs root to one that does not: 80 becomes 8080.
const portShift = 8000

// openLocal opens the wanted port of 127.0.0.1, or the Service's own number, or, when that is taken, any.
func openLocal[T any](g goal, wish []string, open func(port int) (T, error)) (T, error) {
	if len(wish) == 0 {
		port := g.port
		if port < hostport.FirstFree {
			port += portShift
		}
		if l, err := open(port); err == nil {
			return l, nil
		}
		return open(0)
	}
	var none T
	port, err := strconv.Atoi(wish[0])
	if err != nil || port < 0 || port > 65535 {
		return none, usage("%q is no port", wish[0])
	}
	if port > 0 && port < hostport.FirstFree {
		return none, &codeError{exitNo, fmt.Errorf("port %d is for the machine's own services, as all below %d; try %d", port, hostport.FirstFree, port+portShift)}
	}
	l, err := open(port)
	if errors.Is(err, syscall.EADDRINUSE) {
		return none, &codeError{exitNo, fmt.Errorf("port %d of this machine is taken by another program; choose another, or leave it out", port)}
	}
	return l, err
}

func listenLocal(port int) (net.Listener, error) {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("open port %d of this machine: %w", port, err)
	}
	return l, nil
}

func listenPacketLocal(port int) (net.PacketConn, error) {
	p, err := net.ListenPacket("udp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("open UDP port %d of this machine: %w", port, err)
	}
	return p, nil
}
