package container

import (
	"fmt"
	"os"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"drydock/sandbox/container/handshake"
)

// process translates the part of a spec that describes the program.
func (r *Runner) process(s *specs.Spec) (handshake.Process, error) {
	p := s.Process
	out := handshake.Process{
		Args: p.Args, Env: p.Env, Cwd: p.Cwd, Terminal: p.Terminal, NoNewPrivs: p.NoNewPrivileges, OOMScoreAdj: p.OOMScoreAdj,
	}
	if p.ConsoleSize != nil {
		out.Rows, out.Cols = uint16(p.ConsoleSize.Height), uint16(p.ConsoleSize.Width)
	}
	if err := r.setUser(&out, p.User); err != nil {
		return out, err
	}
	var err error
	if out.Caps, err = r.capabilities(p.Capabilities); err != nil {
		return out, err
	}
	if out.Rlimits, err = rlimits(p.Rlimits); err != nil {
		return out, err
	}
	if s.Linux.Seccomp != nil {
		if out.Seccomp, err = r.filter(s.Linux.Seccomp); err != nil {
			return out, err
		}
	}
	return out, nil
}

// additional is what a further process of a container gets: the first one's, but for what e says.
func (r *Runner) additional(first handshake.Process, e ExecConfig) (handshake.Process, error) {
	p := first
	if len(e.Args) == 0 {
		return p, fmt.Errorf("there is no program to run")
	}
	p.Args, p.Terminal, p.Rows, p.Cols = e.Args, e.TTY, e.Size.Rows, e.Size.Cols
	if e.Env != nil {
		p.Env = e.Env
	}
	if e.Cwd != "" {
		p.Cwd = e.Cwd
	}
	if e.Privileged {
		p.KeepAll, p.Seccomp, p.NoNewPrivs = true, nil, false
	}
	if e.User == nil {
		return p, nil
	}
	return p, r.setUser(&p, *e.User)
}

func (r *Runner) setUser(p *handshake.Process, u specs.User) error {
	if !r.identity.uids.has(u.UID) {
		return fmt.Errorf("run as user %d: %w, which has %s", u.UID, ErrUserNotMapped, r.identity.uids)
	}
	if !r.identity.gids.has(u.GID) {
		return fmt.Errorf("run as group %d: %w, which has %s", u.GID, ErrUserNotMapped, r.identity.gids)
	}
	p.UID, p.GID, p.Groups, p.Umask = int(u.UID), int(u.GID), nil, -1
	if u.Umask != nil {
		p.Umask = int(*u.Umask)
	}
	for _, g := range u.AdditionalGids {
		if !r.identity.setgroups && g == u.GID {
			continue // it has this group already, and no others can be set
		}
		if !r.identity.setgroups || !r.identity.gids.has(g) {
			return fmt.Errorf("run with supplementary group %d: %w, which has %s", g, ErrUserNotMapped, r.identity.gids)
		}
		p.Groups = append(p.Groups, int(g))
	}
	return nil
}

// capabilities translates names to bits and leaves out what we do not have ourselves: it could not be passed on.
func (r *Runner) capabilities(c *specs.LinuxCapabilities) (handshake.Capabilities, error) {
	var out handshake.Capabilities
	if c == nil {
		return out, nil
	}
	for _, set := range []struct {
		names []string
		bits  *uint64
	}{
		{c.Bounding, &out.Bounding},
		{c.Effective, &out.Effective},
		{c.Permitted, &out.Permitted},
		{c.Inheritable, &out.Inheritable},
		{c.Ambient, &out.Ambient},
	} {
		for _, name := range set.names {
			n, ok := capabilityNumbers[strings.ToUpper(name)]
			if !ok {
				return out, fmt.Errorf("process.capabilities: %q is not known", name)
			}
			*set.bits |= 1 << n & r.identity.capabilities
		}
	}
	return out, nil
}

var rlimitNumbers = map[string]int{
	"RLIMIT_AS": unix.RLIMIT_AS, "RLIMIT_CORE": unix.RLIMIT_CORE, "RLIMIT_CPU": unix.RLIMIT_CPU, "RLIMIT_DATA": unix.RLIMIT_DATA,
	"RLIMIT_FSIZE": unix.RLIMIT_FSIZE, "RLIMIT_LOCKS": unix.RLIMIT_LOCKS, "RLIMIT_MEMLOCK": unix.RLIMIT_MEMLOCK,
	"RLIMIT_MSGQUEUE": unix.RLIMIT_MSGQUEUE, "RLIMIT_NICE": unix.RLIMIT_NICE, "RLIMIT_NOFILE": unix.RLIMIT_NOFILE,
	"RLIMIT_NPROC": unix.RLIMIT_NPROC, "RLIMIT_RSS": unix.RLIMIT_RSS, "RLIMIT_RTPRIO": unix.RLIMIT_RTPRIO,
	"RLIMIT_RTTIME": unix.RLIMIT_RTTIME, "RLIMIT_SIGPENDING": unix.RLIMIT_SIGPENDING, "RLIMIT_STACK": unix.RLIMIT_STACK,
}

func rlimits(list []specs.POSIXRlimit) ([]handshake.Rlimit, error) {
	var out []handshake.Rlimit
	for _, l := range list {
		n, ok := rlimitNumbers[l.Type]
		if !ok {
			return nil, fmt.Errorf("process.rlimits: %q is not known", l.Type)
		}
		out = append(out, handshake.Rlimit{Resource: n, Soft: l.Soft, Hard: l.Hard})
	}
	return out, nil
}

var capabilityNumbers = numbered(
	"CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
	"NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT",
	"SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE",
	"AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ",
	"PERFMON", "BPF", "CHECKPOINT_RESTORE",
)

// numbered gives each capability its number, which is its place in the list (linux/capability.h).
func numbered(names ...string) map[string]int {
	m := make(map[string]int, len(names))
	for i, n := range names {
		m["CAP_"+n] = i
	}
	return m
}

// identity is what this process is and may pass on.
type identity struct {
	uids, gids   idMap
	setgroups    bool
	capabilities uint64
}

func readIdentity() (identity, error) {
	var id identity
	var err error
	if id.uids, err = readIDMap("/proc/self/uid_map"); err != nil {
		return id, err
	}
	if id.gids, err = readIDMap("/proc/self/gid_map"); err != nil {
		return id, err
	}
	setgroups, err := os.ReadFile("/proc/self/setgroups")
	if err != nil {
		return id, fmt.Errorf("ask whether groups can be set: %w", err)
	}
	id.setgroups = strings.TrimSpace(string(setgroups)) == "allow"
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return id, fmt.Errorf("ask for our capabilities: %w", err)
	}
	id.capabilities = uint64(data[0].Permitted) | uint64(data[1].Permitted)<<32
	return id, nil
}

// idMap are the ranges of user or group ids that exist in this user namespace (user_namespaces(7)).
type idMap [][2]uint64 // first, count

func readIDMap(path string) (idMap, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read which users exist: %w", err)
	}
	var m idMap
	for line := range strings.Lines(string(text)) {
		var first, outside, count uint64
		if _, err := fmt.Sscan(line, &first, &outside, &count); err != nil {
			return nil, fmt.Errorf("read which users exist: %s: %q: %w", path, line, err)
		}
		m = append(m, [2]uint64{first, count})
	}
	return m, nil
}

func (m idMap) has(id uint32) bool {
	for _, r := range m {
		if uint64(id) >= r[0] && uint64(id) < r[0]+r[1] {
			return true
		}
	}
	return false
}

// String says what there is: "only 0", "0-65535".
func (m idMap) String() string {
	if len(m) == 1 && m[0][1] == 1 {
		return fmt.Sprintf("only %d", m[0][0])
	}
	var parts []string
	for _, r := range m {
		parts = append(parts, fmt.Sprintf("%d-%d", r[0], r[0]+r[1]-1))
	}
	return strings.Join(parts, ", ")
}
