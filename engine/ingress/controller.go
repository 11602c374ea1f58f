package ingress

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// Options is all the controller must be told.
type Options struct {
	API *API
	// Publish is the Service, as "namespace/name", whose address goes into the status of every Ingress; "" for none.
	Publish string
	// Log takes lines for people.
	Log io.Writer
}

// Watcher follows the API and keeps the table.
type Watcher struct {
	// set once in New
	opts      Options
	classes   *stock[*Class]
	ingresses *stock[*Ingress]
	services  *stock[*Service]
	slices    *stock[*Slice]
	secrets   *stock[*Secret]
	wake      chan struct{} // holds one token while there is something new
	table     atomic.Pointer[Table]
	ready     atomic.Bool

	// owned by Run
	told map[string]bool // Events that were written: "uid reason message"
}

// New makes a Watcher. Nothing runs before Run.
func New(opts Options) *Watcher {
	w := &Watcher{opts: opts, wake: make(chan struct{}, 1), told: map[string]bool{}}
	changed := func() {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	const networking = "/apis/networking.k8s.io/v1"
	w.classes = newStock(networking+"/ingressclasses", func() *Class { return &Class{} }, changed)
	w.ingresses = newStock(networking+"/ingresses", func() *Ingress { return &Ingress{} }, changed)
	w.services = newStock("/api/v1/services", func() *Service { return &Service{} }, changed)
	w.slices = newStock("/apis/discovery.k8s.io/v1/endpointslices", func() *Slice { return &Slice{} }, changed)
	// Of all Secrets only certificates: a web server has no business with passwords.
	w.secrets = newStock("/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls", func() *Secret { return &Secret{} }, changed)
	w.table.Store(&Table{})
	return w
}

// Table is the newest. It may be called at any time.
func (w *Watcher) Table() *Table { return w.table.Load() }

// Ready tells whether the table is complete: a request must not be answered with 404 because a list is still on its way.
func (w *Watcher) Ready() bool { return w.ready.Load() }

// Run follows the API until ctx ends.
func (w *Watcher) Run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	tell := func(err error) { fmt.Fprintln(w.opts.Log, "ingress:", err) }
	group.Go(func() { w.classes.follow(ctx, w.opts.API, tell) })
	group.Go(func() { w.ingresses.follow(ctx, w.opts.API, tell) })
	group.Go(func() { w.services.follow(ctx, w.opts.API, tell) })
	group.Go(func() { w.slices.follow(ctx, w.opts.API, tell) })
	group.Go(func() { w.secrets.follow(ctx, w.opts.API, tell) })
	for _, listed := range []chan struct{}{w.classes.listed, w.ingresses.listed, w.services.listed, w.slices.listed, w.secrets.listed} {
		select {
		case <-listed:
		case <-ctx.Done():
			return
		}
	}
	for {
		select {
		case <-w.wake:
			w.renew(ctx, tell)
		case <-ctx.Done():
			return
		}
	}
}

// renew puts a new table in place and tells the API what came of it.
func (w *Watcher) renew(ctx context.Context, tell func(error)) {
	world := World{w.classes.all(), w.ingresses.all(), w.services.all(), w.slices.all(), w.secrets.all()}
	table, problems := Build(world)
	w.table.Store(table)
	w.ready.Store(true)
	for _, ingress := range world.Served() {
		if err := w.publish(ctx, world, ingress); err != nil {
			tell(err)
		}
		w.event(ctx, Problem{ingress, "Sync", "Scheduled for sync"}, "Normal", tell)
	}
	for _, p := range problems {
		w.event(ctx, p, "Warning", tell)
	}
}

// publish writes into an Ingress where it is served, unless it says so already.
func (w *Watcher) publish(ctx context.Context, world World, ingress *Ingress) error {
	service := world.Services[w.opts.Publish]
	if service == nil {
		return nil
	}
	var points []Point
	for _, p := range service.Status.LoadBalancer.Ingress {
		points = append(points, Point{IP: p.IP, Hostname: p.Hostname})
	}
	if slices.Equal(points, ingress.Status.LoadBalancer.Ingress) {
		return nil
	}
	status := map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": points}}}
	path := fmt.Sprintf("/apis/networking.k8s.io/v1/namespaces/%s/ingresses/%s/status", ingress.Namespace, ingress.Name)
	return gone(w.opts.API.send(ctx, "PATCH", path, status))
}
