package pathdriver

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	continuity "github.com/containerd/continuity/fs"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"drydock/engine/storage"
)

// ControllerGetCapabilities implements csi.ControllerServer.
func (d *Driver) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	answer := &csi.ControllerGetCapabilitiesResponse{}
	for _, t := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
		csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: &csi.ControllerServiceCapability_RPC{Type: t}},
		})
	}
	return answer, nil
}

// CreateVolume implements csi.ControllerServer: a directory on this node, or one that all nodes share.
func (d *Driver) CreateVolume(_ context.Context, r *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	shared := r.GetParameters()[storage.SharedParameter] == "true"
	if !plainName(r.GetName()) {
		return nil, status.Errorf(codes.InvalidArgument, "%q is no name for a volume", r.GetName())
	}
	if err := supported(r.GetVolumeCapabilities(), shared); err != nil {
		return nil, err
	}
	id, topology := localPrefix+r.GetName(), []*csi.Topology{{Segments: map[string]string{storage.TopologyKey: d.cfg.Node}}}
	if shared {
		id, topology = sharedPrefix+r.GetName(), nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	size, err := d.create(id, r)
	if err != nil {
		return nil, err
	}
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId: id, CapacityBytes: size, AccessibleTopology: topology, ContentSource: r.GetVolumeContentSource(),
	}}, nil
}

// create makes the volume id unless it is there, and returns its size.
func (d *Driver) create(id string, r *csi.CreateVolumeRequest) (int64, error) {
	v, err := d.locate(id)
	if err != nil {
		return 0, err
	}
	wanted := r.GetCapacityRange()
	switch there, err := v.read(); {
	case err == nil && there.Bytes < wanted.GetRequiredBytes(), err == nil && wanted.GetLimitBytes() > 0 && there.Bytes > wanted.GetLimitBytes():
		return 0, status.Errorf(codes.AlreadyExists, "volume %s is there with %d bytes", id, there.Bytes)
	case err == nil:
		return there.Bytes, nil
	case !errors.Is(err, fs.ErrNotExist):
		return 0, failed("make volume "+id, err)
	}
	// What is there without a record was never finished.
	if err := errors.Join(v.remove(), v.make()); err != nil {
		return 0, failed("make volume "+id, err)
	}
	made := record{Bytes: wanted.GetRequiredBytes(), From: r.GetVolumeContentSource().GetVolume().GetVolumeId()}
	if err := d.fill(v, r.GetVolumeContentSource()); err != nil {
		return 0, err
	}
	// Last: what has a record is whole.
	if err := v.write(made); err != nil {
		return 0, failed("make volume "+id, err)
	}
	return made.Bytes, nil
}

// fill copies the volume that is to be cloned.
func (d *Driver) fill(v volume, source *csi.VolumeContentSource) error {
	if source == nil {
		return nil
	}
	id := source.GetVolume().GetVolumeId()
	if id == "" {
		return status.Error(codes.InvalidArgument, "this driver makes volumes from other volumes, and from nothing else")
	}
	from, err := d.locate(id)
	if err != nil {
		return err
	}
	if _, err := from.read(); err != nil {
		return failed("copy volume "+id, err)
	}
	// Where the file system can, the copy shares its blocks with the original until one is written (copy_file_range(2)).
	if err := continuity.CopyDir(v.data(), from.data()); err != nil {
		return failed("copy volume "+id, err)
	}
	return nil
}

// supported refuses what directories cannot do.
func supported(wanted []*csi.VolumeCapability, shared bool) error {
	if len(wanted) == 0 {
		return status.Error(codes.InvalidArgument, "a volume must be wanted for something: no capabilities are given")
	}
	for _, c := range wanted {
		if c.GetBlock() != nil {
			return status.Error(codes.InvalidArgument, "this driver has no block volumes: its volumes are directories; use volumeMode: Filesystem")
		}
		switch c.GetAccessMode().GetMode() {
		case csi.VolumeCapability_AccessMode_MULTI_NODE_MULTI_WRITER, csi.VolumeCapability_AccessMode_MULTI_NODE_SINGLE_WRITER,
			csi.VolumeCapability_AccessMode_MULTI_NODE_READER_ONLY:
			if !shared {
				return status.Error(codes.InvalidArgument, "a volume on one node cannot be used from several: "+
					"ReadWriteMany and ReadOnlyMany need a StorageClass with the parameter shared: \"true\"")
			}
		}
	}
	return nil
}

// DeleteVolume implements csi.ControllerServer.
func (d *Driver) DeleteVolume(_ context.Context, r *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	v, err := d.locate(r.GetVolumeId())
	if err != nil {
		return &csi.DeleteVolumeResponse{}, nil // what is not there is deleted
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := v.remove(); err != nil {
		return nil, failed("delete volume "+r.GetVolumeId(), err)
	}
	return &csi.DeleteVolumeResponse{}, nil
}

// ControllerExpandVolume implements csi.ControllerServer. The kubelet has nothing to do afterwards.
func (d *Driver) ControllerExpandVolume(_ context.Context, r *csi.ControllerExpandVolumeRequest) (*csi.ControllerExpandVolumeResponse, error) {
	v, err := d.locate(r.GetVolumeId())
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	known, err := v.read()
	if err != nil {
		return nil, failed("grow volume "+r.GetVolumeId(), err)
	}
	if wanted := r.GetCapacityRange().GetRequiredBytes(); wanted > known.Bytes {
		known.Bytes = wanted
		if err := v.write(known); err != nil {
			return nil, failed("grow volume "+r.GetVolumeId(), err)
		}
	}
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: known.Bytes}, nil
}

// ValidateVolumeCapabilities implements csi.ControllerServer.
func (d *Driver) ValidateVolumeCapabilities(_ context.Context, r *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	v, err := d.locate(r.GetVolumeId())
	if err != nil {
		return nil, err
	}
	if there, err := v.exists(); err != nil || !there {
		return nil, failed("find volume "+r.GetVolumeId(), errors.Join(err, fs.ErrNotExist))
	}
	if err := supported(r.GetVolumeCapabilities(), filepath.Dir(v.dir) == filepath.Clean(d.cfg.Shared)); err != nil {
		return &csi.ValidateVolumeCapabilitiesResponse{Message: status.Convert(err).Message()}, nil
	}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
		VolumeContext: r.GetVolumeContext(), VolumeCapabilities: r.GetVolumeCapabilities(), Parameters: r.GetParameters(),
	}}, nil
}
