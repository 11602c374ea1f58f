package kubelet

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
)

// summary is what the node and its pods use now.
//
// Kubernetes: cAdvisor also reads page faults, swap, pressure stall information and the sizes of volumes that end with their pods.
func (k *Kubelet) summary(ctx context.Context) (*statsv1alpha1.Summary, error) {
	pods, err := k.usage.measure(ctx)
	if err != nil {
		return nil, err
	}
	now := metav1.Now()
	s := &statsv1alpha1.Summary{Pods: []statsv1alpha1.PodStats{}}
	var used nodeUse
	for _, p := range pods {
		if stats := k.podStats(p); len(stats.Containers) > 0 { // of an earlier sandbox nothing is left but what it wrote
			used.add(stats)
			s.Pods = append(s.Pods, stats)
		}
	}
	used.addSystem(k.started)
	s.Node = statsv1alpha1.NodeStats{
		NodeName: k.cfg.NodeName, StartTime: metav1.NewTime(k.started),
		CPU:    &statsv1alpha1.CPUStats{Time: now, UsageNanoCores: &used.cpuRate, UsageCoreNanoSeconds: &used.cpu},
		Memory: k.nodeMemory(now, used.memory),
		Fs:     k.fileSystem(),
		Rlimit: processStats(now),
	}
	s.Node.Runtime = &statsv1alpha1.RuntimeStats{ImageFs: s.Node.Fs, ContainerFs: s.Node.Fs}
	return s, nil
}

// nodeMemory measures against what the node says it has, not against the machine: nodes of a lab share one.
func (k *Kubelet) nodeMemory(now metav1.Time, used uint64) *statsv1alpha1.MemoryStats {
	available := uint64(max(0, k.node.capacity.Memory().Value()-int64(used)))
	if machine := memoryAvailable(); machine > 0 {
		available = min(available, uint64(machine))
	}
	return &statsv1alpha1.MemoryStats{Time: now, AvailableBytes: &available, UsageBytes: &used, WorkingSetBytes: &used}
}

// podStats puts one pod's numbers into the API's form. A pod without a sandbox of its own left has none.
func (k *Kubelet) podStats(p *runtimeapi.PodSandboxStats) statsv1alpha1.PodStats {
	meta, linux := p.GetAttributes().GetMetadata(), p.GetLinux()
	stats := statsv1alpha1.PodStats{
		PodRef:     statsv1alpha1.PodReference{Name: meta.GetName(), Namespace: meta.GetNamespace(), UID: meta.GetUid()},
		Containers: []statsv1alpha1.ContainerStats{}, CPU: cpuStats(linux.GetCpu()), Memory: memoryStats(linux.GetMemory()),
	}
	var written uint64
	for _, c := range linux.GetContainers() {
		written += c.GetWritableLayer().GetUsedBytes().GetValue()
		if c.GetCpu() != nil { // it runs
			stats.Containers = append(stats.Containers, k.containerStats(c))
		}
	}
	for i := range stats.Containers {
		if at := stats.Containers[i].StartTime; stats.StartTime.IsZero() || at.Before(&stats.StartTime) {
			stats.StartTime = at
		}
	}
	logs := sizeBelow(filepath.Join(k.cfg.LogDir, meta.GetNamespace()+"_"+meta.GetName()+"_"+meta.GetUid()))
	written += logs + sizeBelow(filepath.Join(k.cfg.RootDir, "pods", meta.GetUid(), "volumes", "kubernetes.io~empty-dir"))
	stats.EphemeralStorage = &statsv1alpha1.FsStats{Time: metav1.Now(), UsedBytes: &written}
	if eth0 := linux.GetNetwork().GetDefaultInterface(); eth0 != nil {
		rx, tx := eth0.GetRxBytes().GetValue(), eth0.GetTxBytes().GetValue()
		one := statsv1alpha1.InterfaceStats{Name: eth0.Name, RxBytes: &rx, TxBytes: &tx}
		stats.Network = &statsv1alpha1.NetworkStats{Time: metav1.Now(), InterfaceStats: one, Interfaces: []statsv1alpha1.InterfaceStats{one}}
	}
	return stats
}

func (k *Kubelet) containerStats(c *runtimeapi.ContainerStats) statsv1alpha1.ContainerStats {
	stats := statsv1alpha1.ContainerStats{
		Name: c.GetAttributes().GetMetadata().GetName(), CPU: cpuStats(c.GetCpu()), Memory: memoryStats(c.GetMemory()),
	}
	if w := k.worker(uidOf(c)); w != nil {
		pod, _ := w.current()
		stats.StartTime = startOf(w.status.overlay(pod), stats.Name)
	}
	if layer := c.GetWritableLayer(); layer != nil {
		bytes, inodes := layer.GetUsedBytes().GetValue(), layer.GetInodesUsed().GetValue()
		stats.Rootfs = &statsv1alpha1.FsStats{Time: metav1.NewTime(time.Unix(0, layer.Timestamp)), UsedBytes: &bytes, InodesUsed: &inodes}
	}
	return stats
}

// startOf is when a container began to run, as its status says.
func startOf(pod *corev1.Pod, container string) metav1.Time {
	for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses, pod.Status.EphemeralContainerStatuses} {
		if s := findStatus(list, container); s != nil && s.State.Running != nil {
			return s.State.Running.StartedAt
		}
	}
	return metav1.Time{}
}

func cpuStats(c *runtimeapi.CpuUsage) *statsv1alpha1.CPUStats {
	if c == nil {
		return nil
	}
	total := c.GetUsageCoreNanoSeconds().GetValue()
	stats := &statsv1alpha1.CPUStats{Time: metav1.NewTime(time.Unix(0, c.Timestamp)), UsageCoreNanoSeconds: &total}
	if c.UsageNanoCores != nil {
		stats.UsageNanoCores = &c.UsageNanoCores.Value
	}
	return stats
}

func memoryStats(m *runtimeapi.MemoryUsage) *statsv1alpha1.MemoryStats {
	if m == nil {
		return nil
	}
	usage, working := m.GetUsageBytes().GetValue(), m.GetWorkingSetBytes().GetValue()
	return &statsv1alpha1.MemoryStats{Time: metav1.NewTime(time.Unix(0, m.Timestamp)), UsageBytes: &usage, WorkingSetBytes: &working}
}

// nodeUse is the sum over a node: its pods, and its own services.
type nodeUse struct{ cpu, cpuRate, memory uint64 }

func (n *nodeUse) add(p statsv1alpha1.PodStats) {
	if p.CPU != nil && p.CPU.UsageCoreNanoSeconds != nil {
		n.cpu += *p.CPU.UsageCoreNanoSeconds
	}
	if p.CPU != nil && p.CPU.UsageNanoCores != nil {
		n.cpuRate += *p.CPU.UsageNanoCores
	}
	if p.Memory != nil && p.Memory.WorkingSetBytes != nil {
		n.memory += *p.Memory.WorkingSetBytes
	}
}

// addSystem adds what runtime, kubelet and proxy use: the processes of our own program. There is no cgroup around a node, so they
// are asked one by one. Their CPU rate is the mean since the kubelet began.
func (n *nodeUse) addSystem(since time.Time) {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	entries, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return
	}
	var cpu uint64
	for _, link := range entries {
		if target, err := os.Readlink(link); err == nil && target == self {
			ticks, pages := processUse(filepath.Dir(link))
			cpu += ticks * uint64(time.Second) / clockTicks
			n.memory += pages * uint64(os.Getpagesize())
		}
	}
	n.cpu += cpu
	if span := time.Since(since).Seconds(); span > 0 {
		n.cpuRate += uint64(float64(cpu) / span)
	}
}

// clockTicks is USER_HZ, the unit of CPU time in /proc; Linux has the same on every machine that Go runs on.
const clockTicks = 100

// processUse reads user and system time in ticks, and resident pages without those shared with files (proc_pid_stat(5),
// proc_pid_statm(5)).
func processUse(dir string) (ticks, pages uint64) {
	if stat, err := os.ReadFile(filepath.Join(dir, "stat")); err == nil {
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		for _, i := range []int{11, 12} {
			if len(fields) > i {
				n, _ := strconv.ParseUint(fields[i], 10, 64) // the kernel writes numbers
				ticks += n
			}
		}
	}
	if statm, err := os.ReadFile(filepath.Join(dir, "statm")); err == nil {
		if fields := strings.Fields(string(statm)); len(fields) > 2 {
			resident, _ := strconv.ParseUint(fields[1], 10, 64)
			shared, _ := strconv.ParseUint(fields[2], 10, 64)
			pages = resident - min(resident, shared)
		}
	}
	return ticks, pages
}

// fileSystem is nil when nothing is known.
func (k *Kubelet) fileSystem() *statsv1alpha1.FsStats {
	if k.cfg.FileSystem == nil {
		return diskStats(k.cfg.RootDir, metav1.Now())
	}
	capacity, available := k.cfg.FileSystem()
	used := capacity - available
	return &statsv1alpha1.FsStats{Time: metav1.Now(), CapacityBytes: &capacity, AvailableBytes: &available, UsedBytes: &used}
}

func diskStats(dir string, now metav1.Time) *statsv1alpha1.FsStats {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return nil
	}
	capacity, available := fs.Blocks*uint64(fs.Bsize), fs.Bavail*uint64(fs.Bsize)
	used := capacity - fs.Bfree*uint64(fs.Bsize)
	inodes, free := fs.Files, fs.Ffree
	return &statsv1alpha1.FsStats{
		Time: now, CapacityBytes: &capacity, AvailableBytes: &available, UsedBytes: &used, Inodes: &inodes, InodesFree: &free,
	}
}

// processStats counts the node's processes against what its pid namespace can hold.
func processStats(now metav1.Time) *statsv1alpha1.RlimitStats {
	limit, err := strconv.ParseInt(firstLine("/proc/sys/kernel/pid_max"), 10, 64)
	entries, err2 := filepath.Glob("/proc/[0-9]*")
	if err != nil || err2 != nil {
		return nil
	}
	running := int64(len(entries))
	return &statsv1alpha1.RlimitStats{Time: now, MaxPID: &limit, NumOfRunningProcesses: &running}
}

// sizeBelow is the size of all files below dir; 0 when there is none.
func sizeBelow(dir string) uint64 {
	var sum uint64
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // files come and go
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			sum += uint64(info.Size())
		}
		return nil
	})
	return sum
}

// serveSummary answers GET /stats/summary.
func (k *Kubelet) serveSummary(w http.ResponseWriter, r *http.Request) {
	summary, err := k.summary(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for i := range summary.Pods { // here alone: to measure a volume is to walk through all its files
		summary.Pods[i].VolumeStats = k.claimStats(r.Context(), summary.Pods[i].PodRef)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(summary) // the connection is the only thing that can fail
}
