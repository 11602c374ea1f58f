package doctor_test

import (
	"bytes"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/sandbox/doctor"
)

// TestWords are the cases that cannot be made on every machine.
func TestWords(t *testing.T) {
	type settings = map[string]string
	const (
		clone    = "sudo sysctl -w kernel.unprivileged_userns_clone=1"
		apparmor = `printf 'abi <abi/4.0>,\ninclude <tunables/global>\nprofile drydock "/home/ada/drydock" flags=(unconfined) {\n  userns,\n}\n'` +
			` | sudo tee /etc/apparmor.d/drydock && sudo apparmor_parser -r /etc/apparmor.d/drydock`
		docker = "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined ..."
	)
	for _, test := range []struct {
		name    string
		machine doctor.Pretended
		feature doctor.ID
		errno   syscall.Errno
		detail  string
		verdict doctor.Verdict
		found   string
		mend    string
	}{
		{"Debian of old", doctor.Pretended{Settings: settings{"kernel/unprivileged_userns_clone": "0"}}, doctor.Userns, syscall.EPERM, "", doctor.Missing, "this machine does not let ordinary users make user namespaces", clone},
		{"Ubuntu", doctor.Pretended{Settings: settings{"kernel/apparmor_restrict_unprivileged_userns": "1"}}, doctor.Mounts, syscall.EACCES, "", doctor.Missing, "AppArmor forbids ordinary users' programs mounts and other rights in user namespaces, unless a profile names the program", apparmor},
		{"Ubuntu, uid map", doctor.Pretended{Settings: settings{"kernel/apparmor_restrict_unprivileged_userns": "1"}}, doctor.Userns, syscall.EPERM, "", doctor.Missing, "AppArmor forbids ordinary users' programs new namespaces, unless a profile names the program", apparmor},
		{"Docker", doctor.Pretended{Root: true, Container: true}, doctor.Userns, syscall.EPERM, "", doctor.Missing, "the container around us forbids new namespaces", docker},
		{"chroot", doctor.Pretended{Root: true}, doctor.Userns, syscall.EPERM, "", doctor.Missing, "a security policy of this machine forbids new namespaces", "run drydock outside of the chroot, jail or sandbox it is in"},
		{"noexec", doctor.Pretended{Noexec: true}, doctor.Userns, syscall.EACCES, "", doctor.Missing, "/home/ada/state is on a file system from which no program may run (noexec)", "DRYDOCK_HOME=/var/tmp/drydock drydock up"},
		{"few netns", doctor.Pretended{Settings: settings{"user/max_user_namespaces": "90000", "user/max_net_namespaces": "3"}}, doctor.Userns, syscall.ENOSPC, "", doctor.Missing, "this machine allows no more net namespaces", "sudo sysctl -w user.max_net_namespaces=15000"},
		{"no tables", doctor.Pretended{}, doctor.Nftables, syscall.ENOENT, "", doctor.Degraded, "pods run, but Services lead nowhere", "sudo modprobe -a nf_tables nft_chain_nat nft_nat nft_masq nft_numgen nft_fib_ipv4 nft_reject_ipv4"},
		{"no bridge", doctor.Pretended{}, doctor.Bridge, syscall.EOPNOTSUPP, "", doctor.Missing, "no bridge between nodes", "sudo modprobe bridge"},
		{"no subuids", doctor.Pretended{Newuidmap: true}, doctor.IDs, 0, "single id", doctor.Degraded, "a single id: pods run, but chown and runAsUser to another id do not", "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ada"},
		{"no helpers", doctor.Pretended{}, doctor.IDs, 0, "single id", doctor.Degraded, "a single id: pods run, but chown and runAsUser to another id do not", "sudo apt-get install uidmap"},
		{"subuids", doctor.Pretended{Newuidmap: true}, doctor.IDs, 0, "subordinate range", doctor.OK, "subordinate range", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := doctor.Judge(test.machine, test.feature, test.errno, test.detail)
			got := []string{string(f.Verdict), f.Found, f.Mend}
			if diff := cmp.Diff([]string{string(test.verdict), test.found, test.mend}, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestEveryLackHasWords: whatever the kernel answers, a person reads more than an error number.
func TestEveryLackHasWords(t *testing.T) {
	for _, feature := range doctor.Features() {
		for _, errno := range []syscall.Errno{syscall.EPERM, syscall.EACCES, syscall.ENOSPC, syscall.ENOSYS, syscall.EINVAL, syscall.ENOENT, syscall.EOPNOTSUPP} {
			f := doctor.Judge(doctor.Pretended{}, feature, errno, "")
			if f.Verdict == doctor.OK || f.Found == "" || f.Tried == "" || f.Cause != errno.Error() {
				t.Errorf("%s, %v: %+v", feature, errno, f)
			}
		}
	}
}

func TestWrite(t *testing.T) {
	r := doctor.Report{Findings: []doctor.Finding{
		{Feature: "kernel", Verdict: doctor.OK, Tried: "uname", Found: "Linux 6.1"},
		{Feature: "namespaces", Verdict: doctor.Missing, Tried: "clone", Found: "none left", Cause: "no space", Mend: "sudo more"},
	}, Untried: []string{"mounts", "/proc"}}
	var got bytes.Buffer
	if err := r.Write(&got); err != nil {
		t.Fatal(err)
	}
	want := strings.TrimPrefix(`
+ ok        kernel      Linux 6.1
! missing   namespaces  none left
                        tried: clone
                        got:   no space
                        mend:  sudo more

Not tried, because the above is missing: mounts, /proc.

This machine cannot run a lab.
`, "\n")
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
