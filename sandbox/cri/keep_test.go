package cri_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cri"
)

// podOf is runPod for a pod with a uid and one container that waits; rootfs is where the node sees its files.
func podOf(t *testing.T, n *node, name, uid string) (pod, rootfs string) {
	t.Helper()
	config := n.podConfig(name)
	config.Metadata.Uid = uid
	pod = n.runPod(config)
	id := n.create(pod, containerConfig("main", "wait"))
	n.start(id)
	return pod, filepath.Join(n.runDir, "containers", id, "rootfs")
}

func TestPodsBeginAgainWithWhatWasKept(t *testing.T) {
	n := newNode(t)
	_, root := podOf(t, n, "writes", "u1")
	podOf(t, n, "rests", "u2")
	_, gone := podOf(t, n, "goes", "u3")
	volume := filepath.Join(n.pods, "u1", "volumes/kubernetes.io~empty-dir/data")
	must(t, os.MkdirAll(volume, 0o777))
	for _, path := range []string{filepath.Join(root, "tmp/kept"), filepath.Join(gone, "tmp/kept"), filepath.Join(volume, "kept")} {
		must(t, os.WriteFile(path, []byte("then"), 0o600))
	}
	dir := filepath.Join(t.TempDir(), "snapshot")
	must(t, n.server.Keep(n.ctx(), dir))
	unchanged := func() map[string]bool {
		t.Helper()
		uids, err := n.server.Unchanged(n.ctx(), dir)
		must(t, err)
		found := map[string]bool{}
		for _, uid := range uids {
			found[uid] = true
		}
		return found
	}
	if diff := cmp.Diff(map[string]bool{"u1": true, "u2": true, "u3": true}, unchanged()); diff != "" {
		t.Errorf("unchanged at once (-want +got):\n%s", diff)
	}
	must(t, os.WriteFile(filepath.Join(volume, "kept"), []byte("later"), 0o600))
	must(t, n.server.Kill(n.ctx(), []string{"u3"}))
	if diff := cmp.Diff(map[string]bool{"u2": true}, unchanged()); diff != "" {
		t.Errorf("unchanged later (-want +got):\n%s", diff)
	}

	logs := filepath.Join(n.logs, "again")
	must(t, n.server.Renew(dir, []cri.Renewal{{From: "u1", To: "u4", Logs: logs, Restarts: map[string]int32{"main": 3}}}))
	_, again := podOf(t, n, "again", "u4")
	for _, path := range []string{filepath.Join(again, "tmp/kept"), filepath.Join(n.pods, "u4", "volumes/kubernetes.io~empty-dir/data/kept")} {
		if content, err := os.ReadFile(path); err != nil || string(content) != "then" {
			t.Errorf("%s: %q, %v", path, content, err)
		}
	}
	if _, err := os.Stat(filepath.Join(logs, "main", "2.log")); err != nil {
		t.Errorf("the kubelet would count from the beginning: %v", err)
	}
	_, once := podOf(t, n, "once", "u4")
	if _, err := os.Stat(filepath.Join(once, "tmp/kept")); err == nil {
		t.Error("what was kept is given away twice: a container that is started again begins from its image")
	}
}

func TestKillWaitsForNobody(t *testing.T) {
	n := newNode(t)
	pod, _ := podOf(t, n, "stubborn", "u1")
	must(t, n.server.Kill(n.ctx(), []string{"u1", "unknown"}))
	list, err := n.ListContainers(n.ctx(), &runtimeapi.ListContainersRequest{Filter: &runtimeapi.ContainerFilter{PodSandboxId: pod}})
	must(t, err)
	for _, c := range list.Containers {
		if c.State != runtimeapi.ContainerState_CONTAINER_EXITED {
			t.Errorf("%s is %s", c.Metadata.Name, c.State)
		}
	}
}
