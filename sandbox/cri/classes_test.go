package cri_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cgroup"
)

// A container's cgroup lies in its pod's, and that one in its class; all that is limited is limited there, and goes with the pod.
func TestPodsHaveCgroups(t *testing.T) {
	n := newNode(t)
	if tier := n.config.Cgroups.Tier(); tier == cgroup.Emulated {
		t.Skip("no cgroup can be written here; the tier is " + tier.String())
	}
	config := n.podConfig("web")
	config.Linux.CgroupParent = "/kubepods/burstable/poduid-web"
	config.Linux.Resources = &runtimeapi.LinuxContainerResources{CpuShares: 512, CpuPeriod: 100000, CpuQuota: 50000, MemoryLimitInBytes: 64 << 20}
	pod := n.runPod(config)
	id := n.create(pod, containerConfig("main", "wait", "terminated"))
	n.create(pod, containerConfig("never started", "print"))
	n.start(id)
	info, err := n.ContainerStatus(n.ctx(), &runtimeapi.ContainerStatusRequest{ContainerId: id, Verbose: true})
	must(t, err)
	_, rest, _ := strings.Cut(info.GetInfo()["info"], `"pid":`)
	pid, err := strconv.Atoi(rest[:strings.IndexAny(rest, ",}")])
	must(t, err)
	groups, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	must(t, err)
	before, _, ok := strings.Cut(string(groups), "/kubepods/burstable/poduid-web/"+id)
	if !ok {
		t.Fatalf("the container is in %s", groups)
	}
	top := tree(filepath.Base(before))
	if got := top.limitsOf(t, "kubepods/burstable/poduid-web"); got != "50000 67108864" {
		t.Errorf("quota and memory of the pod: %s", got)
	}
	if got := top.limitsOf(t, "kubepods"); !strings.HasSuffix(got, " 1073741824") || top.read(t, "kubepods", "pids.max") != "1000" {
		t.Errorf("quota and memory of all pods: %s, pids %s", got, top.read(t, "kubepods", "pids.max"))
	}
	if shares := top.read(t, "kubepods", "cpu.shares"); shares != "" && shares != "2048" {
		t.Errorf("all pods have %s shares, want the node's", shares)
	}
	if shares := top.read(t, "kubepods/burstable", "cpu.shares"); shares != "" && shares != "514" {
		t.Errorf("the class has %s shares, want those of its pod and 2", shares)
	}
	_, err = n.UpdatePodSandboxResources(n.ctx(), &runtimeapi.UpdatePodSandboxResourcesRequest{
		PodSandboxId: pod, Resources: &runtimeapi.LinuxContainerResources{CpuShares: 1024, MemoryLimitInBytes: 128 << 20},
	})
	must(t, err)
	if got := top.limitsOf(t, "kubepods/burstable/poduid-web"); !strings.HasSuffix(got, " 134217728") || strings.HasPrefix(got, "50000") {
		t.Errorf("quota and memory of the pod after the update: %s", got)
	}

	_, err = n.StopPodSandbox(n.ctx(), &runtimeapi.StopPodSandboxRequest{PodSandboxId: pod})
	must(t, err)
	if left := top.find("kubepods/burstable/poduid-web", "."); len(left) > 0 {
		t.Errorf("groups of a stopped pod: %v", left)
	}
	config.Metadata.Attempt = 1 // the next sandbox of the pod has the same cgroup
	n.runPod(config)
}

// tree is the name of the directory below which a manager has its groups, in each hierarchy. Labs that run beside the test have
// groups of the same names below others.
type tree string

// limitsOf is the CPU quota and the memory limit of a group, of whichever version.
func (top tree) limitsOf(t testing.TB, group string) string {
	t.Helper()
	if quota := top.read(t, group, "cpu.cfs_quota_us"); quota != "" {
		return quota + " " + top.read(t, group, "memory.limit_in_bytes")
	}
	quota, _, _ := strings.Cut(top.read(t, group, "cpu.max"), " ")
	return quota + " " + top.read(t, group, "memory.max")
}

// read is the content of a group's file, empty when no hierarchy has it.
func (top tree) read(t testing.TB, group, file string) string {
	t.Helper()
	for _, path := range top.find(group, file) {
		text, err := os.ReadFile(path)
		must(t, err)
		return strings.TrimSpace(string(text))
	}
	return ""
}

func (top tree) find(group, file string) []string {
	var found []string
	for _, root := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		more, _ := filepath.Glob(root + string(top) + "/" + group + "/" + file)
		found = append(found, more...)
	}
	return found
}
