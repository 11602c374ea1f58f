package container

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A seccomp filter is a program for the kernel's classic BPF machine: it has one register and only jumps forward. For
// every system call it looks at struct seccomp_data and returns what is to happen (seccomp(2)). Ours is
//
//	another architecture?            ENOSYS
//	a number newer than our table?   ENOSYS, so that a C library falls back to an older call
//	a search tree over the numbers, down to one leaf for each run of numbers that are treated alike:
//	    return an action, or compare arguments and then return one

// Offsets in struct seccomp_data.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArgs   = 16
)

var auditArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]

// instruction is one step of the program, the kernel's struct sock_filter.
type instruction struct {
	code   uint16
	jt, jf uint8
	k      uint32
}

func load(offset uint32) instruction {
	return instruction{code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, k: offset}
}

func answer(action uint32) instruction {
	return instruction{code: unix.BPF_RET | unix.BPF_K, k: action}
}

// jump compares the register with k, and skips jt instructions when that is true and jf when it is not.
func jump(comparison uint16, k uint32, jt, jf uint8) instruction {
	return instruction{code: unix.BPF_JMP | unix.BPF_K | comparison, jt: jt, jf: jf, k: k}
}

// filter returns the assembled profile. The last one is kept: nearly all containers have the same.
func (r *Runner) filter(s *specs.LinuxSeccomp) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lastProfile != nil && reflect.DeepEqual(r.lastProfile, s) {
		return r.lastFilter, nil
	}
	assembled, err := assemble(s)
	if err != nil {
		return nil, fmt.Errorf("linux.seccomp: %w", err)
	}
	// A copy: the spec is the caller's to change.
	r.lastProfile, r.lastFilter = copyOf(s), assembled
	return assembled, nil
}

func copyOf(s *specs.LinuxSeccomp) *specs.LinuxSeccomp {
	c := *s
	c.Syscalls = slices.Clone(s.Syscalls)
	for i, call := range c.Syscalls {
		c.Syscalls[i].Names, c.Syscalls[i].Args = slices.Clone(call.Names), slices.Clone(call.Args)
	}
	return &c
}

// assemble turns a profile into a filter, in the form that seccomp(2) takes.
func assemble(s *specs.LinuxSeccomp) ([]byte, error) {
	leaves, err := leavesOf(s)
	if err != nil {
		return nil, err
	}
	unknown := answer(unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS))
	last := leaves[len(leaves)-1].first
	program := []instruction{
		load(offsetArch),
		jump(unix.BPF_JEQ, auditArch, 1, 0),
		unknown,
		load(offsetNumber),
		jump(unix.BPF_JGE, last, 0, 1), // x32, which has x86-64's AUDIT_ARCH, counts from 0x40000000
		unknown,
	}
	program = append(program, tree(leaves[:len(leaves)-1])...)
	if len(program) > unix.BPF_MAXINSNS {
		return nil, fmt.Errorf("the profile needs %d instructions, the kernel takes %d", len(program), unix.BPF_MAXINSNS)
	}
	return encode(program), nil
}

func encode(program []instruction) []byte {
	out := make([]byte, 0, 8*len(program))
	for _, in := range program {
		out = binary.NativeEndian.AppendUint16(out, in.code)
		out = append(out, in.jt, in.jf)
		out = binary.NativeEndian.AppendUint32(out, in.k)
	}
	return out
}

// leaf is what happens to the system calls from number first on, up to the next leaf.
type leaf struct {
	first uint32
	code  []instruction
}

// tree is a binary search over the leaves. Conditional jumps reach 255 instructions, so each side is entered by an
// unconditional one, which reaches all.
func tree(leaves []leaf) []instruction {
	if len(leaves) == 1 {
		return leaves[0].code
	}
	middle := len(leaves) / 2
	left, right := tree(leaves[:middle]), tree(leaves[middle:])
	code := []instruction{
		jump(unix.BPF_JGE, leaves[middle].first, 0, 1),
		{code: unix.BPF_JMP | unix.BPF_JA, k: uint32(len(left))},
	}
	return append(append(code, left...), right...)
}

// rule is one entry of a profile for one system call.
type rule struct {
	args   []specs.LinuxSeccompArg
	action uint32
}

// leavesOf covers all numbers from 0 to the highest this build knows; the last leaf begins after it and is empty.
func leavesOf(s *specs.LinuxSeccomp) ([]leaf, error) {
	fallback, err := actionOf(s.DefaultAction, s.DefaultErrnoRet)
	if err != nil {
		return nil, err
	}
	rules, err := rulesOf(s)
	if err != nil {
		return nil, err
	}
	var highest uint32
	for _, n := range syscallNumbers {
		highest = max(highest, n)
	}
	var leaves []leaf
	previous := uint32(0) // the action of the last leaf, if it is only that
	merge := false
	for n := range highest + 1 {
		action, plain := plainAction(rules[n], fallback)
		if plain && merge && action == previous {
			continue
		}
		code := []instruction{answer(action)}
		if !plain {
			if code, err = decide(rules[n], fallback); err != nil {
				return nil, err
			}
		}
		leaves = append(leaves, leaf{first: n, code: code})
		previous, merge = action, plain
	}
	return append(leaves, leaf{first: highest + 1}), nil
}

// plainAction is the action for a call whose arguments do not matter.
func plainAction(rules []rule, fallback uint32) (uint32, bool) {
	if len(rules) == 0 {
		return fallback, true
	}
	return rules[0].action, len(rules[0].args) == 0
}

// rulesOf sorts a profile by number. Names of other architectures or of newer kernels are not in our table, and no
// program can call them through this filter.
func rulesOf(s *specs.LinuxSeccomp) (map[uint32][]rule, error) {
	rules := map[uint32][]rule{}
	for _, call := range s.Syscalls {
		action, err := actionOf(call.Action, call.ErrnoRet)
		if err != nil {
			return nil, err
		}
		for _, name := range call.Names {
			if n, ok := syscallNumbers[name]; ok {
				rules[n] = append(rules[n], rule{args: call.Args, action: action})
			}
		}
	}
	return rules, nil
}

func actionOf(a specs.LinuxSeccompAction, errno *uint) (uint32, error) {
	number := uint32(unix.EPERM)
	if errno != nil {
		number = uint32(*errno) & unix.SECCOMP_RET_DATA
	}
	switch a {
	case specs.ActAllow:
		return unix.SECCOMP_RET_ALLOW, nil
	case specs.ActErrno:
		return unix.SECCOMP_RET_ERRNO | number, nil
	case specs.ActKill, specs.ActKillThread:
		return unix.SECCOMP_RET_KILL_THREAD, nil
	case specs.ActKillProcess:
		return unix.SECCOMP_RET_KILL_PROCESS, nil
	case specs.ActTrap:
		return unix.SECCOMP_RET_TRAP, nil
	case specs.ActTrace:
		return unix.SECCOMP_RET_TRACE | number, nil
	case specs.ActLog:
		return unix.SECCOMP_RET_LOG, nil
	case specs.ActNotify:
		return 0, errors.New("action SCMP_ACT_NOTIFY is not supported")
	}
	return 0, fmt.Errorf("action %q is not known", a)
}
