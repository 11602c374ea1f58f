// Package storage is what those who provide volumes and those who use them must agree on.
//
// # Part played
//
// The addresses between external-provisioner, kubelet and a CSI driver, which a cluster gets from the driver's manifests.
//
// # How it works
//
// A claim of the class "standard" makes the provisioner (engine/controller/provisioner) ask the driver on a node for a volume:
// CreateVolume. When a pod with the claim comes to that node its kubelet asks the same driver to make the volume appear below the
// pod's directory: NodeStageVolume, NodePublishVolume. The driver (package pathdriver) is a process on each node, and the questions
// go over the unix socket Socket in the words of the Container Storage Interface, so any other driver could stand there.
//
// A driver cannot be called drydock.local/path, because the name of a CSIDriver has no slash. Classes may name either.
//
// # Left out
//
// TLS and any authentication: who can open the socket is the node's root.
//
// # In Kubernetes
//
// The deployment/ directory of any CSI driver; github.com/container-storage-interface/spec.
package storage

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	// Provisioner is what a StorageClass names.
	Provisioner = "drydock.local/path"
	// Driver is what volumes, the CSIDriver and CSINodes name.
	Driver = "path.drydock.local"

	// TopologyKey is the label of nodes by which a volume says where it is.
	TopologyKey = "kubernetes.io/hostname"
	// SharedParameter in a StorageClass, "true", makes volumes that every node sees.
	SharedParameter = "shared"
)

// Where a node keeps things.
const (
	KubeletDir = "/var/lib/kubelet"
	// Local holds the volumes of this node, Shared those that all nodes see.
	Local  = "/var/lib/volumes/local"
	Shared = "/var/lib/volumes/shared"
)

// Socket is where a driver answers below the kubelet's directory, Registry where drivers say that they are there.
func Socket(kubeletDir, driver string) string {
	return filepath.Join(kubeletDir, "plugins", driver, "csi.sock")
}

// Registry is the directory in which each driver has a socket of its own for the kubelet to ask who it is.
func Registry(kubeletDir string) string { return filepath.Join(kubeletDir, "plugins_registry") }

// Dial opens a connection to the driver or registration socket at path. Nothing is sent before the first call.
func Dial(path string) (*grpc.ClientConn, error) {
	conn, err := grpc.NewClient("unix:"+path,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithAuthority("localhost"), // a path is no authority, and some servers refuse it
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 10 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: time.Second,
		}))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", path, err)
	}
	return conn, nil
}

// Patience is how long a caller waits for a driver's answer.
const Patience = 15 * time.Second

// WithPatience is ctx with an end after Patience.
func WithPatience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, Patience)
}
