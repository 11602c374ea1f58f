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
	"os/signal"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
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
	flags.StringVar(&cfg.Manifests, "pod-manifest-path", kubelet.DefaultManifests, "a directory of static pods, empty for none")
	flags.StringVar(&cfg.ClusterDomain, "cluster-domain", "cluster.local", "the domain behind service names")
	flags.DurationVar(&cfg.LeaseDuration, "lease-duration", kubelet.DefaultLeaseDuration, "how long a sign of life is good for; it is renewed four times in that time")
	flags.Func("labels", "labels of this node: key=value, separated by commas", func(text string) (err error) {
		cfg.Labels, err = readPairs(text)
		return err
	})
	flags.Func("capacity", "what this node has, where it shall not be what the kernel says: cpu=2,memory=1Gi,pods=20", func(text string) error {
		return readCapacity(text, &cfg)
	})
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
	changes, release, err := watchDirectory(cfg.Manifests)
	if err != nil {
		return err
	}
	defer release()
	cfg.ManifestChanges = changes
	k, err := kubelet.New(cfg)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	power := make(chan os.Signal, 1)
	signal.Notify(power, syscall.SIGPWR)
	defer signal.Stop(power)
	go func() { // ends with the kubelet
		select {
		case <-power:
			k.ShutDown(ctx)
			end()
		case <-ctx.Done():
		}
	}()
	return runWith(ctx, sink, k.Run)
}

// readPairs reads key=value, separated by commas.
func readPairs(text string) (map[string]string, error) {
	read := map[string]string{}
	for word := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return nil, fmt.Errorf("%q: key=value is expected", word)
		}
		read[key] = value
	}
	return read, nil
}

func readCapacity(text string, cfg *kubelet.Config) error {
	amounts, err := readPairs(text)
	if err != nil {
		return err
	}
	cfg.Capacity = corev1.ResourceList{}
	for name, amount := range amounts {
		quantity, err := resource.ParseQuantity(amount)
		if err != nil {
			return fmt.Errorf("capacity %s=%s: %w", name, amount, err)
		}
		cfg.Capacity[corev1.ResourceName(name)] = quantity
	}
	return nil
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
