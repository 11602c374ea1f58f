package desk

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"drydock/tui"
)

// Cluster implements tui.Lab: one watch for each kind that is shown.
func (l *Lab) Cluster(ctx context.Context) <-chan tui.ClusterView {
	views := make(chan tui.ClusterView)
	changes := make(chan func(*picture))
	http := client(l.paths.API())
	var watches sync.WaitGroup
	for path, take := range takers {
		include := "Metadata"
		if path == endpointSlices {
			include = "Object"
		}
		watches.Go(func() {
			follow(ctx, http, path, include, func(rows []row) {
				select {
				case changes <- func(p *picture) { take(p, rows) }:
				case <-ctx.Done():
				}
			})
		})
	}
	go func() {
		defer close(views)
		defer watches.Wait()
		deliver(ctx, changes, views)
	}()
	return views
}

// deliver folds changes into one view and hands the newest to whoever reads, however slowly.
func deliver(ctx context.Context, changes <-chan func(*picture), views chan<- tui.ClusterView) {
	var view picture
	var out chan<- tui.ClusterView // nil while there is nothing new
	for {
		select {
		case <-ctx.Done():
			return
		case change := <-changes:
			change(&view) // replaces whole lists: a view handed out is never changed
			out = views
		case out <- view.ClusterView:
			out = nil
		}
	}
}

// picture is the view, and what it is put together from.
type picture struct {
	tui.ClusterView
	ready map[string]int // ready endpoints by Service
}

const endpointSlices = "/apis/discovery.k8s.io/v1/endpointslices"

// takers turn the rows of a kind into a part of the view.
var takers = map[string]func(*picture, []row){
	"/api/v1/nodes": func(v *picture, rows []row) {
		v.Nodes = sorted(rows, nodeRow)
		countPods(v)
	},
	"/api/v1/pods": func(v *picture, rows []row) {
		v.Pods = sorted(rows, podRow)
		v.Nodes = slices.Clone(v.Nodes)
		countPods(v)
	},
	"/apis/apps/v1/deployments": func(v *picture, rows []row) {
		v.Workloads = replaceKind(v.Workloads, "Deployment", sorted(rows, deploymentRow))
	},
	"/apis/apps/v1/replicasets": func(v *picture, rows []row) {
		v.Workloads = replaceKind(v.Workloads, "ReplicaSet", sorted(rows, replicaSetRow))
	},
	"/api/v1/services": func(v *picture, rows []row) {
		v.Services = sorted(rows, serviceRow)
		countEndpoints(v)
	},
	endpointSlices: func(v *picture, rows []row) {
		v.ready = map[string]int{}
		for _, r := range rows {
			service, ready := readyEndpoints(r)
			v.ready[service] += ready
		}
		v.Services = slices.Clone(v.Services)
		countEndpoints(v)
	},
	"/api/v1/events": func(v *picture, rows []row) {
		v.Events = newestEvents(rows)
	},
}

// shownEvents is how many events a view holds at most.
const shownEvents = 200

func newestEvents(rows []row) []tui.EventRow {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(eventTime(a).Compare(eventTime(b)), strings.Compare(a.meta.Name, b.meta.Name))
	})
	if len(rows) > shownEvents {
		rows = rows[len(rows)-shownEvents:]
	}
	out := make([]tui.EventRow, len(rows))
	for i, r := range rows {
		out[i] = eventRow(r)
	}
	return out
}

// sorted converts rows in an order that no state changes: by namespace and name.
func sorted[T any](rows []row, convert func(row) T) []T {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(strings.Compare(a.meta.Namespace, b.meta.Namespace), strings.Compare(a.meta.Name, b.meta.Name))
	})
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = convert(r)
	}
	return out
}

// replaceKind puts new rows of one kind in place of the old; deployments come before what they own.
func replaceKind(all []tui.WorkloadRow, kind string, rows []tui.WorkloadRow) []tui.WorkloadRow {
	kept := slices.DeleteFunc(slices.Clone(all), func(w tui.WorkloadRow) bool { return w.Kind == kind })
	kept = append(kept, rows...)
	slices.SortStableFunc(kept, func(a, b tui.WorkloadRow) int { return strings.Compare(a.Kind, b.Kind) })
	return kept
}

func countEndpoints(v *picture) {
	for i, s := range v.Services {
		v.Services[i].Endpoints = v.ready[s.Namespace+"/"+s.Name]
	}
}

func countPods(v *picture) {
	for i := range v.Nodes {
		v.Nodes[i].Pods = 0
		for _, p := range v.Pods {
			if p.Node == v.Nodes[i].Name {
				v.Nodes[i].Pods++
			}
		}
	}
}
