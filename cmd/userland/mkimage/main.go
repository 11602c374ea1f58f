// Command mkimage builds the bundled images into one OCI archive: mkimage -userland FILE -o FILE.
//
// drydock/base:1 is the userland with a link for each applet; drydock/web:1 and :2 are one small layer on top of it, and
// drydock/ingress:1 is the same files with another program to start.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"drydock/sandbox/image"
)

func main() {
	userland := flag.String("userland", "bin/userland", "the built userland program")
	output := flag.String("o", "bin/images.tar", "the archive to write")
	flag.Parse()
	if err := run(*userland, *output); err != nil {
		fmt.Fprintln(os.Stderr, "mkimage:", err)
		os.Exit(1)
	}
}

func run(userland, output string) error {
	base, err := baseLayer(userland)
	if err != nil {
		return err
	}
	out, err := os.Create(output)
	if err != nil {
		return err
	}
	if err := image.WriteArchive(out, images(base)); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}

func images(base image.Layer) []image.Spec {
	env := []string{"PATH=/bin:/usr/bin:/sbin:/usr/sbin", "HOME=/root", "TERM=xterm"}
	list := []image.Spec{{
		Name: "drydock/base:1", Layers: []image.Layer{base},
		Config: ocispec.ImageConfig{Cmd: []string{"sh"}, Env: env, WorkingDir: "/"},
	}}
	for _, version := range []string{"1", "2"} {
		list = append(list, image.Spec{
			Name: "drydock/web:" + version, Layers: []image.Layer{base, webLayer(version)},
			Config: ocispec.ImageConfig{
				Entrypoint: []string{"/bin/web"}, Env: append(env, "WEB_VERSION="+version), WorkingDir: "/",
				ExposedPorts: map[string]struct{}{"8080/tcp": {}}, StopSignal: "SIGTERM",
			},
		})
	}
	return append(list, image.Spec{
		Name: "drydock/ingress:1", Layers: []image.Layer{base},
		Config: ocispec.ImageConfig{
			Entrypoint: []string{"/bin/ingress"}, Env: env, WorkingDir: "/", StopSignal: "SIGTERM",
			ExposedPorts: map[string]struct{}{"8080/tcp": {}, "8443/tcp": {}},
		},
	})
}

// baseLayer asks the userland which applets it has, so that image and program cannot disagree.
func baseLayer(userland string) (image.Layer, error) {
	program, err := os.ReadFile(userland)
	if err != nil {
		return image.Layer{}, err
	}
	names, err := exec.Command(userland).Output()
	if err != nil {
		return image.Layer{}, fmt.Errorf("ask %s for its applets: %w", userland, err)
	}
	files := []image.File{
		file("/bin/userland", 0o755, string(program)),
		file("/etc/passwd", 0o644, "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"),
		file("/etc/group", 0o644, "root:x:0:\nnogroup:x:65534:\n"),
		file("/etc/os-release", 0o644, "NAME=drydock\nID=drydock\nPRETTY_NAME=\"drydock base 1\"\n"),
		directory("/tmp", 0o1777), directory("/root", 0o700), directory("/var/tmp", 0o1777), directory("/proc", 0o755),
		directory("/sys", 0o755), directory("/dev", 0o755), directory("/run", 0o755),
		file("/etc/profile", 0o644, "export PATH=/bin:/usr/bin:/sbin:/usr/sbin\nexport HOME=${HOME:-/root}\n"),
		file("/etc/services", 0o644, "domain 53/udp\nhttp 80/tcp\nhttps 443/tcp\n"),
		link("/usr/bin", "../bin"), link("/sbin", "bin"), link("/usr/sbin", "../bin"),
	}
	for _, name := range strings.Fields(string(names)) {
		files = append(files, link("/bin/"+name, "userland"))
	}
	return image.Layer{Comment: "shell and core tools", Files: files}, nil
}

func webLayer(version string) image.Layer {
	return image.Layer{Comment: "web server " + version, Files: []image.File{
		file("/etc/web-release", 0o644, "web version "+version+"\n"),
	}}
}
