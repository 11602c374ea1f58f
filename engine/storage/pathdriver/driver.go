package pathdriver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"

	"drydock/engine/storage"
)

// Config is where a driver works.
type Config struct {
	Node string // the node's name
	// Local and Shared hold volumes; both must be on a disk that outlives the node.
	Local, Shared string
	// KubeletDir is where the sockets go: /var/lib/kubelet.
	KubeletDir string
}

// Driver answers for one node.
type Driver struct {
	csi.UnimplementedIdentityServer
	csi.UnimplementedControllerServer
	csi.UnimplementedNodeServer
	cfg Config // set once in New

	mu sync.Mutex // held over each change of volumes and mounts: calls about one volume must not overlap
}

// New makes a driver. Nothing is touched before Run.
func New(cfg Config) *Driver { return &Driver{cfg: cfg} }

// Run serves until ctx ends.
func (d *Driver) Run(ctx context.Context) error {
	for _, dir := range []string{d.cfg.Local, d.cfg.Shared} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("make room for volumes: %w", err)
		}
	}
	server := grpc.NewServer()
	csi.RegisterIdentityServer(server, d)
	csi.RegisterControllerServer(server, d)
	csi.RegisterNodeServer(server, d)
	endpoint := storage.Socket(d.cfg.KubeletDir, storage.Driver)
	listener, err := listen(endpoint)
	if err != nil {
		return err
	}
	registrar := grpc.NewServer()
	registration.RegisterRegistrationServer(registrar, &herald{endpoint: endpoint})
	// Last: who sees this socket asks at the other one.
	heard, err := listen(filepath.Join(storage.Registry(d.cfg.KubeletDir), storage.Driver+"-reg.sock"))
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer context.AfterFunc(ctx, func() { server.Stop(); registrar.Stop() })()
	var errs [2]error
	var all sync.WaitGroup
	all.Go(func() { errs[0] = server.Serve(listener) })
	all.Go(func() { errs[1] = registrar.Serve(heard) })
	all.Wait()
	return errors.Join(errs[:]...)
}

// listen opens a unix socket in place of one that an earlier life has left.
func listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("make room for %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the old %s: %w", path, err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return listener, os.Chmod(path, 0o600)
}

// herald tells the kubelet which driver is here: node-driver-registrar.
type herald struct {
	registration.UnimplementedRegistrationServer
	endpoint string
}

// GetInfo implements the registration interface.
func (h *herald) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type: registration.CSIPlugin, Name: storage.Driver, Endpoint: h.endpoint, SupportedVersions: []string{"1.0.0"},
	}, nil
}

// NotifyRegistrationStatus implements the registration interface. A refusal is in the kubelet's Events; there is nothing to do here.
func (h *herald) NotifyRegistrationStatus(context.Context, *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	return &registration.RegistrationStatusResponse{}, nil
}

// GetPluginInfo implements csi.IdentityServer.
func (d *Driver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: storage.Driver, VendorVersion: "1"}, nil
}

// GetPluginCapabilities implements csi.IdentityServer.
func (d *Driver) GetPluginCapabilities(context.Context, *csi.GetPluginCapabilitiesRequest) (*csi.GetPluginCapabilitiesResponse, error) {
	service := func(t csi.PluginCapability_Service_Type) *csi.PluginCapability {
		return &csi.PluginCapability{Type: &csi.PluginCapability_Service_{Service: &csi.PluginCapability_Service{Type: t}}}
	}
	return &csi.GetPluginCapabilitiesResponse{Capabilities: []*csi.PluginCapability{
		service(csi.PluginCapability_Service_CONTROLLER_SERVICE),
		service(csi.PluginCapability_Service_VOLUME_ACCESSIBILITY_CONSTRAINTS),
		{Type: &csi.PluginCapability_VolumeExpansion_{VolumeExpansion: &csi.PluginCapability_VolumeExpansion{
			Type: csi.PluginCapability_VolumeExpansion_ONLINE,
		}}},
	}}, nil
}

// Probe implements csi.IdentityServer.
func (d *Driver) Probe(context.Context, *csi.ProbeRequest) (*csi.ProbeResponse, error) {
	return &csi.ProbeResponse{Ready: wrapperspb.Bool(true)}, nil
}
