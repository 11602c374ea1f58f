package kubelet

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"time"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// Where a node keeps what the kubelet needs, unless Config says otherwise.
const (
	DefaultKubeconfig = "/etc/kubernetes/kubelet.conf"
	DefaultClientCA   = "/etc/kubernetes/ca.crt"
	DefaultCertFile   = "/etc/kubernetes/kubelet.crt"
	DefaultKeyFile    = "/etc/kubernetes/kubelet.key"
	DefaultCRISocket  = "/run/drydock/cri.sock"
	DefaultRootDir    = "/var/lib/kubelet"
	DefaultLogDir     = "/var/log/pods"
	DefaultManifests  = "/etc/kubernetes/manifests"
	DefaultPort       = 10250

	defaultLogMaxSize  = 10 << 20
	defaultLogMaxFiles = 5

	// DefaultLeaseDuration is nodeLeaseDurationSeconds of the kubelet's configuration.
	DefaultLeaseDuration = 40 * time.Second
)

// Config is all a kubelet must be told. NodeName, NodeIP, Client, Runtime and Images are required, the rest has defaults.
type Config struct {
	NodeName string
	NodeIP   string
	// PodCIDR is what this node asks for when it registers; the API object wins afterwards.
	PodCIDR string

	// Client is the way to the API server: NewClient, or a test's fake.
	Client Client
	// Runtime and Images are the two halves of CRI, usually on one connection: Dial.
	Runtime runtimeapi.RuntimeServiceClient
	Images  runtimeapi.ImageServiceClient

	// RootDir holds pods' volumes, LogDir their logs as <ns>_<name>_<uid>/<container>/<restart>.log.
	RootDir, LogDir string

	// Listener takes the kubelet API's connections (port 10250). Nil serves nothing.
	Listener net.Listener
	// ServingCert and ClientCA secure it: only clients with a certificate of that authority get in. With a nil
	// ClientCA the listener is served without TLS, which is for tests.
	ServingCert tls.Certificate
	ClientCA    *x509.CertPool

	// Manifests is the directory of static pods, empty for none. Whoever knows that it has changed says so on ManifestChanges;
	// nobody need: it is read every 20 s.
	Manifests       string
	ManifestChanges <-chan struct{}

	// PluginChanges hears when a driver has come or gone (RootDir/plugins_registry). Nobody need say so: it is read every 20 s.
	PluginChanges <-chan struct{}

	// LogMaxSize is from how many bytes on the log of a running container is rotated, LogMaxFiles how many files it may have in all:
	// containerLogMaxSize and containerLogMaxFiles, 10 MiB and 5.
	LogMaxSize  int64
	LogMaxFiles int

	// ImageMaximumGCAge is for how long an image may be unused; zero for ever, as long as there is room.
	ImageMaximumGCAge time.Duration
	// FileSystem measures the file system that holds images, volumes and logs; nil asks the kernel about RootDir's.
	FileSystem func() (capacity, available uint64)

	// LeaseDuration is how long one renewal of the node's Lease is good for, in whole seconds; it is renewed four times in that time.
	LeaseDuration time.Duration

	// Labels are added to the node's own (kubernetes.io/hostname, os, arch).
	Labels map[string]string
	// Capacity replaces what the kernel says about cpu, memory, pods and ephemeral-storage, key by key.
	Capacity corev1.ResourceList
	// ClusterDNS and ClusterDomain go into the containers' resolv.conf. Without ClusterDNS they get the node's.
	ClusterDNS    []string
	ClusterDomain string

	// Recorder takes decision records; nil drops them.
	Recorder decision.Recorder
}

func (c *Config) setDefaults() {
	if c.RootDir == "" {
		c.RootDir = DefaultRootDir
	}
	if c.LogDir == "" {
		c.LogDir = DefaultLogDir
	}
	if c.LogMaxSize <= 0 {
		c.LogMaxSize = defaultLogMaxSize
	}
	if c.LogMaxFiles < 2 { // upstream refuses less: the one that is written and the one before
		c.LogMaxFiles = defaultLogMaxFiles
	}
	if c.LeaseDuration < time.Second {
		c.LeaseDuration = DefaultLeaseDuration
	}
	if c.ClusterDomain == "" {
		c.ClusterDomain = "cluster.local"
	}
	if c.Recorder == nil {
		c.Recorder = decision.Discard
	}
}
