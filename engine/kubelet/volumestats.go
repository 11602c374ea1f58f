package kubelet

import (
	"context"

	"github.com/container-storage-interface/spec/lib/go/csi"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"drydock/engine/storage"
)

// claimStats is how full the claims of a pod are, as the drivers of their volumes say. A volume whose driver does not say is left out.
func (k *Kubelet) claimStats(ctx context.Context, ref statsv1alpha1.PodReference) []statsv1alpha1.VolumeStats {
	w := k.worker(types.UID(ref.UID))
	if w == nil {
		return nil
	}
	pod, _ := w.current()
	var all []statsv1alpha1.VolumeStats
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if claimName(pod, v) == "" {
			continue
		}
		c, err := k.lookUpClaim(ctx, pod, v)
		if err != nil || c.volume.Spec.CSI == nil || !k.volumes.published(k.publishPath(c)) {
			continue
		}
		if fs, err := k.measureVolume(ctx, c); err == nil {
			all = append(all, statsv1alpha1.VolumeStats{
				Name: v.Name, FsStats: fs, PVCRef: &statsv1alpha1.PVCReference{Name: c.claim.Name, Namespace: c.claim.Namespace},
			})
		}
	}
	return all
}

func (k *Kubelet) measureVolume(ctx context.Context, c claimed) (statsv1alpha1.FsStats, error) {
	fs := statsv1alpha1.FsStats{Time: metav1.Now()}
	driver, err := k.drivers.find(ctx, c.volume.Spec.CSI.Driver)
	if err != nil {
		return fs, err
	}
	ctx, cancel := storage.WithPatience(ctx)
	defer cancel()
	answer, err := csi.NewNodeClient(driver.conn).NodeGetVolumeStats(ctx, &csi.NodeGetVolumeStatsRequest{
		VolumeId: c.volume.Spec.CSI.VolumeHandle, VolumePath: k.publishPath(c),
	})
	if err != nil {
		return fs, err
	}
	for _, u := range answer.GetUsage() {
		total, used, free := uint64(u.GetTotal()), uint64(u.GetUsed()), uint64(u.GetAvailable())
		switch u.GetUnit() {
		case csi.VolumeUsage_BYTES:
			fs.CapacityBytes, fs.UsedBytes, fs.AvailableBytes = &total, &used, &free
		case csi.VolumeUsage_INODES:
			fs.Inodes, fs.InodesUsed, fs.InodesFree = &total, &used, &free
		}
	}
	return fs, nil
}
