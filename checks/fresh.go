package checks

import (
	"cmp"
	"context"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
)

// Who asks now wants to hear about now. A watch tells of a change a moment after it was made, and on a busy machine the moment
// can be seconds: the answer to a poke would be one about a world that is no more. So before questions are asked again, what
// they need is listed, and the poke waits until the watches have come as far as the lists.

// reach is how far a watch of one kind has come. Its changes come in the order of the API server's versions.
type reach struct {
	seen    int64            // the newest version
	objects map[string]int64 // the version of each object that is there
}

func newReach() *reach { return &reach{objects: map[string]int64{}} }

func (r *reach) take(c change) {
	switch {
	case c.listed:
		clear(r.objects)
		r.seen = max(r.seen, c.version)
		for _, o := range c.list {
			r.set(key(o), versionOf(o))
		}
	case c.deleted:
		r.seen = max(r.seen, versionOf(c.object))
		delete(r.objects, key(c.object))
	case c.object != nil:
		r.set(key(c.object), versionOf(c.object))
	}
}

func (r *reach) set(key string, version int64) {
	r.objects[key] = version
	r.seen = max(r.seen, version)
}

// covers reports whether everything in a list, or something newer, has been seen: what was made or changed before it has come,
// and what was deleted before it has gone.
func (r *reach) covers(l listing) bool {
	if r.seen < l.newest {
		return false
	}
	for key, version := range r.objects {
		if !l.objects[key] && version <= l.version {
			return false
		}
	}
	return true
}

// listing is what there was of a kind at one version.
type listing struct {
	kind    Kind
	version int64
	newest  int64 // the newest version of an object in it
	objects map[string]bool
}

// present is what the cluster held when a poke came.
type present struct {
	poke
	objects []listing // that a picture must cover
	past    []listing // that the timeline must cover
	records uint64    // the number of the newest decision
}

// freshen finds out what the questions of a poke have to know, beside the loop. What cannot be listed is not waited for: its
// watch tells why.
func (l *loop) freshen(ctx context.Context, p poke) {
	var objects, past []Kind
	records := false
	for _, q := range l.asked {
		if len(p.ids) > 0 && !slices.Contains(p.ids, q.ID) || q.idle() {
			continue
		}
		objects = append(objects, q.needs.Kinds...)
		past = append(past, q.needs.Past...)
		records = records || q.needs.Records
	}
	if len(objects)+len(past) == 0 && !records {
		l.takePoke(ctx, p)
		return
	}
	l.running.Go(func() {
		now := present{poke: p}
		lists := l.engine.cfg.Resources.listAll(ctx, append(slices.Clone(objects), past...))
		for _, list := range lists {
			if slices.Contains(objects, list.kind) {
				now.objects = append(now.objects, list)
			}
			if slices.Contains(past, list.kind) {
				now.past = append(now.past, list)
			}
		}
		if records {
			now.records = l.engine.cfg.Resources.newestRecord(ctx)
		}
		select {
		case l.fresh <- now:
		case <-ctx.Done():
		}
	})
}

// catchUp takes the pokes for which enough has been seen.
func (l *loop) catchUp(ctx context.Context) {
	var ready []poke
	l.behind = slices.DeleteFunc(l.behind, func(p present) bool {
		covered := l.covers(p)
		if covered {
			ready = append(ready, p.poke)
		}
		return covered
	})
	for _, p := range ready {
		l.takePoke(ctx, p)
	}
}

func (l *loop) covers(p present) bool {
	behind := func(of func(listing) bool) func(listing) bool { return func(l listing) bool { return !of(l) } }
	return !slices.ContainsFunc(p.objects, behind(l.picture.covers)) && !slices.ContainsFunc(p.past, behind(l.past.covers)) &&
		l.records.covers(p.records)
}

// listAll lists kinds at the same time, each once.
func (r *Resources) listAll(ctx context.Context, kinds []Kind) []listing {
	slices.SortFunc(kinds, func(a, b Kind) int {
		return cmp.Or(cmp.Compare(a.String(), b.String()), cmp.Compare(a.Namespace, b.Namespace))
	})
	var mu sync.Mutex
	var out []listing
	var running sync.WaitGroup
	for _, k := range slices.Compact(kinds) {
		running.Go(func() {
			list, err := r.list(ctx, k)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, list)
		})
	}
	running.Wait()
	return out
}

func (r *Resources) list(ctx context.Context, k Kind) (listing, error) {
	res, err := r.Find(ctx, k.GroupVersionKind)
	if err != nil {
		return listing{}, err
	}
	var client dynamic.ResourceInterface = r.Client().Resource(res.Resource)
	if k.Namespace != "" && res.Namespaced {
		client = r.Client().Resource(res.Resource).Namespace(k.Namespace)
	}
	list, err := client.List(ctx, metav1.ListOptions{})
	if err != nil {
		return listing{}, err
	}
	out := listing{kind: k, version: version(list.GetResourceVersion()), objects: map[string]bool{}}
	for i := range list.Items {
		out.objects[key(&list.Items[i])] = true
		out.newest = max(out.newest, versionOf(&list.Items[i]))
	}
	return out, nil
}
