package kubelet

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// kubeletVersion is the upstream release whose behaviour this kubelet follows.
const kubeletVersion = "v1.37.1"

// Kubernetes: these are upstream's defaults (maxPods, and what hard eviction keeps back from pods); neither can be configured here.
const (
	maxPods             = 110
	reservedMemoryBytes = 100 << 20
	reservedDiskPercent = 10
)

// MachineCapacity is what the kernel says this node has, with the entries of override put over it.
func MachineCapacity(rootDir string, override corev1.ResourceList) corev1.ResourceList {
	capacity := corev1.ResourceList{
		corev1.ResourceCPU:              *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		corev1.ResourceMemory:           *resource.NewQuantity(memoryTotal(), resource.BinarySI),
		corev1.ResourcePods:             *resource.NewQuantity(maxPods, resource.DecimalSI),
		corev1.ResourceEphemeralStorage: *resource.NewQuantity(diskTotal(rootDir), resource.BinarySI),
	}
	for name, quantity := range override {
		capacity[name] = quantity.DeepCopy()
	}
	return capacity
}

// allocatable is capacity without what a node keeps for itself so that it can still act when pods have used the rest.
func allocatable(capacity corev1.ResourceList) corev1.ResourceList {
	left := capacity.DeepCopy()
	if memory := left.Memory(); memory.Value() > 2*reservedMemoryBytes {
		left[corev1.ResourceMemory] = *resource.NewQuantity(memory.Value()-reservedMemoryBytes, resource.BinarySI)
	}
	disk := left.StorageEphemeral().Value()
	left[corev1.ResourceEphemeralStorage] = *resource.NewQuantity(disk-disk/100*reservedDiskPercent, resource.DecimalSI)
	return left
}

// memoryTotal is MemTotal of /proc/meminfo in bytes (proc_meminfo(5)); 0 when it cannot be read.
func memoryTotal() int64 { return memoryInfo("MemTotal:") }

// memoryAvailable is what the machine could still give without swapping.
func memoryAvailable() int64 { return memoryInfo("MemAvailable:") }

func memoryInfo(name string) int64 {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) >= 2 && fields[0] == name {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

func diskTotal(dir string) int64 {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return 0
	}
	return int64(fs.Blocks) * fs.Bsize
}

// machineInfo tells what runs this node. The runtime's part is filled in by the caller.
func machineInfo() corev1.NodeSystemInfo {
	machineID := firstLine("/etc/machine-id")
	return corev1.NodeSystemInfo{
		MachineID:       machineID,
		SystemUUID:      asUUID(machineID),
		BootID:          orElse(firstLine(bootIDFile), firstLine("/proc/sys/kernel/random/boot_id")),
		KernelVersion:   firstLine("/proc/sys/kernel/osrelease"),
		OSImage:         osImage(),
		KubeletVersion:  kubeletVersion,
		OperatingSystem: runtime.GOOS,
		Architecture:    runtime.GOARCH,
	}
}

// bootIDFile is made anew each time the node gets power. All nodes of a lab run on one kernel, whose own boot_id tells nothing of
// them.
const bootIDFile = "/run/drydock/boot-id"

// asUUID writes a machine ID, 32 hexadecimal digits, as firmware would: 8-4-4-4-12.
func asUUID(id string) string {
	if len(id) != 32 {
		return id
	}
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

func firstLine(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(content), "\n")
	return strings.TrimSpace(line)
}

// osImage is PRETTY_NAME of os-release(5).
func osImage() string {
	content, err := os.ReadFile("/etc/os-release")
	if err != nil {
		content, _ = os.ReadFile("/usr/lib/os-release")
	}
	for line := range strings.Lines(string(content)) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); found {
			return strings.Trim(name, `"'`)
		}
	}
	return "Linux"
}
