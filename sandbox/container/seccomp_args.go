package container

import (
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// Arguments are 64 bits wide and the machine's register 32, so each comparison looks at the upper half and then at the
// lower half.

// step is an instruction whose jumps are not yet counted.
type step struct {
	in            instruction
	whenTrue, not target
}

type target int

const (
	next  target = iota // the following step
	match               // the condition holds: on to the next one
	fail                // it does not: on to the next rule
)

// decide tries the rules in their order; the first whose conditions all hold decides.
func decide(rules []rule, fallback uint32) ([]instruction, error) {
	var code []instruction
	for _, r := range rules {
		tried, err := try(r)
		if err != nil {
			return nil, err
		}
		code = append(code, tried...)
	}
	return append(code, answer(fallback)), nil
}

// try is a rule's conditions followed by its action.
func try(r rule) ([]instruction, error) {
	blocks := make([][]step, len(r.args))
	length := 0
	for i, a := range r.args {
		block, err := compare(a)
		if err != nil {
			return nil, err
		}
		blocks[i] = block
		length += len(block)
	}
	if length > 250 {
		return nil, fmt.Errorf("a rule with %d conditions is too long", len(r.args))
	}
	var code []instruction
	for _, block := range blocks {
		after := len(code) + len(block)
		for _, s := range block {
			position := len(code) + 1
			distance := map[target]uint8{next: 0, match: uint8(after - position), fail: uint8(length + 1 - position)}
			s.in.jt, s.in.jf = distance[s.whenTrue], distance[s.not]
			code = append(code, s.in)
		}
	}
	return append(code, answer(r.action)), nil
}

func compare(a specs.LinuxSeccompArg) ([]step, error) {
	if a.Index > 5 {
		return nil, fmt.Errorf("argument %d does not exist: there are 0 to 5", a.Index)
	}
	low := offsetArgs + 8*uint32(a.Index) // little-endian, as both architectures are
	high := low + 4
	switch a.Op {
	case specs.OpEqualTo:
		return equal(low, high, ^uint64(0), a.Value), nil
	case specs.OpMaskedEqual:
		return equal(low, high, a.Value, a.ValueTwo), nil
	case specs.OpNotEqual:
		return opposite(equal(low, high, ^uint64(0), a.Value)), nil
	case specs.OpGreaterThan:
		return greater(low, high, unix.BPF_JGT, a.Value), nil
	case specs.OpGreaterEqual:
		return greater(low, high, unix.BPF_JGE, a.Value), nil
	case specs.OpLessEqual:
		return opposite(greater(low, high, unix.BPF_JGT, a.Value)), nil
	case specs.OpLessThan:
		return opposite(greater(low, high, unix.BPF_JGE, a.Value)), nil
	}
	return nil, fmt.Errorf("comparison %q is not known", a.Op)
}

// equal: argument & mask == value.
func equal(low, high uint32, mask, value uint64) []step {
	and := func(m uint32) step {
		return step{in: instruction{code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, k: m}}
	}
	return []step{
		{in: load(high)},
		and(uint32(mask >> 32)),
		{in: jump(unix.BPF_JEQ, uint32(value>>32), 0, 0), whenTrue: next, not: fail},
		{in: load(low)},
		and(uint32(mask)),
		{in: jump(unix.BPF_JEQ, uint32(value), 0, 0), whenTrue: match, not: fail},
	}
}

// greater: argument > value, or >= as the comparison of the lower halves says.
func greater(low, high uint32, comparison uint16, value uint64) []step {
	return []step{
		{in: load(high)},
		{in: jump(unix.BPF_JGT, uint32(value>>32), 0, 0), whenTrue: match, not: next},
		{in: jump(unix.BPF_JEQ, uint32(value>>32), 0, 0), whenTrue: next, not: fail},
		{in: load(low)},
		{in: jump(comparison, uint32(value), 0, 0), whenTrue: match, not: fail},
	}
}

// opposite exchanges match and fail.
func opposite(steps []step) []step {
	exchange := [...]target{next: next, match: fail, fail: match}
	for i, s := range steps {
		steps[i].whenTrue, steps[i].not = exchange[s.whenTrue], exchange[s.not]
	}
	return steps
}
