package cri_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/internal/kerneltest"
)

// printed runs a container and returns what it printed.
func printed(n *node, pod string, config *runtimeapi.ContainerConfig) string {
	n.t.Helper()
	return n.output(n.runToEnd(pod, config))
}

func TestEnvironmentOfTheProgram(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("env"))
	config := containerConfig("env", "env")
	config.Envs = []*runtimeapi.KeyValue{{Key: "BOTH", Value: []byte("pod")}, {Key: "MINE", Value: []byte("a=b")}}
	want := map[string]bool{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin": true, "HOSTNAME=env": true, "HOME=/root": true,
		"FROM=image": true, "BOTH=pod": true, "MINE=a=b": true,
	}
	got := map[string]bool{}
	for line := range strings.Lines(printed(n, pod, config)) {
		got[strings.TrimSpace(line)] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestProgramIsConfined(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("box"))
	config := containerConfig("self", "self", "x")
	config.Linux.SecurityContext.NoNewPrivs = true
	config.Linux.SecurityContext.Capabilities = &runtimeapi.Capability{DropCapabilities: []string{"ALL"}, AddCapabilities: []string{"NET_BIND_SERVICE"}}
	got := printed(n, pod, config)
	for _, want := range []string{
		"host box cwd /srv uid 0 pid 1 args x", "CapEff: 0000000000000400", "CapBnd: 0000000000000400", "CapAmb: 0000000000000000", "NoNewPrivs: 1", "Seccomp: 2",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	usual := printed(n, pod, containerConfig("usual", "self"))
	if want := "CapEff: 00000000a80425fb"; !strings.Contains(usual, want) { // Kubernetes' default set
		t.Errorf("%q is missing in\n%s", want, usual)
	}
	privileged := containerConfig("priv", "self")
	privileged.Linux.SecurityContext.Privileged = true
	if got := printed(n, pod, privileged); !strings.Contains(got, "CapEff: 000001ffffffffff") && !strings.Contains(got, "CapEff: 000001fffeffffff") || !strings.Contains(got, "Seccomp: 0") {
		t.Errorf("privileged container is\n%s", got)
	}
}

func TestCommandArgsAndWorkingFolder(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("args"))
	config := containerConfig("c")
	config.Command, config.Args, config.WorkingDir = []string{"/bin/inside", "self"}, []string{"a", "b"}, "/made/here"
	if got := printed(n, pod, config); !strings.Contains(got, "cwd /made/here") || !strings.Contains(got, "args a|b") {
		t.Errorf("got %s", got)
	}
}

func TestFilesAndMounts(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("files"))
	host := t.TempDir()
	must(t, os.WriteFile(filepath.Join(host, "f"), []byte("from the node\n"), 0o644))
	config := containerConfig("cat", "cat", "/etc/hostname", "/etc/resolv.conf", "/mnt/f", "/mnt/inner/f", "/proc/interrupts") // masked: reads as empty
	config.Mounts = []*runtimeapi.Mount{
		{ContainerPath: "/mnt/inner", HostPath: host, Readonly: true},
		{ContainerPath: "/mnt", HostPath: filepath.Join(host, "new")},
	}
	want := "files\nsearch default.svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\nopen /mnt/f: no such file or directory\nfrom the node\n"
	if got := printed(n, pod, config); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	readonly := containerConfig("ro", "write", "/file", "x")
	readonly.Linux.SecurityContext.ReadonlyRootfs = true
	if got := printed(n, pod, readonly); !strings.Contains(got, "read-only file system") {
		t.Errorf("writing a read-only root gave %q", got)
	}
	must(t, os.Chmod(host, 0o777))
	write := containerConfig("rw", "write", "/mnt/g", "x")
	write.Mounts = []*runtimeapi.Mount{{ContainerPath: "/mnt", HostPath: host}}
	if got := printed(n, pod, write); got != "<nil>\n" {
		t.Errorf("writing a mounted folder gave %q", got)
	}
	if _, err := os.Stat(filepath.Join(host, "g")); err != nil {
		t.Error(err)
	}
}

func TestContainersOfAPodShareItsMemoryAndNotTheirFiles(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("share"))
	for _, path := range []string{"/dev/shm/x", "/tmp/x"} {
		printed(n, pod, containerConfig("w"+filepath.Base(filepath.Dir(path)), "write", path, "shared"))
	}
	if got, want := printed(n, pod, containerConfig("r", "cat", "/dev/shm/x", "/tmp/x")), "sharedopen /tmp/x: no such file or directory\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSharedPIDNamespace(t *testing.T) {
	n := newNode(t)
	podConfig := n.podConfig("shared")
	podConfig.Linux.SecurityContext.NamespaceOptions.Pid = runtimeapi.NamespaceMode_POD
	pod := n.runPod(podConfig)
	config := containerConfig("first", "wait")
	config.Linux.SecurityContext.NamespaceOptions.Pid = runtimeapi.NamespaceMode_POD
	n.start(n.create(pod, config))
	look := containerConfig("look", "pids")
	look.Linux.SecurityContext.NamespaceOptions.Pid = runtimeapi.NamespaceMode_POD
	got := printed(n, pod, look)
	if !strings.Contains(got, "1 /pause pause\n") || !strings.Contains(got, "/bin/inside wait\n") {
		t.Errorf("processes seen:\n%s", got)
	}
	alone := printed(n, pod, containerConfig("alone", "pids"))
	if alone != "1 /bin/inside pids\n" {
		t.Errorf("a container with its own pid namespace sees:\n%s", alone)
	}
}

func TestTargetPIDNamespace(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("debug"))
	target := n.create(pod, containerConfig("main", "wait"))
	n.start(target)
	config := containerConfig("debugger", "pids")
	config.Linux.SecurityContext.NamespaceOptions = &runtimeapi.NamespaceOption{Pid: runtimeapi.NamespaceMode_TARGET, TargetId: target}
	if got := printed(n, pod, config); !strings.Contains(got, "1 /bin/inside wait\n") {
		t.Errorf("processes seen:\n%s", got)
	}
}

func TestUsers(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("users"))
	config := containerConfig("user", "self")
	config.Linux.SecurityContext.RunAsUser = &runtimeapi.Int64Value{Value: 1000}
	if kerneltest.Unprivileged() {
		_, err := n.CreateContainer(n.ctx(), &runtimeapi.CreateContainerRequest{PodSandboxId: pod, Config: config})
		if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "runAsUser: user 1000 is not available") {
			t.Errorf("runAsUser in a namespace with one user: %v", err)
		}
		return
	}
	if got := printed(n, pod, config); !strings.Contains(got, "uid 1000") || !strings.Contains(got, "CapEff: 0000000000000000") {
		t.Errorf("got %s", got)
	}
	config.Metadata.Name = "named"
	config.Linux.SecurityContext = &runtimeapi.LinuxContainerSecurityContext{NamespaceOptions: ownPIDs(), RunAsUsername: "web", RunAsGroup: &runtimeapi.Int64Value{Value: 7}, SupplementalGroups: []int64{9}}
	st := n.runToEnd(pod, config)
	if diff := cmp.Diff([]int64{1000, 7, 9}, append([]int64{st.GetUser().GetLinux().GetUid(), st.GetUser().GetLinux().GetGid()}, st.GetUser().GetLinux().GetSupplementalGroups()...)); diff != "" {
		t.Errorf("user (-want +got):\n%s", diff)
	}
}

func TestRefusedWishes(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("refused"))
	for want, change := range map[string]func(*runtimeapi.ContainerConfig){
		`unknown capability "FLY"`: func(c *runtimeapi.ContainerConfig) {
			c.Linux.SecurityContext.Capabilities = &runtimeapi.Capability{AddCapabilities: []string{"FLY"}}
		},
		`cannot load seccomp profile "/nosuch/mine.json": open /nosuch/mine.json: no such file or directory`: func(c *runtimeapi.ContainerConfig) {
			c.Linux.SecurityContext.Seccomp = &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Localhost, LocalhostRef: "/nosuch/mine.json"}
		},
		`decoding seccomp profile failed "/etc/hostname"`: func(c *runtimeapi.ContainerConfig) {
			c.Linux.SecurityContext.Seccomp = &runtimeapi.SecurityProfile{ProfileType: runtimeapi.SecurityProfile_Localhost, LocalhostRef: "/etc/hostname"}
		},
		"runAsGroup is specified without runAsUser": func(c *runtimeapi.ContainerConfig) {
			c.Linux.SecurityContext.RunAsGroup = &runtimeapi.Int64Value{Value: 3}
		},
		`find user "nobody-here"`: func(c *runtimeapi.ContainerConfig) { c.Linux.SecurityContext.RunAsUsername = "nobody-here" },
		`is no device`: func(c *runtimeapi.ContainerConfig) {
			c.Devices = []*runtimeapi.Device{{HostPath: "/etc", ContainerPath: "/dev/x"}}
		},
	} {
		config := containerConfig("c")
		change(config)
		_, err := n.CreateContainer(n.ctx(), &runtimeapi.CreateContainerRequest{PodSandboxId: pod, Config: config})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	list, err := n.ListContainers(n.ctx(), &runtimeapi.ListContainersRequest{})
	must(t, err)
	if len(list.GetContainers()) > 0 {
		t.Errorf("refused containers are still listed: %v", list.GetContainers())
	}
}

func TestHostNetworkAndSysctls(t *testing.T) {
	n := newNode(t)
	config := n.podConfig("host")
	config.Linux.SecurityContext.NamespaceOptions.Network = runtimeapi.NamespaceMode_NODE
	pod := n.runPod(config)
	st, err := n.PodSandboxStatus(n.ctx(), &runtimeapi.PodSandboxStatusRequest{PodSandboxId: pod})
	must(t, err)
	if ip := st.GetStatus().GetNetwork().GetIp(); ip != "" {
		t.Errorf("a pod on the node's network has the address %q", ip)
	}
	tuned := n.podConfig("tuned")
	tuned.Linux.Sysctls = map[string]string{"net.ipv4.ip_local_port_range": "40000\t40010", "kernel.shm_rmid_forced": "1"}
	got := printed(n, n.runPod(tuned), containerConfig("c", "cat", "/proc/sys/net/ipv4/ip_local_port_range", "/proc/sys/kernel/shm_rmid_forced", "/proc/sys/net/ipv4/ip_unprivileged_port_start"))
	if want := "40000\t40010\n1\n0\n"; got != want {
		t.Errorf("sysctls are %q, want %q", got, want)
	}
	bad := n.podConfig("bad")
	bad.Linux.Sysctls = map[string]string{"net.no.such": "1"}
	if _, err := n.RunPodSandbox(n.ctx(), &runtimeapi.RunPodSandboxRequest{Config: bad}); err == nil || !strings.Contains(err.Error(), "net.no.such") {
		t.Errorf("unknown sysctl: %v", err)
	}
}

func TestStats(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("stats"))
	id := n.create(pod, containerConfig("c", "wait"))
	n.start(id)
	must(t, run(n, id, "write", "/big", strings.Repeat("x", 9000)))
	one, err := n.ContainerStats(n.ctx(), &runtimeapi.ContainerStatsRequest{ContainerId: id})
	must(t, err)
	if used := one.GetStats().GetWritableLayer().GetUsedBytes().GetValue(); used < 9000 {
		t.Errorf("writable layer uses %d bytes, 9000 were written", used)
	}
	if one.GetStats().GetMemory().GetWorkingSetBytes().GetValue() == 0 || one.GetStats().GetCpu() == nil {
		t.Errorf("usage: %v", one.GetStats())
	}
	all, err := n.ListPodSandboxStats(n.ctx(), &runtimeapi.ListPodSandboxStatsRequest{})
	must(t, err)
	if len(all.GetStats()) != 1 || all.GetStats()[0].GetLinux().GetNetwork().GetDefaultInterface().GetName() != "eth0" || len(all.GetStats()[0].GetLinux().GetContainers()) != 1 {
		t.Errorf("stats: %v", all.GetStats())
	}
}

func TestMemoryLimit(t *testing.T) {
	n := newNode(t)
	pod := n.runPod(n.podConfig("greedy"))
	config := containerConfig("eat", "eat")
	config.Linux.Resources = &runtimeapi.LinuxContainerResources{MemoryLimitInBytes: 48 << 20}
	if st := n.runToEnd(pod, config); st.GetReason() != "OOMKilled" || st.GetExitCode() != 137 {
		t.Errorf("reason %s, exit code %d; want OOMKilled, 137", st.GetReason(), st.GetExitCode())
	}
	patient := containerConfig("wait", "wait")
	patient.Linux.Resources = &runtimeapi.LinuxContainerResources{MemoryLimitInBytes: 48 << 20}
	id := n.create(pod, patient)
	n.start(id)
	_, err := n.UpdateContainerResources(n.ctx(), &runtimeapi.UpdateContainerResourcesRequest{ContainerId: id, Linux: &runtimeapi.LinuxContainerResources{MemoryLimitInBytes: 64 << 20, CpuQuota: 20000, CpuPeriod: 100000}})
	must(t, err)
	if got := n.status(id).GetResources().GetLinux(); got.GetMemoryLimitInBytes() != 64<<20 || got.GetCpuQuota() != 20000 {
		t.Errorf("resources after the update: %v", got)
	}
}
