package course

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"

	"drydock/checks"
	"drydock/lessons/pack"
	"drydock/lessons/progress"
)

// readyWithin is how long a world may take until what its lesson waits for (world.until) holds.
const readyWithin = 60 * time.Second

// build makes the world of a lesson from nothing and the lesson current.
func (c *Course) build(ctx context.Context, id string) error {
	c.building.Lock()
	defer c.building.Unlock()
	lesson, m, err := c.draw(id)
	if err != nil {
		return err
	}
	again := c.State().Lesson == id
	if err := c.PutAside(ctx); err != nil {
		return err
	}
	c.leave(id)
	if m, err = c.raise(ctx, lesson, m); err != nil {
		c.mu.Lock()
		c.publishLocked(&State{Lesson: id})
		c.mu.Unlock()
		return fmt.Errorf("set up lesson %s: %w", id, err)
	}
	opened := progress.Record{
		Time: now(), Kind: progress.Opened, Pack: m.Pack, Lesson: id, Revision: m.Revision, Attempt: m.Attempt, Lab: c.cfg.Lab,
	}
	if err := c.cfg.Book.Add(opened); err != nil {
		return err
	}
	if err := c.began(lesson, m, again); err != nil {
		return err
	}
	return c.enter(lesson, m, true)
}

// draw gives the lesson its parameters and the attempt its name.
func (c *Course) draw(id string) (*pack.Lesson, marker, error) {
	general := c.Pack().Lesson(id)
	if general == nil {
		return nil, marker{}, fmt.Errorf("there is no lesson %q", id)
	}
	seed := cmp.Or(c.cfg.Seed, c.cfg.Book.Learner()+"/"+general.Pack().Digest)
	lesson, err := c.mine(general, seed)
	if err != nil {
		return nil, marker{}, fmt.Errorf("set up lesson %s: %w", id, err)
	}
	return lesson, marker{Pack: general.Pack().ID, Lesson: id, Revision: general.Revision, Attempt: rand.Text(), Seed: seed}, nil
}

// raise is called with building held.
func (c *Course) raise(ctx context.Context, lesson *pack.Lesson, m marker) (marker, error) {
	if err := c.removeMarker(ctx); err != nil {
		return m, err
	}
	if err := c.mend(ctx, lesson); err != nil {
		return m, err
	}
	there, err := c.rewind(ctx, startSnapshot, m.world(lesson))
	if err == nil && !there {
		err = c.furnish(ctx, lesson)
	}
	if err != nil {
		return m, err
	}
	if err := c.writeFiles(lesson.World.Files); err != nil {
		return m, err
	}
	if err := c.await(ctx, lesson.World.Until); err != nil {
		return m, err
	}
	if !there {
		if err := c.keepWorld(ctx, startSnapshot, m.world(lesson)); err != nil {
			return m, err
		}
	}
	for _, f := range lesson.World.Faults {
		if err := c.cfg.Machines.Break(ctx, f); err != nil {
			return m, fmt.Errorf("%s: %w", f, err)
		}
	}
	return c.writeMarker(ctx, m)
}

// ErrNoMachines is the error of a lesson that breaks machines where there are none to break.
var ErrNoMachines = errors.New("this lesson breaks nodes or parts of the cluster, which only a lab of drydock's own can do")

// mend undoes what the lesson before has broken, or the learner: a new world begins on whole machines, with the images it needs.
func (c *Course) mend(ctx context.Context, lesson *pack.Lesson) error {
	switch {
	case c.cfg.Machines != nil:
		if err := c.cfg.Machines.Mend(ctx); err != nil {
			return err
		}
		return c.cfg.Machines.Bring(ctx, lesson.NeedsImages())
	case len(lesson.World.Faults) > 0:
		return ErrNoMachines
	default:
		return nil
	}
}

// furnish makes the objects of a world where nothing is left of another one.
func (c *Course) furnish(ctx context.Context, lesson *pack.Lesson) error {
	objects, err := manifests(lesson)
	if err != nil {
		return err
	}
	if c.elsewhere() {
		if err := c.renew(ctx); err != nil {
			return err
		}
		return c.applyAll(ctx, objects)
	}
	empty, err := c.rewind(ctx, emptySnapshot, "")
	if err == nil && !empty {
		staying := objects // namespaces of theirs need not go first
		if c.cfg.Snapshots != nil {
			staying = nil // but what is kept must be empty for every lesson
		}
		if !c.cfg.Fresh || c.built {
			err = errors.Join(c.mendNodes(ctx), c.clear(ctx, staying))
		}
		if err == nil {
			err = c.keepWorld(ctx, emptySnapshot, "")
		}
	}
	if err != nil {
		return err
	}
	c.built = true
	return c.applyAll(ctx, objects)
}

func (c *Course) applyAll(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		if err := c.apply(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// manifests are the objects of a world, namespaces first.
func manifests(lesson *pack.Lesson) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, m := range lesson.World.Manifests {
		objects, err := pack.Objects(m.Content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Path, err)
		}
		for _, o := range objects {
			raw, err := yaml.Marshal(o)
			if err == nil {
				raw, err = yaml.YAMLToJSON(raw)
			}
			u := &unstructured.Unstructured{}
			if err == nil {
				err = u.UnmarshalJSON(raw) // gives numbers the types that client-go expects
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", m.Path, err)
			}
			if space := u.GetNamespace(); lesson.Namespace != "" && (space == "" || space == "default") {
				u.SetNamespace(lesson.Namespace)
			}
			out = append(out, u)
		}
	}
	out = append(out, limits(lesson)...)
	slices.SortStableFunc(out, func(a, b *unstructured.Unstructured) int {
		return cmp.Compare(btoi(a.GetKind() != "Namespace"), btoi(b.GetKind() != "Namespace"))
	})
	return out, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// apply sends an object server-side. In a namespace that was made a moment ago a pod is refused until its service
// account is there; that is waited for.
func (c *Course) apply(ctx context.Context, o *unstructured.Unstructured) error {
	what := strings.ToLower(o.GetKind()) + "/" + o.GetName()
	res, err := c.resources.Find(ctx, o.GroupVersionKind())
	if err != nil {
		return fmt.Errorf("apply %s: %w", what, err)
	}
	var client dynamic.ResourceInterface = c.resources.Client().Resource(res.Resource)
	if res.Namespaced {
		client = c.resources.Client().Resource(res.Resource).Namespace(cmp.Or(o.GetNamespace(), "default"))
	}
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		_, err = client.Apply(ctx, o.GetName(), o, metav1.ApplyOptions{FieldManager: fieldManager, Force: true})
		if err == nil {
			return nil
		}
		young := apierrors.IsForbidden(err) && strings.Contains(err.Error(), "serviceaccount")
		if !young || wait > 2*time.Second || !pause(ctx, wait) {
			return fmt.Errorf("apply %s: %w", what, err)
		}
	}
}

// pause waits and reports whether ctx still runs.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// writeFiles puts a world's files into the learner's folder; what lies outside of it cannot be reached, not even over a
// symbolic link.
func (c *Course) writeFiles(files []pack.File) error {
	if c.cfg.Workspace == "" || len(files) == 0 {
		return nil
	}
	root, err := os.OpenRoot(c.cfg.Workspace)
	if err != nil {
		return fmt.Errorf("open the learner's folder: %w", err)
	}
	defer func() { _ = root.Close() }() // only reads the folder
	for _, f := range files {
		if dir := path.Dir(f.Path); dir != "." {
			if err := root.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("make %s in the learner's folder: %w", dir, err)
			}
		}
		if err := root.WriteFile(f.Path, []byte(f.Content), fs.FileMode(f.Mode)); err != nil {
			return fmt.Errorf("write %s in the learner's folder: %w", f.Path, err)
		}
		if err := root.Chmod(f.Path, fs.FileMode(f.Mode)); err != nil {
			return fmt.Errorf("set the permissions of %s: %w", f.Path, err)
		}
	}
	return nil
}

// await waits until every check holds.
func (c *Course) await(ctx context.Context, until []checks.Spec) error {
	if len(until) == 0 {
		return nil
	}
	var asked []checks.Question
	for i, s := range until {
		check, err := checks.Compile(s)
		if err != nil {
			return fmt.Errorf("world.until: %w", err)
		}
		asked = append(asked, checks.Question{ID: fmt.Sprint(i), Check: check})
	}
	engine, err := checks.New(checks.Config{Resources: c.resources, Prober: c.cfg.Prober})
	if err != nil {
		return err
	}
	errReady := errors.New("ready")
	ctx, ready := context.WithCancelCause(ctx)
	ctx, stop := context.WithTimeout(ctx, readyWithin)
	defer stop()
	last := map[string]checks.Result{}
	err = engine.Run(ctx, asked, func(r checks.Report) {
		last[r.ID] = r.Result
		if len(last) == len(asked) && !slices.ContainsFunc(asked, func(q checks.Question) bool { return !last[q.ID].Passed() }) {
			ready(errReady)
		}
	})
	if errors.Is(err, errReady) {
		return nil
	}
	for _, q := range asked {
		if r := last[q.ID]; !r.Passed() {
			return fmt.Errorf("wait for the lesson's world: expected %s; seen: %s: %w", r.Expected.In("en"), r.Seen.In("en"), err)
		}
	}
	return err
}
