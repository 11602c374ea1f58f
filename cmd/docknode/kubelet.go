package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"drydock/engine/decision"
	"drydock/engine/kubelet"
	"drydock/engine/storage"
)

// runKubelet is `docknode kubelet`: the agent of one node, until ctx ends.
func runKubelet(ctx context.Context, args []string) error {
	f, err := parseKubeletFlags(args)
	if err != nil {
		return err
	}
	cfg := f.config
	if err := serving(&cfg, f); err != nil {
		return err
	}
	defer func() { _ = cfg.Listener.Close() }() // the kubelet has closed it, if it ran
	closer, runtime, images, err := kubelet.Dial(f.socket)
	if err != nil {
		return err
	}
	defer closer.Close()
	cfg.Runtime, cfg.Images = runtime, images
	api, sink, err := connect(f.kubeconfig)
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
	plugins, releasePlugins, err := watchDirectory(storage.Registry(cfg.RootDir))
	if err != nil {
		return err
	}
	defer releasePlugins()
	cfg.PluginChanges = plugins
	k, err := kubelet.New(cfg)
	if err != nil {
		return err
	}
	return runWith(ctx, sink, func(ctx context.Context) error { return untilPowerFails(ctx, k) })
}

// untilPowerFails runs the kubelet until ctx ends or SIGPWR says that the node is about to lose its power; then it shuts down first.
func untilPowerFails(ctx context.Context, k *kubelet.Kubelet) error {
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
	return k.Run(ctx)
}

// serving opens the kubelet's port and reads what secures it.
func serving(cfg *kubelet.Config, f kubeletFlags) error {
	var err error
	if cfg.ServingCert, err = tls.LoadX509KeyPair(f.certFile, f.keyFile); err != nil {
		return fmt.Errorf("read the kubelet's certificate: %w", err)
	}
	authority, err := os.ReadFile(f.clientCA)
	if err != nil {
		return fmt.Errorf("read the clients' authority: %w", err)
	}
	cfg.ClientCA = x509.NewCertPool()
	if !cfg.ClientCA.AppendCertsFromPEM(authority) {
		return fmt.Errorf("read the clients' authority: no certificate in %s", f.clientCA)
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
