package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"drydock/engine/apiserver"
	"drydock/engine/cluster/control"
	"drydock/engine/decision"
	"drydock/sandbox/lab"
)

// A snapshot is the lab at one moment: all objects at one revision, what every pod had written, the learner's folder, and which
// parts did not run. It lies in two places:
//
//	snapshots/NAME/about.json              control.Snapshot
//	snapshots/NAME/moment.json             apiserver.Moment
//	snapshots/NAME/workspace/              the learner's folder
//	nodes/NODE/runtime/kept/NAME.REVISION/ what the pods of the node had written (sandbox/cri)
//
// It is taken while everything runs. Objects and files are read within some milliseconds, not at one instant, and a program
// that writes just then may be caught in the middle; its memory is not kept at all. docs/snapshots.md tells people.

const (
	aboutName     = "about.json"
	momentName    = "moment.json"
	workspaceName = "workspace"
)

var snapshotName = regexp.MustCompile(`^\.?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// snapshotDir is where a snapshot lies, if its name is one.
func (c *Cluster) snapshotDir(name string) (string, error) {
	if !snapshotName.MatchString(name) {
		return "", fmt.Errorf("%q is no name for a snapshot: use small letters, digits and dashes, like before-the-update", name)
	}
	return filepath.Join(c.opts.Lab.Snapshots(), name), nil
}

// keptBy is the name under which nodes keep what belongs to a snapshot. A snapshot that replaces another one has another.
func keptBy(s control.Snapshot) string { return s.Name + "." + strconv.FormatInt(s.Revision, 10) }

func (c *Cluster) keptDir(node string, s control.Snapshot) string {
	return filepath.Join(c.opts.Lab.Node(node, "runtime"), "kept", keptBy(s))
}

// saveSnapshot answers control.VerbSnapshotSave.
func (c *Cluster) saveSnapshot(ctx context.Context, call *lab.Call) error {
	var r control.SnapshotRequest
	if err := call.Decode(&r); err != nil {
		return err
	}
	c.snapshots.Lock()
	defer c.snapshots.Unlock()
	about, err := c.save(ctx, r)
	if err != nil {
		return fmt.Errorf("save the snapshot %s: %w", r.Name, err)
	}
	return call.Send(about)
}

func (c *Cluster) save(ctx context.Context, r control.SnapshotRequest) (control.Snapshot, error) {
	about := control.Snapshot{Name: r.Name, Note: r.Note, WithoutWorkspace: r.WithoutWorkspace, Taken: time.Now().UTC()}
	dir, err := c.snapshotDir(r.Name)
	if err != nil {
		return about, err
	}
	old, err := readAbout(dir)
	switch {
	case err == nil && !r.Replace:
		return about, fmt.Errorf("there is one of that name, of %s; `drydock snapshot rm %s` removes it, --replace replaces it", old.Taken.Local().Format(time.DateTime), r.Name)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return about, err
	}
	if about.Parts, err = c.resting(ctx); err != nil {
		return about, err
	}
	moment, err := c.api.Moment(ctx)
	if err != nil {
		return about, err
	}
	about.Revision, about.Objects = moment.Revision, len(moment.Objects)
	if about.Nodes, err = c.keepPods(ctx, about); err != nil {
		return about, errors.Join(err, c.dropKept(about))
	}
	if about, err = c.writeSnapshot(dir, about, moment); err != nil {
		return about, errors.Join(err, c.dropKept(about))
	}
	if old.Name != "" && old.Revision != about.Revision {
		err = c.dropKept(old)
	}
	c.recordSnapshot(about, "SaveSnapshot", fmt.Sprintf("%d objects at revision %d", about.Objects, about.Revision))
	return about, err
}

// keepPods has every node that is on copy what its pods have written, and returns these nodes.
func (c *Cluster) keepPods(ctx context.Context, about control.Snapshot) ([]string, error) {
	var on []*node
	var names []string
	for _, n := range c.allNodes() {
		if m, _ := n.running(); m != nil {
			on, names = append(on, n), append(names, n.name)
		}
	}
	return names, together(on, func(n *node) error {
		return c.orderNode(ctx, n, "keep", control.NodeKeep{Snapshot: keptBy(about)}, nil)
	})
}

// orderNode gives a node's runtime an order about its pods' files. answer, if there is one, is read into.
func (c *Cluster) orderNode(ctx context.Context, n *node, verb string, order control.NodeKeep, answer any) error {
	m, _ := n.running()
	if m == nil {
		return errOff(n)
	}
	err := lab.Ask(ctx, m.File(servicesSocket), verb, order, lab.Each(func(raw json.RawMessage) error {
		return json.Unmarshal(raw, answer)
	}))
	if err != nil {
		return fmt.Errorf("%s: %s the pods' files: %w", n.name, verb, err)
	}
	return nil
}

// writeSnapshot writes the lab's half of a snapshot, so that it is there whole or not at all.
func (c *Cluster) writeSnapshot(dir string, about control.Snapshot, moment *apiserver.Moment) (control.Snapshot, error) {
	fresh := dir + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.MkdirAll(filepath.Join(fresh, workspaceName), 0o700)); err != nil {
		return about, err
	}
	if !about.WithoutWorkspace {
		if err := mirrorFolder(filepath.Join(fresh, workspaceName), c.opts.Lab.Workspace()); err != nil {
			return about, errors.Join(fmt.Errorf("copy the workspace: %w", err), os.RemoveAll(fresh))
		}
	}
	err := writeJSON(filepath.Join(fresh, momentName), moment)
	about.Bytes = sizeOf(fresh)
	for _, name := range about.Nodes {
		about.Bytes += sizeOf(c.keptDir(name, about))
	}
	err = errors.Join(err, writeJSON(filepath.Join(fresh, aboutName), about))
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return about, errors.Join(err, os.RemoveAll(fresh))
	}
	return about, os.Rename(fresh, dir)
}

func writeJSON(path string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", filepath.Base(path), err)
	}
	return os.WriteFile(path, text, 0o600)
}

// sizeOf adds up the files below a folder; what cannot be seen counts nothing.
func sizeOf(dir string) int64 {
	var sum int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil //nolint:nilerr // see above
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

func readAbout(dir string) (control.Snapshot, error) {
	var about control.Snapshot
	text, err := os.ReadFile(filepath.Join(dir, aboutName))
	if err == nil {
		err = json.Unmarshal(text, &about)
	}
	if err != nil {
		return control.Snapshot{}, fmt.Errorf("read what the snapshot %s is: %w", filepath.Base(dir), err)
	}
	return about, nil
}

// find the snapshot of that name; the error says what to do.
func (c *Cluster) findSnapshot(name string) (control.Snapshot, string, error) {
	dir, err := c.snapshotDir(name)
	if err != nil {
		return control.Snapshot{}, "", err
	}
	about, err := readAbout(dir)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("this lab has no snapshot %q; `drydock snapshot ls` lists them", name)
	}
	return about, dir, err
}

// listSnapshots answers control.VerbSnapshotList.
func (c *Cluster) listSnapshots(_ context.Context, call *lab.Call) error {
	var r control.SnapshotRequest
	if err := call.Decode(&r); err != nil {
		return err
	}
	c.snapshots.Lock()
	defer c.snapshots.Unlock()
	all, err := c.allSnapshots(r.All)
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := call.Send(s); err != nil {
			return err
		}
	}
	return nil
}

// allSnapshots are those of people, or all, the oldest first.
func (c *Cluster) allSnapshots(hidden bool) ([]control.Snapshot, error) {
	entries, err := os.ReadDir(c.opts.Lab.Snapshots())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list the snapshots: %w", err)
	}
	var all []control.Snapshot
	for _, e := range entries {
		if !snapshotName.MatchString(e.Name()) || e.Name()[0] == '.' && !hidden {
			continue // half written, or not a person's
		}
		about, err := readAbout(filepath.Join(c.opts.Lab.Snapshots(), e.Name()))
		if err != nil {
			return nil, err
		}
		all = append(all, about)
	}
	slices.SortFunc(all, func(a, b control.Snapshot) int { return a.Taken.Compare(b.Taken) })
	return all, nil
}

// removeSnapshot answers control.VerbSnapshotRemove.
func (c *Cluster) removeSnapshot(_ context.Context, call *lab.Call) error {
	c.snapshots.Lock()
	defer c.snapshots.Unlock()
	about, dir, err := c.askedSnapshot(call)
	if err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(dir), c.dropKept(about)); err != nil {
		return fmt.Errorf("remove the snapshot %s: %w", about.Name, err)
	}
	return nil
}

// askedSnapshot finds the snapshot that a call names. The caller holds snapshots.
func (c *Cluster) askedSnapshot(call *lab.Call) (control.Snapshot, string, error) {
	var r control.SnapshotRequest
	if err := call.Decode(&r); err != nil {
		return control.Snapshot{}, "", err
	}
	return c.findSnapshot(r.Name)
}

// dropKept removes what nodes keep for a snapshot.
func (c *Cluster) dropKept(about control.Snapshot) error {
	var errs []error
	for _, n := range c.allNodes() {
		dir := c.keptDir(n.name, about)
		errs = append(errs, os.RemoveAll(dir), os.RemoveAll(dir+".new"))
	}
	return errors.Join(errs...)
}

func (c *Cluster) recordSnapshot(about control.Snapshot, action, message string) {
	c.ring.Record(decision.Record{
		Actor: "machine-room", Object: decision.Object{Resource: "snapshots", Name: about.Name}, Action: action, Message: message,
	})
}
