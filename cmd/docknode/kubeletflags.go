package main

import (
	"flag"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"drydock/engine/kubelet"
)

// kubeletFlags is what `docknode kubelet` is told: what a node is, and where it finds the parts it talks to.
type kubeletFlags struct {
	config                                          kubelet.Config // without its connections
	kubeconfig, socket, certFile, keyFile, clientCA string
}

func parseKubeletFlags(args []string) (kubeletFlags, error) {
	var f kubeletFlags
	flags := flag.NewFlagSet("docknode kubelet", flag.ContinueOnError)
	f.describeNode(flags)
	flags.StringVar(&f.kubeconfig, "kubeconfig", kubelet.DefaultKubeconfig, "how to reach the API server")
	flags.StringVar(&f.socket, "cri", kubelet.DefaultCRISocket, "socket of the container runtime")
	flags.StringVar(&f.certFile, "tls-cert", kubelet.DefaultCertFile, "serving certificate")
	flags.StringVar(&f.keyFile, "tls-key", kubelet.DefaultKeyFile, "key of the serving certificate")
	flags.StringVar(&f.clientCA, "client-ca", kubelet.DefaultClientCA, "authority of the clients that may connect")
	err := flags.Parse(args)
	return f, err
}

// describeNode adds the flags about the node itself.
func (f *kubeletFlags) describeNode(flags *flag.FlagSet) {
	cfg := &f.config
	flags.StringVar(&cfg.NodeName, "node", hostname(), "name of this node")
	flags.StringVar(&cfg.NodeIP, "node-ip", "", "address of this node")
	flags.StringVar(&cfg.PodCIDR, "pod-cidr", "", "addresses of this node's pods")
	flags.StringVar(&cfg.RootDir, "root-dir", kubelet.DefaultRootDir, "where volumes live")
	flags.StringVar(&cfg.LogDir, "log-dir", kubelet.DefaultLogDir, "where pods' logs live")
	flags.StringVar(&cfg.Manifests, "pod-manifest-path", kubelet.DefaultManifests, "a directory of static pods, empty for none")
	flags.StringVar(&cfg.ClusterDomain, "cluster-domain", "cluster.local", "the domain behind service names")
	flags.DurationVar(&cfg.LeaseDuration, "lease-duration", kubelet.DefaultLeaseDuration, "how long a sign of life is good for; it is renewed four times in that time")
	flags.DurationVar(&cfg.ImageMaximumGCAge, "image-maximum-gc-age", 0, "for how long an image may be unused; zero for ever, as long as there is room")
	flags.Func("cluster-dns", "addresses of the cluster's name servers, separated by commas", func(text string) error {
		cfg.ClusterDNS = nil
		if text != "" {
			cfg.ClusterDNS = strings.Split(text, ",")
		}
		return nil
	})
	flags.Func("labels", "labels of this node: key=value, separated by commas", func(text string) (err error) {
		cfg.Labels, err = readPairs(text)
		return err
	})
	flags.Func("capacity", "what this node has, where it shall not be what the kernel says: cpu=2,memory=1Gi,pods=20", func(text string) (err error) {
		cfg.Capacity, err = readCapacity(text)
		return err
	})
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

func readCapacity(text string) (corev1.ResourceList, error) {
	amounts, err := readPairs(text)
	if err != nil {
		return nil, err
	}
	capacity := corev1.ResourceList{}
	for name, amount := range amounts {
		quantity, err := resource.ParseQuantity(amount)
		if err != nil {
			return nil, fmt.Errorf("capacity %s=%s: %w", name, amount, err)
		}
		capacity[corev1.ResourceName(name)] = quantity
	}
	return capacity, nil
}
