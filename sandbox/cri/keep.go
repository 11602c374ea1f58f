package cri

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/layer"
)

// What pods have written can be kept, compared with later, and given to pods that begin again:
//
//	DIR/pods.json                     which containers there were, by pod and name
//	DIR/POD/layers/CONTAINER/         what was written over the image
//	DIR/POD/volumes/VOLUME/           the pod's own volumes (emptyDir on disk)
//
// Kubernetes: CheckpointContainer keeps one container with its memory, by way of CRIU.

const keptName = "pods.json"

// Volumes of these kinds are the pod's own; others mirror objects, or are somebody else's.
const ownVolumes = "volumes/kubernetes.io~empty-dir"

// kept is what pods.json holds: the containers of each pod, by uid and name.
type kept map[string]map[string]keptContainer

type keptContainer struct {
	ID    string `json:"id"`
	Ended bool   `json:"ended,omitempty"`
}

// latest are the newest containers of each name of every pod, by the pod's uid.
func (s *Server) latest() map[string]map[string]*ctr {
	found := map[string]map[string]*ctr{}
	for _, c := range s.listContainers() { // newest first
		uid, name := c.pod.config.GetMetadata().GetUid(), c.config.GetMetadata().GetName()
		if found[uid] == nil {
			found[uid] = map[string]*ctr{}
		}
		if found[uid][name] == nil {
			found[uid][name] = c
		}
	}
	return found
}

func (c *ctr) kept() keptContainer {
	c.mu.Lock()
	defer c.mu.Unlock()
	return keptContainer{ID: c.id, Ended: !c.finished.IsZero()}
}

// Keep copies what all pods have written to the folder dir, which is made and replaced as a whole.
func (s *Server) Keep(ctx context.Context, dir string) error {
	fresh := dir + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.MkdirAll(fresh, 0o700)); err != nil {
		return fmt.Errorf("keep the pods' files: %w", err)
	}
	list := kept{}
	for uid, containers := range s.latest() {
		list[uid] = map[string]keptContainer{}
		for name, c := range containers {
			list[uid][name] = c.kept()
		}
		if err := s.keepPod(ctx, filepath.Join(fresh, uid), uid, containers); err != nil {
			return err
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("list the pods' containers: %w", err)
	}
	err = os.WriteFile(filepath.Join(fresh, keptName), text, 0o600)
	if err := errors.Join(err, os.RemoveAll(dir), os.Rename(fresh, dir)); err != nil {
		return fmt.Errorf("keep the pods' files: %w", err)
	}
	return nil
}

func (s *Server) keepPod(ctx context.Context, dir, uid string, containers map[string]*ctr) error {
	for name, c := range containers {
		if c.kept().Ended {
			continue // it never runs again: the next one begins from its image
		}
		err := s.cfg.Images.Layers().Keep(ctx, c.id, filepath.Join(dir, "layers", name))
		if err != nil && s.known(c) {
			return err
		}
	}
	for _, volume := range s.volumesOnDisk(uid) {
		if err := layer.CopyTree(filepath.Join(dir, "volumes", volume), filepath.Join(s.cfg.PodsDir, uid, ownVolumes, volume)); err != nil {
			return err
		}
	}
	return nil
}

// volumesOnDisk are the names of a pod's own volumes. Those in memory are file systems of their own; like the memory of its
// processes they are not kept.
func (s *Server) volumesOnDisk(uid string) []string {
	dir := filepath.Join(s.cfg.PodsDir, uid, ownVolumes)
	var above unix.Stat_t
	if unix.Lstat(dir, &above) != nil {
		return nil // it has none
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // the pod goes in this moment
	}
	var names []string
	for _, e := range entries {
		var st unix.Stat_t
		if unix.Lstat(filepath.Join(dir, e.Name()), &st) == nil && st.Dev == above.Dev {
			names = append(names, e.Name())
		}
	}
	return names
}

// known tells whether the container is still there: it may be removed while it is looked at.
func (s *Server) known(c *ctr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.containers[c.id] == c
}

// Unchanged are the pods, by uid, that have the containers they had when dir was kept, and have written nothing since.
func (s *Server) Unchanged(ctx context.Context, dir string) ([]string, error) {
	list, err := readKept(dir)
	if err != nil {
		return nil, err
	}
	now := s.latest()
	var mu sync.Mutex
	var uids []string
	var all sync.WaitGroup
	for uid, before := range list {
		all.Go(func() {
			if s.unchangedPod(ctx, filepath.Join(dir, uid), uid, before, now[uid]) {
				mu.Lock()
				defer mu.Unlock()
				uids = append(uids, uid)
			}
		})
	}
	all.Wait()
	return uids, nil
}

func readKept(dir string) (kept, error) {
	text, err := os.ReadFile(filepath.Join(dir, keptName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the node was off then
	}
	list := kept{}
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("read which pods were kept: %w", err)
	}
	return list, nil
}

// unchangedPod says no when it cannot tell: the pod is begun again then.
func (s *Server) unchangedPod(ctx context.Context, dir, uid string, before map[string]keptContainer, now map[string]*ctr) bool {
	if len(before) != len(now) {
		return false
	}
	for name, c := range now {
		is := c.kept()
		if is != before[name] {
			return false
		}
		if is.Ended {
			continue
		}
		if same, err := s.cfg.Images.Layers().Kept(ctx, c.id, filepath.Join(dir, "layers", name)); !same || err != nil {
			return false
		}
	}
	for _, volume := range s.volumesOnDisk(uid) {
		same, err := layer.SameTree(filepath.Join(dir, "volumes", volume), filepath.Join(s.cfg.PodsDir, uid, ownVolumes, volume))
		if !same || err != nil {
			return false
		}
	}
	return true
}

// Renewal asks for one pod to begin again with what another one had written.
type Renewal struct {
	From, To string // uids
	// Logs is where the new pod's logs will lie, and Restarts how often each of its containers had been started again: the
	// kubelet counts on from the newest log.
	Logs     string
	Restarts map[string]int32
}

// Renew prepares for pods that are about to come: their volumes are filled at once, their containers when they are created for
// the first time.
func (s *Server) Renew(dir string, pods []Renewal) error {
	for _, p := range pods {
		if err := s.renew(dir, p); err != nil {
			return fmt.Errorf("prepare for pod %s: %w", p.To, err)
		}
	}
	return nil
}

func (s *Server) renew(dir string, p Renewal) error {
	from := filepath.Join(dir, p.From)
	volumes := filepath.Join(from, "volumes")
	if _, err := os.Lstat(volumes); err == nil {
		if err := layer.CopyTree(filepath.Join(s.cfg.PodsDir, p.To, ownVolumes), volumes); err != nil {
			return err
		}
	}
	for name, count := range p.Restarts {
		if count == 0 {
			continue
		}
		logs := filepath.Join(p.Logs, name)
		if err := os.MkdirAll(logs, 0o755); err != nil {
			return err
		}
		last := filepath.Join(logs, strconv.Itoa(int(count)-1)+".log")
		if err := os.WriteFile(last, nil, 0o640); err != nil {
			return err
		}
	}
	layers, err := os.ReadDir(filepath.Join(from, "layers"))
	if err != nil {
		return nil //nolint:nilerr // nothing was kept of it: it begins from its image
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range layers {
		s.legacies[[2]string{p.To, l.Name()}] = filepath.Join(from, "layers", l.Name())
	}
	return nil
}

// inherit fills a new container's snapshot with what was kept for it, once: a container that is started again later begins from
// its image, as always.
func (s *Server) inherit(ctx context.Context, c *ctr) error {
	key := [2]string{c.pod.config.GetMetadata().GetUid(), c.config.GetMetadata().GetName()}
	s.mu.Lock()
	dir, found := s.legacies[key]
	delete(s.legacies, key)
	s.mu.Unlock()
	if !found {
		return nil
	}
	return s.cfg.Images.Layers().Fill(ctx, c.id, dir)
}

// Kill ends the processes of pods at once, by uid. Their kubelet, which learns that they are no more, clears them away.
func (s *Server) Kill(ctx context.Context, uids []string) error {
	latest := s.latest()
	var mu sync.Mutex
	var errs []error
	var all sync.WaitGroup
	for _, uid := range uids {
		for _, c := range latest[uid] {
			all.Go(func() {
				_, err := s.StopContainer(ctx, &runtimeapi.StopContainerRequest{ContainerId: c.id})
				if err != nil && status.Code(err) != codes.NotFound {
					mu.Lock()
					defer mu.Unlock()
					errs = append(errs, err)
				}
			})
		}
	}
	all.Wait()
	return errors.Join(errs...)
}
