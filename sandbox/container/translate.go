package container

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// plan is a spec in the kernel's terms.
type plan struct {
	setup      handshake.Setup
	cloneFlags uintptr    // namespaces to make
	joins      []*os.File // namespaces to join
	kinds      uintptr    // both, as flags
	joinsPIDs  bool
	ownPIDs    bool
}

// kinds are the namespaces a spec may name; the mount namespace is always new.
var kinds = map[specs.LinuxNamespaceType]uintptr{
	specs.PIDNamespace:     unix.CLONE_NEWPID,
	specs.NetworkNamespace: unix.CLONE_NEWNET,
	specs.IPCNamespace:     unix.CLONE_NEWIPC,
	specs.UTSNamespace:     unix.CLONE_NEWUTS,
	specs.CgroupNamespace:  unix.CLONE_NEWCGROUP,
	specs.MountNamespace:   unix.CLONE_NEWNS,
}

func (r *Runner) translate(s *specs.Spec) (*plan, error) {
	if err := validate(s); err != nil {
		return nil, err
	}
	process, err := r.process(s)
	if err != nil {
		return nil, err
	}
	mounts, err := mounts(s.Mounts)
	if err != nil {
		return nil, err
	}
	p := &plan{cloneFlags: unix.CLONE_NEWNS}
	if err := p.namespaces(s.Linux.Namespaces); err != nil {
		p.close()
		return nil, err
	}
	p.setup = handshake.Setup{Process: process, Root: &handshake.Root{
		Path: s.Root.Path, Readonly: s.Root.Readonly, Mounts: mounts,
		Loopback: p.cloneFlags&unix.CLONE_NEWNET != 0,
		Sysctl:   settings(s.Linux.Sysctl), Masked: s.Linux.MaskedPaths, ReadOnly: s.Linux.ReadonlyPaths,
	}}
	if p.cloneFlags&unix.CLONE_NEWUTS != 0 {
		p.setup.Root.Hostname, p.setup.Root.Domainname = s.Hostname, s.Domainname
	}
	for _, d := range s.Linux.Devices {
		p.setup.Root.Devices = append(p.setup.Root.Devices, d.Path)
	}
	return p, nil
}

func settings(m map[string]string) []handshake.Setting {
	var list []handshake.Setting
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, handshake.Setting{Name: name, Value: m[name]})
	}
	return list
}

// validate refuses what would otherwise be left out in silence.
func validate(s *specs.Spec) error {
	switch {
	case s == nil || s.Process == nil || s.Root == nil || s.Linux == nil:
		return errors.New("the spec must have process, root and linux")
	case len(s.Process.Args) == 0:
		return errors.New("process.args: there is no program to run")
	case !filepath.IsAbs(s.Process.Cwd):
		return fmt.Errorf("process.cwd: %q is not an absolute path", s.Process.Cwd)
	case !filepath.IsAbs(s.Root.Path):
		return fmt.Errorf("root.path: %q is not an absolute path", s.Root.Path)
	case s.Hooks != nil:
		return errors.New("hooks are not supported")
	}
	return nil
}

func (p *plan) namespaces(list []specs.LinuxNamespace) error {
	for _, ns := range list {
		flag, known := kinds[ns.Type]
		switch {
		case !known:
			return fmt.Errorf("linux.namespaces: a %s namespace is not supported", ns.Type)
		case ns.Type == specs.MountNamespace && ns.Path != "":
			return errors.New("linux.namespaces: joining a mount namespace is not supported")
		}
		p.kinds |= flag
		if ns.Path == "" {
			p.cloneFlags |= flag
			p.ownPIDs = p.ownPIDs || ns.Type == specs.PIDNamespace
			continue
		}
		f, err := os.Open(ns.Path)
		if err != nil {
			return fmt.Errorf("linux.namespaces: join the %s namespace: %w", ns.Type, err)
		}
		p.joins = append(p.joins, f)
		p.joinsPIDs = p.joinsPIDs || ns.Type == specs.PIDNamespace
	}
	return nil
}

// join moves the calling thread into the namespaces to join; a pid namespace only counts for its children (setns(2)).
func (p *plan) join() error {
	for _, f := range p.joins {
		if err := unix.Setns(int(f.Fd()), 0); err != nil {
			return fmt.Errorf("join namespace %s: %w", f.Name(), err)
		}
	}
	if p.joinsPIDs {
		return shield()
	}
	return nil
}

func (p *plan) close() {
	for _, f := range p.joins {
		f.Close()
	}
}
