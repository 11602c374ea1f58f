package pathdriver

import (
	"context"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// NodeGetVolumeStats implements csi.NodeServer. What is used is the sum over the files, as du(1) counts it; what is available is what
// the volume's size leaves, or the disk, whichever is less.
func (d *Driver) NodeGetVolumeStats(ctx context.Context, r *csi.NodeGetVolumeStatsRequest) (*csi.NodeGetVolumeStatsResponse, error) {
	v, err := d.locate(r.GetVolumeId())
	if err != nil {
		return nil, err
	}
	known, err := v.read()
	if err != nil {
		return nil, failed("measure volume "+r.GetVolumeId(), err)
	}
	used, files, err := usage(ctx, v.data())
	if err != nil {
		return nil, failed("measure volume "+r.GetVolumeId(), err)
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(v.data(), &disk); err != nil {
		return nil, status.Errorf(codes.Internal, "measure volume %s: %s", r.GetVolumeId(), err)
	}
	total, free := known.Bytes, int64(disk.Bavail)*disk.Bsize
	if total == 0 {
		total = used + free
	}
	return &csi.NodeGetVolumeStatsResponse{Usage: []*csi.VolumeUsage{
		{Unit: csi.VolumeUsage_BYTES, Total: total, Used: used, Available: max(0, min(total-used, free))},
		{Unit: csi.VolumeUsage_INODES, Total: int64(disk.Files), Used: files, Available: int64(disk.Ffree)},
	}}, nil
}

// usage adds up the blocks of the files below dir, each file once however many names it has.
func usage(ctx context.Context, dir string) (bytes, files int64, err error) {
	type file struct{ device, inode uint64 }
	seen := map[file]bool{}
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return ctx.Err() // a file that has just gone uses nothing
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok || seen[file{stat.Dev, stat.Ino}] {
			return nil
		}
		if stat.Nlink > 1 && !info.IsDir() {
			seen[file{stat.Dev, stat.Ino}] = true
		}
		bytes += stat.Blocks * 512
		files++
		return nil
	})
	return bytes, files, err
}
