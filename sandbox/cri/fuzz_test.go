package cri_test

import (
	"bytes"
	"path/filepath"
	"syscall"
	"testing"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"drydock/sandbox/cri"
)

// FuzzLog cuts any output at any place into two writes: the entries, put together again, are the output.
func FuzzLog(f *testing.F) {
	f.Add([]byte("one\ntwo\n"), 3)
	f.Add([]byte("no end"), 0)
	f.Add(bytes.Repeat([]byte("x"), 40000), 20000)
	f.Add([]byte("\n\n"), 1)
	f.Fuzz(func(t *testing.T, output []byte, cut int) {
		cut = max(0, min(cut, len(output)))
		file, err := cri.LogEntries(filepath.Join(t.TempDir(), "log"), output[:cut], output[cut:])
		must(t, err)
		var whole []byte
		for line := range bytes.Lines(file) {
			fields := bytes.SplitN(line, []byte(" "), 4)
			if len(fields) != 4 || string(fields[1]) != "stdout" || len(fields[2]) != 1 {
				t.Fatalf("entry %q", line)
			}
			text := bytes.TrimSuffix(fields[3], []byte("\n"))
			if len(text) > 16<<10 {
				t.Fatalf("an entry of %d bytes", len(text))
			}
			whole = append(whole, text...)
			if fields[2][0] == 'F' {
				whole = append(whole, '\n')
			}
		}
		if !bytes.Equal(whole, output) {
			t.Errorf("%q became %q", output, whole)
		}
	})
}

func TestStopSignals(t *testing.T) {
	for name, want := range map[string]syscall.Signal{
		"": syscall.SIGTERM, "SIGQUIT": syscall.SIGQUIT, "int": syscall.SIGINT, "9": syscall.SIGKILL, "SIGRTMIN+3": 37, "RTMAX": 64, "SIGRTMAX-14": 50,
	} {
		if got, err := cri.StopSignal(0, name); err != nil || got != want {
			t.Errorf("stop signal %q is %v (%v), want %v", name, got, err, want)
		}
	}
	if got, err := cri.StopSignal(runtimeapi.Signal_SIGNAL_SIGRTMINPLUS3, "SIGQUIT"); err != nil || got != 37 {
		t.Errorf("the pod's wish gives %v (%v), want 37", got, err)
	}
	for _, bad := range []string{"SIGFLY", "0", "99", "SIGRTMIN+99", "-1"} {
		if got, err := cri.StopSignal(0, bad); err == nil {
			t.Errorf("stop signal %q is %v", bad, got)
		}
	}
}

func FuzzStopSignal(f *testing.F) {
	f.Add("SIGRTMIN+1")
	f.Fuzz(func(t *testing.T, name string) {
		if sig, err := cri.StopSignal(0, name); err == nil && (sig < 1 || sig > 64) {
			t.Errorf("%q is signal %d", name, sig)
		}
	})
}

func FuzzCounters(f *testing.F) {
	f.Add("Inter-|   Receive  |  Transmit\n face |bytes\n  eth0: 100 2 1 0 0 0 0 0 200 3 4 0 0 0 0 0\n", "eth0")
	f.Fuzz(func(t *testing.T, text, name string) {
		if got := cri.ParseCounters(text, name); got.GetName() != name || got.GetRxBytes() == nil {
			t.Errorf("got %v", got)
		}
	})
}

func TestCounters(t *testing.T) {
	got := cri.ParseCounters(" face |bytes\n  eth0: 100 2 1 0 0 0 0 0 200 3 4 0 0 0 0 0\n    lo: 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9 9\n", "eth0")
	if got.GetRxBytes().GetValue() != 100 || got.GetRxErrors().GetValue() != 1 || got.GetTxBytes().GetValue() != 200 || got.GetTxErrors().GetValue() != 4 {
		t.Errorf("counters %v", got)
	}
}
