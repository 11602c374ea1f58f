package cri_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/internal/kerneltest"
)

// program is "docknode runtime", the server of this package as a node runs it.
type program struct {
	runtimeapi.RuntimeServiceClient

	cmd *exec.Cmd
	out bytes.Buffer
	dir string
}

func docknode() string { return filepath.Join(kerneltest.Dir(), "docknode") }

func startProgram(t *testing.T, flags ...string) *program {
	t.Helper()
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	dir, err := os.MkdirTemp("", "d")
	must(t, err)
	seed := exec.Command(docknode(), "seed", "--to", filepath.Join(dir, "images"))
	archive, err := os.Open(filepath.Join(kerneltest.Dir(), "images.tar"))
	must(t, err)
	defer archive.Close()
	seed.Stdin = archive
	if out, err := seed.CombinedOutput(); err != nil {
		t.Fatalf("seed: %v\n%s", err, out)
	}
	p := &program{dir: dir}
	p.cmd = exec.Command(docknode(), append([]string{
		"runtime", "--root", dir + "/state", "--socket", dir + "/run/cri.sock", "--images", dir + "/images", "--logs", dir + "/log",
		"--init", filepath.Join(kerneltest.Dir(), "dockinit"), "--node", "node-1", "--node-ip", "172.30.0.11", "--pod-cidr", "10.244.1.0/24",
	}, flags...)...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	ready, theirs, err := os.Pipe()
	must(t, err)
	defer ready.Close()
	p.cmd.ExtraFiles = []*os.File{theirs}
	must(t, p.cmd.Start())
	theirs.Close()
	t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
		_ = p.cmd.Wait()
		must(t, os.RemoveAll(dir))
	})
	if line, err := bufio.NewReader(ready).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("never ready: %q, %v\n%s", line, err, p.out.String())
	}
	conn, err := grpc.NewClient("unix://"+dir+"/run/cri.sock", grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close()) })
	p.RuntimeServiceClient = runtimeapi.NewRuntimeServiceClient(conn)
	return p
}

func TestProgramTakesItsContainersAlong(t *testing.T) {
	p := startProgram(t)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	pod, err := p.RunPodSandbox(ctx, &runtimeapi.RunPodSandboxRequest{Config: &runtimeapi.PodSandboxConfig{
		Metadata: &runtimeapi.PodSandboxMetadata{Name: "p", Uid: "u", Namespace: "n"}, // no options: one pid namespace for the pod
	}})
	must(t, err)
	c, err := p.CreateContainer(ctx, &runtimeapi.CreateContainerRequest{PodSandboxId: pod.GetPodSandboxId(), Config: containerConfig("c", "wait")})
	must(t, err)
	_, err = p.StartContainer(ctx, &runtimeapi.StartContainerRequest{ContainerId: c.GetContainerId()})
	must(t, err)
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("end on SIGTERM: %v\n%s", err, p.out.String())
	}
	assertNoMounts(t, p.dir)
}

func TestProgramKeepsServicesRunning(t *testing.T) {
	p := startProgram(t, "--supervise", "no-such-verb", "--supervise", "pause")
	path := filepath.Join(p.dir, "log", "no-such-verb.log")
	for deadline := time.Now().Add(10 * time.Second); ; {
		data, _ := os.ReadFile(path)
		if strings.Count(string(data), "docknode no-such-verb ended: exit status 2") >= 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("log of a service that keeps ending:\n%s", data)
		}
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // a file has no channel
	}
	if data, err := os.ReadFile(filepath.Join(p.dir, "log", "pause.log")); err != nil || len(data) > 0 {
		t.Errorf("log of a service that stays: %q, %v", data, err)
	}
}

func TestProgramUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"usage: docknode VERB":                               {"fly"},
		"docknode runtime: --node, --node-ip and --pod-cidr": {"runtime"},
		"docknode seed: --to is needed":                      {"seed"},
	} {
		out, err := exec.Command(docknode(), args...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("docknode %v: %v, %s", args, err, out)
		}
	}
}
