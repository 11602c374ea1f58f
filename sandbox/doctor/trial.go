package doctor

import (
	"errors"
	"syscall"
)

// Trial is one thing tried, as it is reported from inside the lab. The words for it are the outside's.
type Trial struct {
	Feature ID            `json:"feature"`
	Detail  string        `json:"detail,omitempty"` // what was found, when it worked
	Err     string        `json:"err,omitempty"`
	Errno   syscall.Errno `json:"errno,omitempty"` // the kernel's answer below Err, when there was one
}

// Try makes a Trial of what became of trying a feature.
func Try(feature ID, detail string, err error) Trial {
	t := Trial{Feature: feature, Detail: detail}
	if err != nil {
		t.Err = err.Error()
		errors.As(err, &t.Errno)
	}
	return t
}

func (t Trial) failed() bool { return t.Err != "" }

// ID names a feature on the wire.
type ID string

// What is tried from outside a lab.
const (
	Kernel ID = "kernel"
	State  ID = "state"
	Socket ID = "socket"
	Disk   ID = "disk"
	Memory ID = "memory"
	Files  ID = "files"
	Userns ID = "userns"
	IDs    ID = "ids"
)

// What is tried by the lab's pid 1.
const (
	Mounts         ID = "mounts"
	Proc           ID = "proc"
	Seccomp        ID = "seccomp"
	Pidfd          ID = "pidfd"
	Terminals      ID = "terminals"
	OverlayOnDisk  ID = "overlay-disk"
	OverlayOnTmpfs ID = "overlay-tmpfs"
	Bridge         ID = "bridge"
	Machine        ID = "machine"
)

// What is tried by pid 1 of a machine inside the lab.
const (
	Veth     ID = "veth"
	Sysctls  ID = "sysctls"
	Nftables ID = "nftables"
	Cgroup   ID = "cgroup"
	Inotify  ID = "inotify"
	Netem    ID = "netem"
)
