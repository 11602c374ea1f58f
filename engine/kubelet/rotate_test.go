package kubelet_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestLargeLogsAreRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.logSize = 100
		w.start()
		defer func() { w.stop() }()
		w.api.put(newPod("web"))
		synctest.Wait()
		log := (&node{world: w}).writeLog("main", "stdout F short")
		w.after(20 * time.Second)
		if diff := cmp.Diff([]string{"0.log"}, namesIn(t, filepath.Dir(log))); diff != "" {
			t.Errorf("a log below the limit (-want +got):\n%s", diff)
		}
		// What an interrupted rotation left: half a compressed file, and a text whose compressed form is whole.
		for _, name := range []string{"0.log.19990101-000000.gz.tmp", "0.log.19990101-000000", "0.log.19990101-000000.gz"} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(log), name), []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var stamps []string
		for i := range 4 {
			if err := os.WriteFile(log, []byte(strings.Repeat(fmt.Sprint(i), 100)), 0o600); err != nil {
				t.Fatal(err)
			}
			w.after(10 * time.Second)
			stamps = append(stamps, time.Now().Format("20060102-150405"))
		}
		want := []string{"0.log", "0.log." + stamps[2] + ".gz", "0.log." + stamps[3]}
		if diff := cmp.Diff(want, namesIn(t, filepath.Dir(log))); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
		if got := unzipped(t, log+"."+stamps[2]+".gz"); got != strings.Repeat("2", 100) {
			t.Errorf("the compressed log is %q", got)
		}
		if info, err := os.Stat(log); err != nil || info.Size() != 0 {
			t.Errorf("the new log: %v, %v", info, err)
		}

		// With the container go all of its logs.
		for range 2 {
			w.runtime.end("main", 1)
			w.after(time.Minute)
		}
		if names := namesIn(t, filepath.Dir(log)); strings.Contains(strings.Join(names, " "), "0.log") {
			t.Errorf("logs of a removed container: %v", names)
		}
	})
}

func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func unzipped(t *testing.T, path string) string {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	in, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Who follows a log misses nothing when it is rotated: neither the last line of the old file, nor the first of the new one.
func TestFollowGoesOnAfterRotation(t *testing.T) {
	n := newNode(t)
	n.api.put(newPod("web", withPolicy(corev1.RestartPolicyNever)))
	n.runs("web", "Running/ready")
	path := n.writeLog("main", "stdout F one")
	answer, err := http.Get(n.url + "/containerLogs/default/web/main?follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewReader(answer.Body)
	expect := func(want string) {
		t.Helper()
		if got, err := lines.ReadString('\n'); err != nil || got != want {
			t.Fatalf("%q %v, want %q", got, err, want)
		}
	}
	expect("one\n")
	old, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if err := os.Rename(path, path+".20260101-000000"); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(old, "2026-01-01T00:00:01Z stdout F two") // the runtime has not been told yet
	expect("two\n")
	fmt.Fprintln(old, "2026-01-01T00:00:01Z stdout F three")
	n.writeLog("main", "stdout F four")
	n.runtime.end("main", 0)
	expect("three\n")
	expect("four\n")
	if _, err := lines.ReadByte(); err != io.EOF {
		t.Errorf("the stream did not end with the container: %v", err)
	}
}
