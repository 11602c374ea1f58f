package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/engine/store"
)

// writeJournal makes a journal of n writes and returns its bytes after each of them.
func writeJournal(t testing.TB, n int) [][]byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.db")
	s := open(t, store.Options{Path: path})
	var states [][]byte
	for i := range n {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, data)
		if i%3 == 2 {
			_, _, err = s.Delete(context.Background(), fmt.Sprintf("/k/%d", i-1), store.Any)
		} else {
			_, err = s.Create(context.Background(), fmt.Sprintf("/k/%d", i), bytes.Repeat([]byte{byte(i)}, i))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return append(states, data)
}

// TestTornTailAtEveryByte cuts a journal after every byte: what was written before the cut frame must be there, nothing
// of the cut frame may be, and writing must go on.
func TestTornTailAtEveryByte(t *testing.T) {
	states := writeJournal(t, 9)
	whole := states[len(states)-1]
	for cut := range len(whole) + 1 {
		path := filepath.Join(t.TempDir(), "journal.db")
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		writes := 0
		for writes+1 < len(states) && len(states[writes+1]) <= cut {
			writes++
		}
		for range 2 { // the second time after a write behind the cut
			s, err := store.Open(store.Options{Path: path})
			if err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			if got, want := s.Revision(), int64(1+writes); got != want {
				t.Fatalf("cut at %d: revision %d, want %d", cut, got, want)
			}
			if _, err := s.Create(context.Background(), fmt.Sprintf("/new/%d", writes), nil); err != nil {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			writes++
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDamageIsRefused flips every bit of all frames but the last: no such file may be read as if it were whole.
func TestDamageIsRefused(t *testing.T) {
	states := writeJournal(t, 5)
	whole := states[len(states)-1]
	last := len(states[len(states)-2])
	for i := range last {
		for bit := range 8 {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 1 << bit
			if _, _, err := store.Scan(damaged); !errors.Is(err, store.ErrCorrupt) {
				t.Fatalf("byte %d bit %d: %v, want ErrCorrupt", i, bit, err)
			}
		}
	}
}

// TestZeroTail is what a power cut leaves behind when the file's length reached the disk before its data.
func TestZeroTail(t *testing.T) {
	states := writeJournal(t, 5)
	whole := states[len(states)-1]
	for _, zeros := range []int{1, 11, 12, 13, 4096} {
		got, _, err := store.Scan(append(bytes.Clone(whole), make([]byte, zeros)...))
		if !errors.Is(err, store.ErrTorn) || got != int64(len(whole)) {
			t.Errorf("%d zeros: %d whole bytes, %v; want %d, a torn tail", zeros, got, err, len(whole))
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	if err := os.WriteFile(path, []byte("SQLite format 3\x00 and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(store.Options{Path: path}); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("a file of another kind: %v, want ErrCorrupt", err)
	}
	path = filepath.Join(t.TempDir(), "journal.db")
	open(t, store.Options{Path: path})
	if _, err := store.Open(store.Options{Path: path}); err == nil {
		t.Error("two stores on one journal: no error")
	}
}

// TestJournalDoesNotGrowForEver writes one key often: the file must stay near the size of one value.
func TestJournalDoesNotGrowForEver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	opts := store.Options{Path: path, SnapshotBytes: 10_000}
	s := open(t, opts)
	if _, err := s.Create(context.Background(), "/k", nil); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if _, err := s.Update(context.Background(), "/k", bytes.Repeat([]byte("v"), 1000+i%7), store.Any); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() > 15_000 {
			t.Fatalf("journal after %d updates: %v bytes, %v", i+1, info.Size(), err)
		}
	}
	want, err := s.Get(context.Background(), "/k")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, opts)
	got, err := s.Get(context.Background(), "/k")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("after opening again: %v (-want +got):\n%s", err, diff)
	}
}

// TestFailedAppendIsTakenBack: nobody may see a write that did not reach the journal, and what was decided on it fails too.
func TestFailedAppendIsTakenBack(t *testing.T) {
	s := open(t, store.Options{})
	journal := &store.FaultyJournal{Fail: make(chan error), Entered: make(chan struct{})}
	s.SetJournal(journal)
	ctx, full := context.Background(), errors.New("no space left on device")
	answers := make(chan error)
	go func() { _, err := s.Create(ctx, "/k", []byte("1")); answers <- err }()
	<-journal.Entered
	if _, err := s.Get(ctx, "/k"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get while the write is on its way: %v, want ErrNotFound", err)
	}
	// Refused because of the write on its way, so it must wait for that one; then it succeeds.
	go func() { _, err := s.Create(ctx, "/k", []byte("2")); answers <- err }()
	journal.Fail <- full
	if err := <-answers; !errors.Is(err, full) {
		t.Errorf("create: %v, want %v", err, full)
	}
	<-journal.Entered
	journal.Fail <- nil
	if err := <-answers; err != nil {
		t.Errorf("second create: %v", err)
	}
	kv, err := s.Get(ctx, "/k")
	want := &store.KV{Key: "/k", Value: []byte("2"), CreateRevision: 2, ModRevision: 2, Version: 1}
	if diff := cmp.Diff(want, kv); err != nil || diff != "" {
		t.Errorf("get: %v (-want +got):\n%s", err, diff)
	}
}

// TestRewriteIsWholeOrNothing: a rewrite that does not reach the journal leaves no trace, and nobody sees half of one.
func TestRewriteIsWholeOrNothing(t *testing.T) {
	s := open(t, store.Options{})
	ctx, full := context.Background(), errors.New("no space left on device")
	if _, err := s.Create(ctx, "/old", []byte("1")); err != nil {
		t.Fatal(err)
	}
	journal := &store.FaultyJournal{Fail: make(chan error), Entered: make(chan struct{})}
	s.SetJournal(journal)
	answer := make(chan error)
	go func() {
		_, err := s.Rewrite(ctx, "/", func([]*store.KV) []store.Change {
			return []store.Change{{Key: "/old"}, {Key: "/new", Value: []byte("2")}, {Key: "/old", Value: []byte("3")}}
		})
		answer <- err
	}()
	<-journal.Entered
	before, err := s.List(ctx, store.ListOptions{})
	if err != nil || len(before.KVs) != 1 || string(before.KVs[0].Value) != "1" {
		t.Errorf("while the rewrite is on its way: %v, %+v", err, before)
	}
	journal.Fail <- full
	if err := <-answer; !errors.Is(err, full) {
		t.Errorf("rewrite: %v, want %v", err, full)
	}
	after, err := s.List(ctx, store.ListOptions{})
	if diff := cmp.Diff(before, after); err != nil || diff != "" {
		t.Errorf("after the rewrite failed: %v (-want +got):\n%s", err, diff)
	}
}

func FuzzScan(f *testing.F) {
	for _, data := range writeJournal(f, 6) {
		f.Add(data)
	}
	f.Add([]byte("drydock journal 1\n\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		whole, records, err := store.Scan(data)
		if whole < 0 || whole > int64(len(data)) {
			t.Fatalf("%d whole bytes of %d", whole, len(data))
		}
		if err != nil {
			return
		}
		again, err := store.Rewrite(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, n, err := store.Scan(again); err != nil || n != records {
			t.Fatalf("written again: %d records, %v; want %d", n, err, records)
		}
	})
}
