package pathdriver

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"drydock/engine/storage"
)

// NodeGetInfo implements csi.NodeServer.
func (d *Driver) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{
		NodeId:             d.cfg.Node,
		AccessibleTopology: &csi.Topology{Segments: map[string]string{storage.TopologyKey: d.cfg.Node}},
	}, nil
}

// NodeGetCapabilities implements csi.NodeServer.
func (d *Driver) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	answer := &csi.NodeGetCapabilitiesResponse{}
	for _, t := range []csi.NodeServiceCapability_RPC_Type{
		csi.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME,
		csi.NodeServiceCapability_RPC_GET_VOLUME_STATS,
		csi.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		answer.Capabilities = append(answer.Capabilities, &csi.NodeServiceCapability{
			Type: &csi.NodeServiceCapability_Rpc{Rpc: &csi.NodeServiceCapability_RPC{Type: t}},
		})
	}
	return answer, nil
}

// NodeStageVolume implements csi.NodeServer: the volume appears at one place of the node.
func (d *Driver) NodeStageVolume(_ context.Context, r *csi.NodeStageVolumeRequest) (*csi.NodeStageVolumeResponse, error) {
	v, err := d.locate(r.GetVolumeId())
	if err != nil {
		return nil, err
	}
	if r.GetVolumeCapability().GetBlock() != nil {
		return nil, status.Error(codes.InvalidArgument, "this driver has no block volumes: its volumes are directories; use volumeMode: Filesystem")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if there, err := v.exists(); err != nil || !there {
		return nil, failed("stage volume "+r.GetVolumeId(), errors.Join(err, fs.ErrNotExist))
	}
	if err := bind(v.data(), r.GetStagingTargetPath()); err != nil {
		return nil, failed("stage volume "+r.GetVolumeId(), err)
	}
	return &csi.NodeStageVolumeResponse{}, nil
}

// NodeUnstageVolume implements csi.NodeServer.
func (d *Driver) NodeUnstageVolume(_ context.Context, r *csi.NodeUnstageVolumeRequest) (*csi.NodeUnstageVolumeResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := unbind(r.GetStagingTargetPath()); err != nil {
		return nil, failed("unstage volume "+r.GetVolumeId(), err)
	}
	return &csi.NodeUnstageVolumeResponse{}, nil
}

// NodePublishVolume implements csi.NodeServer: the staged volume appears in a pod's directory.
func (d *Driver) NodePublishVolume(_ context.Context, r *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if mounted, err := isMountPoint(r.GetStagingTargetPath()); err != nil || !mounted {
		return nil, status.Errorf(codes.FailedPrecondition, "publish volume %s: it is not staged at %s", r.GetVolumeId(), r.GetStagingTargetPath())
	}
	if err := bind(r.GetStagingTargetPath(), r.GetTargetPath()); err != nil {
		return nil, failed("publish volume "+r.GetVolumeId(), err)
	}
	if r.GetReadonly() {
		readOnly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
		if err := unix.MountSetattr(unix.AT_FDCWD, r.GetTargetPath(), 0, &readOnly); err != nil {
			return nil, failed("publish volume "+r.GetVolumeId()+" read-only", errors.Join(err, unbind(r.GetTargetPath())))
		}
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

// NodeUnpublishVolume implements csi.NodeServer.
func (d *Driver) NodeUnpublishVolume(_ context.Context, r *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := unbind(r.GetTargetPath()); err != nil {
		return nil, failed("unpublish volume "+r.GetVolumeId(), err)
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

// bind makes source appear at target too; nothing when something is mounted there already.
func bind(source, target string) error {
	if err := os.MkdirAll(target, 0o750); err != nil {
		return err
	}
	if mounted, err := isMountPoint(target); mounted || err != nil {
		return err
	}
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s to %s: %w", source, target, err)
	}
	return nil
}

// unbind takes the mount away, and the directory below it, which is empty. Never more than that: it is the place where a volume
// was, and if a mount should still be there, what is in it is somebody's data.
func unbind(target string) error {
	for {
		mounted, err := isMountPoint(target)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if !mounted {
			break
		}
		if err := unix.Unmount(target, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			return fmt.Errorf("unmount %s: %w", target, err)
		}
	}
	if err := os.Remove(target); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// isMountPoint asks the kernel whether path is the root of a mount (STATX_ATTR_MOUNT_ROOT of statx(2), Linux 5.8).
func isMountPoint(path string) (bool, error) {
	var stat unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, filepath.Clean(path), unix.AT_SYMLINK_NOFOLLOW, 0, &stat)
	if err != nil {
		return false, fmt.Errorf("look at %s: %w", path, err)
	}
	return stat.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0, nil
}
