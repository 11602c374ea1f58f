package audit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"drydock/engine/audit"
	"drydock/engine/decision"
)

func change(user, client, name string) decision.Record {
	return decision.Record{
		Actor: "apiserver", Object: decision.Object{Resource: "pods", Namespace: "default", Name: name}, Action: "Create",
		Details: map[string]string{"user": user, "client": client},
	}
}

// follow lets a follower note what do records, and ends it.
func follow(t *testing.T, path string, do func(ring *decision.Ring)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ring, ended := decision.NewRing(1000), make(chan error, 1)
		go func() { ended <- audit.Follow(ctx, ring, path) }()
		do(ring)
		synctest.Wait()
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Follow returned %v", err)
		}
	})
}

func names(notes []audit.Note) []string {
	out := []string{}
	for _, n := range notes {
		out = append(out, n.Object.Name)
	}
	return out
}

func TestNotesPeopleOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	follow(t, path, func(ring *decision.Ring) {
		ring.Record(change("kubernetes-admin", "kubectl", "typed"))
		ring.Record(change("kubernetes-admin", "drydock", "of-the-lesson"))
		ring.Record(change("system:kube-controller-manager", "controller", "of-a-controller"))
		ring.Record(change("system:serviceaccount:kube-system:dns", "dns", "of-the-system"))
		ring.Record(change("system:serviceaccount:default:robot", "curl", "of-a-pod"))
		asNode, status := change("system:node:node-1", "kubectl", "as-a-node"), change("kubernetes-admin", "drydock", "status-as-the-lesson")
		asNode.Details["impersonator"], status.Details["subresource"] = "kubernetes-admin", "status"
		ring.Record(asNode)
		ring.Record(status)
		ring.Record(decision.Record{Actor: "kubelet/node-1", Action: "StartContainer", Details: map[string]string{"user": "kim"}})
	})
	id, notes, err := audit.Read(path, "", 0)
	if diff := cmp.Diff([]string{"typed", "of-a-pod", "as-a-node", "status-as-the-lesson"}, names(notes)); err != nil || diff != "" {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if got := notes[0].String(); got != "create pods/default/typed with kubectl" {
		t.Errorf("the note says %q", got)
	}
	if notes[2].Deceives() || !notes[3].Deceives() {
		t.Error("a status, and nothing else here, is for parts of the cluster to say")
	}
	// The notes behind a place; another file's place says nothing.
	_, rest, _ := audit.Read(path, id, notes[0].Place)
	_, all, _ := audit.Read(path, "another", notes[0].Place)
	if diff := cmp.Diff([][]string{
		{"of-a-pod", "as-a-node", "status-as-the-lesson"}, {"typed", "of-a-pod", "as-a-node", "status-as-the-lesson"},
	}, [][]string{names(rest), names(all)}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGoesOnAfterATornLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	follow(t, path, func(ring *decision.Ring) { ring.Record(change("kim", "kubectl", "first")) })
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, `{"time":"20`...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, notes, err := audit.Read(path, "", 0); err != nil || len(notes) != 1 {
		t.Errorf("%v: %d notes before the torn line, want 1", err, len(notes))
	}
	follow(t, path, func(ring *decision.Ring) { ring.Record(change("kim", "kubectl", "second")) })
	_, notes, err := audit.Read(path, "", 0)
	if diff := cmp.Diff([]string{"first", "second"}, names(notes)); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// A file that cannot be written is told of, and ends nothing.
func TestCannotWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent", "audit.jsonl")
	var ring *decision.Ring
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		ring = decision.NewRing(10)
		ended := make(chan error, 1)
		go func() { ended <- audit.Follow(ctx, ring, path) }()
		ring.Record(change("kim", "kubectl", "first"))
		synctest.Wait()
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Follow returned %v", err)
		}
	})
	records, _ := ring.Since(1)
	if len(records) != 1 || records[0].Actor != "audit" || !strings.Contains(records[0].Message, "no such file") {
		t.Errorf("records %+v", records)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("{\"id\":\"a\"}\n{\"action\":\"Create\"}\n"), 5)
	f.Fuzz(func(t *testing.T, data []byte, after int) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, notes, err := audit.Read(path, "a", after)
		for _, n := range notes {
			if n.Place <= 0 || n.Place > len(data) {
				t.Errorf("place %d in a file of %d bytes", n.Place, len(data))
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
}
