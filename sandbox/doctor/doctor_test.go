package doctor_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/sandbox/doctor"
)

func find(t *testing.T, r doctor.Report, feature string) doctor.Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f doctor.Finding) bool { return f.Feature == feature })
	if i < 0 {
		t.Fatalf("nothing was found about %q; untried: %q", feature, r.Untried)
	}
	return r.Findings[i]
}

func TestThisMachineCanRunALab(t *testing.T) {
	state := t.TempDir()
	report, err := doctor.Examine(t.Context(), options(state))
	if err != nil {
		t.Fatal(err)
	}
	if !report.CanRun || len(report.Untried) > 0 {
		var text bytes.Buffer
		_ = report.Write(&text)
		t.Errorf("the machine that runs the other tests of sandbox cannot run a lab:\n%s", &text)
	}
	for _, feature := range []string{"namespaces", "/proc", "pivot_root", "veth", "network sysctls", "nftables"} {
		if f := find(t, report, feature); f.Verdict != doctor.OK {
			t.Errorf("%s: %+v", feature, f)
		}
	}
	left, err := os.ReadDir(state)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if processes := others(t); len(processes) > 0 {
		t.Errorf("processes left behind: %q", processes)
	}
}

// others are the processes of this pid namespace besides the tests themselves.
func others(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(p string) bool { return p == "/proc/1/exe" })
}

// TestLackingMachines takes a feature away for real, and reads what is said.
func TestLackingMachines(t *testing.T) {
	for _, test := range []struct{ lack, feature, found, mend string }{
		{"starve", "namespaces", "this machine allows no more user namespaces", "sudo sysctl -w user.max_user_namespaces=15000"},
		{"mask", "/proc", "a new /proc is refused, because parts of this machine's /proc are covered (as in most containers)", "systempaths=unconfined"},
	} {
		t.Run(test.lack, func(t *testing.T) {
			var text, said bytes.Buffer
			cmd := exec.Command("/proc/self/exe", test.lack, t.TempDir())
			cmd.Stdout, cmd.Stderr = &text, &said
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
				UidMappings: []syscall.SysProcIDMap{{HostID: 0, Size: 1}}, GidMappings: []syscall.SysProcIDMap{{HostID: 0, Size: 1}},
			}
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v\n%s", err, &said)
			}
			var report doctor.Report
			if err := json.Unmarshal(text.Bytes(), &report); err != nil {
				t.Fatal(err)
			}
			f := find(t, report, test.feature)
			if report.CanRun || f.Verdict != doctor.Missing || f.Found != test.found || !strings.Contains(f.Mend, test.mend) {
				t.Errorf("found %+v", f)
			}
			if len(report.Missing()) != 1 || len(report.Untried) == 0 {
				t.Errorf("missing %+v, untried %q", report.Missing(), report.Untried)
			}
		})
	}
}

func TestExplainKeepsOurOwnErrors(t *testing.T) {
	ours := errors.New("a bug")
	if err := doctor.Explain(t.Context(), options(t.TempDir()), ours); !errors.Is(err, ours) || err.Error() != "a bug" {
		t.Errorf("got %v", err)
	}
}

// TestABrokenProgramIsNotTheMachinesFault: a lab that cannot start because of our own programs is no reason to send people
// to their administrator.
func TestABrokenProgramIsNotTheMachinesFault(t *testing.T) {
	o := options(t.TempDir())
	o.Programs = t.TempDir()
	if err := os.WriteFile(filepath.Join(o.Programs, "docknode"), []byte("#!/bin/sh\necho broken\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := doctor.Explain(t.Context(), o, errors.New("it did not start"))
	if refusal := (*doctor.Refusal)(nil); errors.As(err, &refusal) || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v", err)
	}
}

func TestExplainFindsTheMachineGuilty(t *testing.T) {
	o := options(t.TempDir())
	o.State = filepath.Join(o.State, "absent")
	err := doctor.Explain(t.Context(), o, errors.New("it did not start"))
	var refusal *doctor.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v", err)
	}
	want := "this machine cannot run a lab\n  missing: state directory: " + o.State + " cannot be used\n" +
		"  mend:    DRYDOCK_HOME=/var/tmp/drydock drydock up\n  more:    drydock doctor\n  (it did not start)"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
