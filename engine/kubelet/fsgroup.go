package kubelet

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	corev1 "k8s.io/api/core/v1"
)

// What fsGroup adds to the permissions of what is in a volume: the group may read, and write where the volume is not one of the API's.
// What is made in its directories later belongs to the group as well (setgid, inode(7)).
const (
	groupMayRead  fs.FileMode = 0o440
	groupMayWrite fs.FileMode = 0o660
	groupMayEnter             = fs.ModeSetgid | 0o110
)

// giveToGroup makes a volume the property of the pod's fsGroup. The node's own directories, and images, are left alone, as upstream does;
// what is behind claims has been given already.
func giveToGroup(pod *corev1.Pod, v *corev1.Volume, path string) error {
	if pod.Spec.SecurityContext == nil || pod.Spec.SecurityContext.FSGroup == nil || v.HostPath != nil || v.Image != nil || claimName(pod, v) != "" {
		return nil
	}
	group := int(*pod.Spec.SecurityContext.FSGroup)
	mask := groupMayRead
	if v.EmptyDir != nil {
		if given(path, group) {
			return nil // what the pod has done with its files since is its own affair
		}
		mask = groupMayWrite
	}
	return handOver(path, group, mask)
}

// handOver gives all that is below path to a group.
func handOver(path string, group int, mask fs.FileMode) error {
	return filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		err = os.Lchown(name, -1, group)
		if errors.Is(err, syscall.EINVAL) {
			return fs.SkipAll // no such group in this user namespace: the runtime refuses the container, and says why
		}
		info, statErr := entry.Info()
		if err = errors.Join(err, statErr); err != nil {
			return fmt.Errorf("give %s to group %d: %w", name, group, err)
		}
		switch {
		case info.IsDir():
			return os.Chmod(name, info.Mode()|mask|groupMayEnter)
		case info.Mode().IsRegular(): // chmod would follow a link
			return os.Chmod(name, info.Mode()|mask)
		}
		return nil
	})
}

func given(path string, group int) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeSetgid == 0 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Gid) == group
}
