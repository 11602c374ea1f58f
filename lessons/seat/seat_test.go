package seat_test

import (
	"context"
	"errors"
	"testing"

	"k8s.io/client-go/rest"

	"drydock/checks/apitest"
	"drydock/lessons/pack"
	"drydock/lessons/seat"
)

type lab struct {
	api    *apitest.Server
	traces error
	closed bool
}

func (l *lab) RESTConfig() *rest.Config    { return l.api.REST() }
func (l *lab) Clean(context.Context) error { return l.traces }
func (l *lab) Close(context.Context) ([]string, error) {
	l.closed = true
	return nil, nil
}

func TestSeat(t *testing.T) {
	for name, tt := range map[string]struct {
		does   func(*lab)
		nodes  int
		again  bool
		faults []pack.Fault
	}{
		"a case that does nothing": {does: func(*lab) {}, nodes: 1, again: true},
		"what lies in namespaces goes": {does: func(l *lab) {
			l.api.Set("{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: web, image: web}]}}")
			l.api.Set("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}")
			l.api.Set("{apiVersion: v1, kind: Event, metadata: {name: told}, reason: Started}")
		}, nodes: 1, again: true},
		"another number of nodes": {does: func(*lab) {}, nodes: 2, again: false},
		"something in the cluster's own namespaces": {does: func(l *lab) {
			l.api.Set("{apiVersion: v1, kind: Pod, metadata: {name: sleeper, namespace: kube-system}}")
		}, nodes: 1},
		"a trap in what every namespace has": {does: func(l *lab) {
			l.api.Set("{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: default}, automountServiceAccountToken: false}")
		}, nodes: 1},
		"a node with another label": {does: func(l *lab) {
			l.api.Set("{apiVersion: v1, kind: Node, metadata: {name: node-1, labels: {disk: fast}}}")
		}, nodes: 1},
		"a node that is not well": {does: func(l *lab) {
			l.api.Set("{apiVersion: v1, kind: Node, metadata: {name: node-1}, status: {conditions: [{type: Ready, status: Unknown}]}}")
		}, nodes: 1},
		"a pod with a way to its node": {does: func(l *lab) {
			l.api.Set("{apiVersion: v1, kind: Pod, metadata: {name: digger}, spec: {volumes: [{name: root, hostPath: {path: /}}]}}")
		}, nodes: 1},
		"a privileged pod": {does: func(l *lab) {
			l.api.Set("{apiVersion: v1, kind: Pod, metadata: {name: strong}, spec: {containers: [{name: a, securityContext: {privileged: true}}]}}")
		}, nodes: 1},
		"a world with broken machines": {does: func(*lab) {}, nodes: 1, faults: []pack.Fault{{}}},
		"something in the shell":       {does: func(l *lab) { l.traces = errors.New("sleep still runs") }, nodes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			var made []*lab
			s := &seat.Seat[*lab]{Start: func(context.Context, string, pack.World) (*lab, error) {
				l := &lab{api: apitest.New(t)}
				l.api.Set("{apiVersion: v1, kind: Node, metadata: {name: node-1}, status: {conditions: [{type: Ready, status: 'True'}]}}")
				made = append(made, l)
				return l, nil
			}}
			first, _, err := s.Take(ctx, "first", pack.World{Nodes: 1, Faults: tt.faults})
			if err != nil {
				t.Fatal(err)
			}
			tt.does(first)
			if _, err := s.Clear(ctx); err != nil {
				t.Fatal(err)
			}
			second, _, err := s.Take(ctx, "second", pack.World{Nodes: tt.nodes})
			if err != nil {
				t.Fatal(err)
			}
			if again := first == second; again != tt.again {
				t.Errorf("the lab was used again: %t, want %t", again, tt.again)
			}
			if first.closed == tt.again {
				t.Errorf("the first lab was torn down: %t", first.closed)
			}
			if _, err := s.Leave(ctx); err != nil || !second.closed {
				t.Errorf("the last lab was torn down: %t, %v", second.closed, err)
			}
		})
	}
}

func TestSeatWithoutGround(t *testing.T) {
	s := &seat.Seat[*lab]{Start: func(context.Context, string, pack.World) (*lab, error) {
		l := &lab{api: apitest.New(t)}
		l.api.Set("{apiVersion: v1, kind: ConfigMap, metadata: {name: somebodys}}") // not fresh: nobody can tell what was there
		return l, nil
	}}
	first, _, err := s.Take(context.Background(), "first", pack.World{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Clear(context.Background()); err != nil || !first.closed {
		t.Errorf("a lab of which nobody knows what it was is used again; %v", err)
	}
}
