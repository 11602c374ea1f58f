package store_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"drydock/engine/store"
)

// crashPath names the journal in the process that is to be killed.
const crashPath = "DRYDOCK_TEST_CRASH_JOURNAL"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashPath); path != "" {
		writeUntilKilled(path)
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes from several goroutines and prints each key once its write was answered.
func writeUntilKilled(path string) {
	s, err := store.Open(store.Options{Path: path, SnapshotBytes: 50_000})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := 0; ; j++ {
				key := fmt.Sprintf("/%d/%d/%d", os.Getpid(), i, j)
				kv, err := s.Create(context.Background(), key, []byte(strings.Repeat(key, 20)))
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				// One write(2) per line, so that no line is lost in a buffer.
				fmt.Fprintf(os.Stdout, "%s %d\n", key, kv.ModRevision)
			}
		})
	}
	wg.Wait()
}

// TestKilledWhileWriting kills a writing process with SIGKILL and looks for every write it was answered.
func TestKilledWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	answered := map[string]int64{}
	for round := range 6 {
		for key, revision := range writeAndKill(t, path, 300*(round+1)) {
			answered[key] = revision
		}
		s := open(t, store.Options{Path: path})
		for key, revision := range answered {
			kv, err := s.Get(context.Background(), key)
			if err != nil {
				t.Fatalf("round %d: answered at revision %d: %v", round, revision, err)
			}
			if kv.ModRevision != revision || string(kv.Value) != strings.Repeat(key, 20) {
				t.Fatalf("round %d: %s is at revision %d, want %d, with its value", round, key, kv.ModRevision, revision)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// writeAndKill returns the writes that the process was answered before it was killed, at least n.
func writeAndKill(t *testing.T, path string, n int) map[string]int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answered := map[string]int64{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var key string
		var revision int64
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &key, &revision); err != nil {
			t.Fatalf("line %q: %v", lines.Text(), err)
		}
		if answered[key] = revision; len(answered) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed: that is its result
	if len(answered) < n {
		t.Fatalf("the process ended by itself after %d writes, want %d", len(answered), n)
	}
	return answered
}
