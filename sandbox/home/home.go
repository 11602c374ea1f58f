package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Home is the path of the state directory.
type Home string

// Find returns the state directory of this user, making it when absent (0700).
func Find() (Home, error) {
	dir := os.Getenv("DRYDOCK_HOME")
	if dir == "" {
		base := os.Getenv("XDG_STATE_HOME")
		if base == "" {
			user, err := os.UserHomeDir()
			if err != nil {
				return "", fmt.Errorf("find the state directory: %w; set DRYDOCK_HOME", err)
			}
			base = filepath.Join(user, ".local", "state")
		}
		dir = filepath.Join(base, "drydock")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the state directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the state directory: %w; set DRYDOCK_HOME to a directory that you may write", err)
	}
	// A lab mounts on paths below: they must be the real ones.
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", fmt.Errorf("find the state directory: %w", err)
	}
	if strings.Contains(real, ":") {
		return "", fmt.Errorf("use the state directory %s: PATH and KUBECONFIG cannot name a place with a colon in it; set DRYDOCK_HOME to another", real)
	}
	return Home(real), nil
}

// Progress is where what the learner has done is kept.
func (h Home) Progress() string { return filepath.Join(string(h), "progress") }

// Images is where the bundled images are unpacked.
func (h Home) Images() string { return filepath.Join(string(h), "images") }

// ErrName: a lab's name must be usable as a file name and a host name.
var ErrName = errors.New("a lab's name has 1 to 32 lower-case letters, digits and dashes, and begins with a letter")

var labName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// doorDir is no lab's name: a lab's directory lies among others of its kind, this one inside it.
const doorDir = "shell"

// Lab returns the directory of the lab called name, which need not exist.
func (h Home) Lab(name string) (Lab, error) {
	if !labName.MatchString(name) {
		return "", fmt.Errorf("%q: %w", name, ErrName)
	}
	return Lab(filepath.Join(string(h), "labs", name)), nil
}

// Labs lists the names of all labs that have ever been started and not removed.
func (h Home) Labs() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(string(h), "labs"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list labs: %w", err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() && labName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Lab is the path of one lab's directory.
type Lab string

// Name is the lab's name.
func (l Lab) Name() string { return filepath.Base(strings.TrimSuffix(string(l), "/"+doorDir)) }

func (l Lab) path(elem ...string) string {
	return filepath.Join(append([]string{string(l)}, elem...)...)
}

// Paths inside a lab's directory; docs/architecture.md has the table.
func (l Lab) Control() string    { return l.path("control.sock") }
func (l Lab) API() string        { return l.path("api.sock") }
func (l Lab) Kubeconfig() string { return l.path("kubeconfig") }
func (l Lab) Journal() string    { return l.path("journal.db") }
func (l Lab) Audit() string      { return l.path("audit.jsonl") }
func (l Lab) PKI() string        { return l.path("pki") }
func (l Lab) Workspace() string  { return l.path("workspace") }
func (l Lab) Log() string        { return l.path("log") }
func (l Lab) Lock() string       { return l.path("lock") }
func (l Lab) Port() string       { return l.path("port") }

// Shell is what the learner's shell needs of ours: its start-up file, and the directory of commands put on its PATH.
func (l Lab) Shell() string { return l.path(doorDir) }

// Door is the lab as its own shell sees it: a control socket, an API socket and a kubeconfig under their usual names, which
// can do what a learner may, and nothing else of the lab.
func (l Lab) Door() Lab { return Lab(l.Shell()) }

// Node is the directory of one node's files, part being runtime, kubelet or log.
func (l Lab) Node(name, part string) string { return l.path("nodes", name, part) }

// Volumes holds the volumes that every node sees; a node's own lie with the node.
func (l Lab) Volumes() string { return l.path("volumes") }

// Snapshots is where the lab's snapshots lie, one folder each; what pods had written lies with their nodes.
func (l Lab) Snapshots() string { return l.path("snapshots") }

// Roster is the list of the lab's nodes. It lies among what Forget removes.
func (l Lab) Roster() string { return l.path("nodes", "roster.json") }

// SchedulerConfig is the KubeSchedulerConfiguration the lab was started with, if it was given one.
func (l Lab) SchedulerConfig() string { return l.path("scheduler.yaml") }

// PodNetwork holds the name of the pod network that the lab was started with, if it was given one.
func (l Lab) PodNetwork() string { return l.path("pod-network") }

// Make creates the lab's directories (0700).
func (l Lab) Make() error {
	for _, dir := range []string{string(l), l.PKI(), l.Workspace(), l.Log(), l.Shell(), l.path("nodes"), l.Volumes()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the directory of lab %s: %w", l.Name(), err)
		}
	}
	return nil
}

// Forget removes a stopped lab's cluster: its journal, its nodes, its volumes and its snapshots. The workspace stays, and so do the certificates, so
// that a kubeconfig that was handed out goes on working.
func (l Lab) Forget() error {
	for _, path := range []string{l.Journal(), l.path("nodes"), l.Volumes(), l.Snapshots(), l.Log(), l.Shell(), l.SchedulerConfig(), l.PodNetwork()} {
		if err := remove(path); err != nil {
			return fmt.Errorf("forget lab %s: %w", l.Name(), err)
		}
	}
	return nil
}

// ForgetNode removes what one node, which must be off, has kept.
func (l Lab) ForgetNode(name string) error {
	if err := remove(l.path("nodes", name)); err != nil {
		return fmt.Errorf("forget %s of lab %s: %w", name, l.Name(), err)
	}
	return nil
}

// Remove deletes a stopped lab whole, the workspace too.
func (l Lab) Remove() error {
	if err := remove(string(l)); err != nil {
		return fmt.Errorf("remove lab %s: %w", l.Name(), err)
	}
	return nil
}

// remove is os.RemoveAll for trees in which overlay mounts have worked: the kernel makes their work directories with mode 0,
// which only root can list.
func remove(path string) error {
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return os.Chmod(p, 0o700)
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.RemoveAll(path)
}
