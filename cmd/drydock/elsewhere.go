package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"

	"drydock/engine/cluster/access"
	"drydock/lessons/course"
	"drydock/lessons/pack"
	"drydock/lessons/progress"
	"drydock/sandbox/box"
)

// kubeconfigVariable is --kubeconfig where that is not given, as in the shell that it opens.
const kubeconfigVariable = "DRYDOCK_KUBECONFIG"

// elsewhere is a learner's place on a cluster that is not drydock's own: a namespace there, and a folder here.
type elsewhere struct {
	*access.Cluster
	namespace string
	dir       string // kubeconfig, workspace, images
	programs  string // where kubectl is
	archive   string // the images that drydock carries
}

func (e *elsewhere) kubeconfig() string { return filepath.Join(e.dir, "kubeconfig") }
func (e *elsewhere) workspace() string  { return filepath.Join(e.dir, "workspace") }

// takesKubeconfig are the commands that --kubeconfig is for; kubectl reads its own flags.
func takesKubeconfig(cmd *cobra.Command) bool {
	switch cmd.Name() {
	case "check", "shell":
		return true
	default:
		return cmd.HasParent() && cmd.Parent().Name() == "lesson"
	}
}

// openElsewhere finds the learner's place on the cluster of --kubeconfig.
func (a *app) openElsewhere(p place, learner string) (*elsewhere, error) {
	cluster, err := access.Other(a.kubeconfig)
	if err != nil {
		return nil, usage("%w", err)
	}
	namespace := namespaceOf(learner)
	e := &elsewhere{
		Cluster: cluster, namespace: namespace, programs: string(p.programs), archive: p.programs.Path("images.tar"),
		dir: filepath.Join(string(p.home), "clusters", hostName(cluster.REST.Host), namespace),
	}
	if err := os.MkdirAll(e.workspace(), 0o700); err != nil {
		return nil, fmt.Errorf("make your folder: %w", err)
	}
	return e, e.WriteKubeconfig(namespace, e.kubeconfig())
}

// hostName makes a server's address the name of a folder.
func hostName(server string) string {
	if u, err := url.Parse(server); err == nil && u.Host != "" {
		server = u.Host + u.Path
	}
	return strings.Trim(regexp.MustCompile(`[^A-Za-z0-9.]+`).ReplaceAllString(server, "-"), ".-")
}

var namespacePart = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$`)

// namespaceOf is the namespace of a learner, the same on every machine. An id that cannot be part of a name is hashed.
func namespaceOf(learner string) string {
	if namespacePart.MatchString(learner) {
		return "drydock-" + learner
	}
	sum := sha256.Sum256([]byte(learner))
	return "drydock-" + hex.EncodeToString(sum[:])[:10]
}

// registry is where the cluster finds the images that drydock carries. What was given once is kept.
func (e *elsewhere) registry(given string) (string, error) {
	file := filepath.Join(e.dir, "images")
	if given = strings.Trim(given, "/"); given != "" {
		return given, os.WriteFile(file, []byte(given+"\n"), 0o600)
	}
	kept, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(kept)), err
}

// courseElsewhere opens the course on the cluster of --kubeconfig. The returned function closes the learner's record.
func (a *app) courseElsewhere(cmd *cobra.Command) (*course.Course, func() error, error) {
	p, err := a.unpacked()
	if err != nil {
		return nil, nil, err
	}
	lessons, err := a.loadPack(p)
	if err != nil {
		return nil, nil, err
	}
	book, err := a.openBook(p)
	if err != nil {
		return nil, nil, err
	}
	c, err := a.inNamespace(cmd, p, lessons, book)
	if err != nil {
		return nil, nil, errors.Join(err, book.Close())
	}
	return c, book.Close, nil
}

func (a *app) inNamespace(cmd *cobra.Command, p place, lessons *pack.Pack, book *progress.Book) (*course.Course, error) {
	e, err := a.openElsewhere(p, book.Learner())
	if err != nil {
		return nil, err
	}
	images, err := e.registry(a.images)
	if err != nil {
		return nil, fmt.Errorf("keep where the images are: %w", err)
	}
	carried, err := imagesIn(e.archive)
	if err != nil {
		return nil, err
	}
	if name := cmd.Name(); name == "start" || name == "next" || name == "reset" {
		fmt.Fprintf(os.Stderr, "your namespace on %s is %s, your folder %s\nto work there: drydock --kubeconfig %s shell   (or: export KUBECONFIG=%s)\n",
			e.REST.Host, e.namespace, e.workspace(), a.kubeconfig, e.kubeconfig())
	}
	a.archive = e.archive
	return course.New(course.Config{
		Pack: lessons, Book: book, Lab: "cluster " + e.REST.Host, REST: e.REST, Workspace: e.workspace(),
		Elsewhere: pack.Elsewhere{Namespace: e.namespace, Images: images, Carried: carried},
	})
}

// imagesIn are the names of the images in an archive, as people type them.
func imagesIn(archive string) ([]string, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	files := tar.NewReader(f)
	for {
		h, err := files.Next()
		if err != nil {
			return nil, fmt.Errorf("look for the names of images in %s: %w", archive, err)
		}
		if h.Name != ocispec.ImageIndexFile {
			continue
		}
		var index ocispec.Index
		if err := json.NewDecoder(files).Decode(&index); err != nil {
			return nil, fmt.Errorf("read the names of images in %s: %w", archive, err)
		}
		var names []string
		for _, m := range index.Manifests {
			names = append(names, strings.TrimPrefix(m.Annotations["io.containerd.image.name"], "docker.io/"))
		}
		return names, nil
	}
}

// shellElsewhere is the person's own shell in their folder, with a kubectl that works in their namespace. Nothing but the cluster's
// own rules keeps it from the rest of the cluster.
func (a *app) shellElsewhere() error {
	p, err := a.unpacked()
	if err != nil {
		return err
	}
	book, err := a.openBook(p)
	if err != nil {
		return err
	}
	e, err := a.openElsewhere(p, book.Learner())
	if err = errors.Join(err, book.Close()); err != nil {
		return err
	}
	shell := os.Getenv("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	cmd := exec.Command(shell)
	cmd.Dir = e.workspace()
	// Their own kubectl, if they have one, comes first.
	cmd.Env = append(os.Environ(), kubeconfigVariable+"="+e.kubeconfig(), "KUBECONFIG="+e.kubeconfig(), "PATH="+os.Getenv("PATH")+":"+e.programs)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	code, err := box.ToEnd(cmd)
	if err != nil {
		return fmt.Errorf("run %s: %w", shell, err)
	}
	return exit(code)
}
