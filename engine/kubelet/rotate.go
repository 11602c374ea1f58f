package kubelet

import (
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"drydock/engine/decision"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The names of a log that was rotated: the newest keeps its text for whoever is still reading it, older ones are compressed.
//
//	0.log   0.log.20261120-163107   0.log.20261120-162950.gz
const (
	rotatedStamp     = "20060102-150405"
	compressedSuffix = ".gz"
	unfinishedSuffix = ".tmp"
)

// rotateLogs moves the logs of running containers that have grown too large out of the way (container_log_manager.go).
func (k *Kubelet) rotateLogs(ctx context.Context) {
	for _, w := range k.otherPods("") {
		pod, _ := w.current()
		shown := w.status.overlay(pod)
		for _, list := range [][]corev1.ContainerStatus{shown.Status.ContainerStatuses, shown.Status.InitContainerStatuses, shown.Status.EphemeralContainerStatuses} {
			for i := range list {
				if err := k.rotateIfLarge(ctx, pod, &list[i]); err != nil && ctx.Err() == nil {
					w.record(pod, decision.Record{Action: "RotateLog", Reason: "Failed", Message: err.Error()})
				}
			}
		}
	}
}

func (k *Kubelet) rotateIfLarge(ctx context.Context, pod *corev1.Pod, s *corev1.ContainerStatus) error {
	path := filepath.Join(k.podLogDir(pod), s.Name, strconv.Itoa(int(s.RestartCount))+".log")
	info, err := os.Stat(path)
	if s.State.Running == nil || err != nil || info.Size() < k.cfg.LogMaxSize {
		return nil //nolint:nilerr // a log that is not there has no size
	}
	if err := tidyRotated(path, k.cfg.LogMaxFiles); err != nil {
		return fmt.Errorf("rotate log %s: %w", path, err)
	}
	rotated := path + "." + time.Now().Format(rotatedStamp)
	if err := os.Rename(path, rotated); err != nil {
		return fmt.Errorf("rotate log: %w", err)
	}
	_, err = k.cfg.Runtime.ReopenContainerLog(ctx, &runtimeapi.ReopenContainerLogRequest{ContainerId: bareID(s)})
	if err != nil {
		return errors.Join(fmt.Errorf("reopen log %s: %w", path, err), os.Rename(rotated, path))
	}
	k.logs.wakeAll() // who follows the log goes on in the new file
	return nil
}

// tidyRotated makes room for one more: it removes what an interrupted rotation has left and the oldest logs beyond most, which
// counts the one being written and the one about to be rotated, and compresses the rest.
func tidyRotated(path string, most int) error {
	logs, err := rotatedLogs(path)
	if err != nil {
		return err
	}
	var errs []error
	for len(logs) > max(0, most-2) {
		errs = append(errs, os.Remove(logs[0]))
		logs = logs[1:]
	}
	for _, log := range logs {
		if !strings.HasSuffix(log, compressedSuffix) {
			errs = append(errs, compress(log))
		}
	}
	return errors.Join(errs...)
}

// rotatedLogs are the rotated logs of path, the oldest first. What a rotation that was cut short has left is removed: copies that
// are not whole, and texts of which there is a whole one.
func rotatedLogs(path string) ([]string, error) {
	found, err := filepath.Glob(path + ".*")
	if err != nil {
		return nil, err
	}
	var logs []string
	for _, log := range found {
		if strings.HasSuffix(log, unfinishedSuffix) || slices.Contains(found, log+compressedSuffix) {
			if err := os.Remove(log); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			continue
		}
		logs = append(logs, log)
	}
	slices.SortFunc(logs, func(a, b string) int {
		return cmp.Compare(strings.TrimSuffix(a, compressedSuffix), strings.TrimSuffix(b, compressedSuffix))
	})
	return logs, nil
}

// compress replaces a rotated log by its compressed form, which appears when it is whole.
func compress(log string) (err error) {
	in, err := os.Open(log)
	if err != nil {
		return err
	}
	defer in.Close()
	unfinished := log + unfinishedSuffix
	out, err := os.OpenFile(unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(unfinished))
		}
	}()
	zipped := gzip.NewWriter(out)
	_, err = io.Copy(zipped, in)
	if err = errors.Join(err, zipped.Close(), out.Close()); err != nil {
		return fmt.Errorf("compress log %s: %w", log, err)
	}
	if err = os.Rename(unfinished, log+compressedSuffix); err != nil {
		return err
	}
	return os.Remove(log)
}

// removeLogs removes a container's log and what was rotated of it.
func removeLogs(path string) error {
	if path == "" {
		return nil
	}
	rotated, err := filepath.Glob(path + ".*")
	for _, log := range append(rotated, path) {
		if gone := os.Remove(log); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
