package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"drydock/engine/decision"
	"drydock/engine/kubelet"
)

// runKubelet is `docknode kubelet`: the agent of one node, until ctx ends.
func runKubelet(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("docknode kubelet", flag.ContinueOnError)
	var cfg kubelet.Config
	flags.StringVar(&cfg.NodeName, "node", hostname(), "name of this node")
	flags.StringVar(&cfg.NodeIP, "node-ip", "", "address of this node")
	flags.StringVar(&cfg.PodCIDR, "pod-cidr", "", "addresses of this node's pods")
	flags.StringVar(&cfg.RootDir, "root-dir", kubelet.DefaultRootDir, "where volumes live")
	flags.StringVar(&cfg.LogDir, "log-dir", kubelet.DefaultLogDir, "where pods' logs live")
	flags.StringVar(&cfg.ClusterDomain, "cluster-domain", "cluster.local", "the domain behind service names")
	clusterDNS := flags.String("cluster-dns", "", "addresses of the cluster's name servers, separated by commas")
	kubeconfig := flags.String("kubeconfig", kubelet.DefaultKubeconfig, "how to reach the API server")
	socket := flags.String("cri", kubelet.DefaultCRISocket, "socket of the container runtime")
	certFile := flags.String("tls-cert", kubelet.DefaultCertFile, "serving certificate")
	keyFile := flags.String("tls-key", kubelet.DefaultKeyFile, "key of the serving certificate")
	clientCA := flags.String("client-ca", kubelet.DefaultClientCA, "authority of the clients that may connect")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *clusterDNS != "" {
		cfg.ClusterDNS = strings.Split(*clusterDNS, ",")
	}
	if err := serving(&cfg, *certFile, *keyFile, *clientCA); err != nil {
		return err
	}
	defer func() { _ = cfg.Listener.Close() }() // the kubelet has closed it, if it ran
	closer, runtime, images, err := kubelet.Dial(*socket)
	if err != nil {
		return err
	}
	defer closer.Close()
	cfg.Runtime, cfg.Images = runtime, images
	api, sink, err := connect(*kubeconfig)
	if err != nil {
		return err
	}
	if cfg.Client, err = kubelet.NewClient(api); err != nil {
		return err
	}
	cfg.Recorder = sink
	k, err := kubelet.New(cfg)
	if err != nil {
		return err
	}
	return runWith(ctx, sink, k.Run)
}

// serving opens the kubelet's port and reads what secures it.
func serving(cfg *kubelet.Config, certFile, keyFile, caFile string) error {
	var err error
	if cfg.ServingCert, err = tls.LoadX509KeyPair(certFile, keyFile); err != nil {
		return fmt.Errorf("read the kubelet's certificate: %w", err)
	}
	authority, err := os.ReadFile(caFile)
	if err != nil {
		return fmt.Errorf("read the clients' authority: %w", err)
	}
	cfg.ClientCA = x509.NewCertPool()
	if !cfg.ClientCA.AppendCertsFromPEM(authority) {
		return fmt.Errorf("read the clients' authority: no certificate in %s", caFile)
	}
	if cfg.Listener, err = net.Listen("tcp", net.JoinHostPort(cfg.NodeIP, fmt.Sprint(kubelet.DefaultPort))); err != nil {
		return fmt.Errorf("open the kubelet's port: %w", err)
	}
	return nil
}

// connect reads a kubeconfig and prepares the way of decision records to the same server.
func connect(kubeconfig string) (*rest.Config, *decision.Sink, error) {
	api, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, nil, fmt.Errorf("read kubeconfig %s: %w", kubeconfig, err)
	}
	transport, err := rest.TransportFor(api)
	if err != nil {
		return nil, nil, fmt.Errorf("prepare the connection to %s: %w", api.Host, err)
	}
	return api, decision.NewSink(&http.Client{Transport: transport}, strings.TrimSuffix(api.Host, "/")+"/drydock/decisions"), nil
}

// runWith runs a part with its sink beside it, and ends the sink when the part has ended.
func runWith(ctx context.Context, sink *decision.Sink, part func(context.Context) error) error {
	sinkCtx, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = sink.Run(sinkCtx) // ends with its context, never otherwise
	}()
	err := part(ctx)
	stop()
	<-stopped
	return err
}

func hostname() string {
	name, _ := os.Hostname() // empty when unknown: the part itself asks for a name
	return name
}
