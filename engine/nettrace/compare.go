package nettrace

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net"
	"strings"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// bitwise masks a value. Its words keep the mask, which compare takes apart again: "ip saddr & 10.244.0.0/16" is two expressions.
func (r *runner) bitwise(x *expr.Bitwise) {
	value := r.registers.read(x.SourceRegister, int(x.Len))
	words := r.registers.text(x.SourceRegister, int(x.Len))
	for i := range value {
		value[i] = value[i]&x.Mask[i] ^ x.Xor[i]
	}
	switch {
	case strings.HasPrefix(words, "ip "):
		words += fmt.Sprintf("/%d", ones(x.Mask))
	case !bytes.Equal(x.Xor, make([]byte, len(x.Xor))):
		words = fmt.Sprintf("%s or 0x%08x", strings.TrimPrefix(words, "meta "), binary.NativeEndian.Uint32(x.Xor))
	case words == "ct state":
		words += " " + states(binary.NativeEndian.Uint32(x.Mask))
	default:
		words += fmt.Sprintf(" & 0x%08x", binary.NativeEndian.Uint32(x.Mask))
	}
	r.registers.load(x.DestRegister, value, words)
}

func ones(mask []byte) int {
	n := 0
	for _, b := range mask {
		n += bits.OnesCount8(b)
	}
	return n
}

func states(mask uint32) string {
	var names []string
	for _, s := range []struct {
		bit  uint32
		name string
	}{{expr.CtStateBitESTABLISHED, "established"}, {expr.CtStateBitRELATED, "related"}, {expr.CtStateBitNEW, "new"}, {expr.CtStateBitINVALID, "invalid"}} {
		if mask&s.bit != 0 {
			names = append(names, s.name)
		}
	}
	return strings.Join(names, ",")
}

// compare says whether the rule goes on, and prints the comparison.
func (r *runner) compare(x *expr.Cmp) bool {
	words := r.registers.text(x.Register, len(x.Data))
	order := bytes.Compare(r.registers.read(x.Register, len(x.Data)), x.Data)
	fits := map[expr.CmpOp]bool{
		expr.CmpOpEq: order == 0, expr.CmpOpNeq: order != 0, expr.CmpOpLt: order < 0, expr.CmpOpLte: order <= 0,
		expr.CmpOpGt: order > 0, expr.CmpOpGte: order >= 0,
	}[x.Op]
	operator := map[expr.CmpOp]string{expr.CmpOpNeq: "!= ", expr.CmpOpLt: "< ", expr.CmpOpLte: "<= ", expr.CmpOpGt: "> ", expr.CmpOpGte: ">= "}[x.Op]
	name, prefix, hasPrefix := strings.Cut(words, "/")
	switch {
	case strings.HasPrefix(words, "ct state "):
		r.say("%s", words)
	case strings.HasPrefix(words, "ip ") && len(x.Data) == 4 && hasPrefix:
		r.say("%s %s%s/%s", name, operator, net.IP(x.Data), prefix)
	case strings.HasPrefix(words, "ip ") && len(x.Data) == 4:
		r.say("%s %s%s", words, operator, net.IP(x.Data))
	case strings.HasPrefix(words, "ip "):
		r.say("%s %s%d.0.0.0/8", words, operator, x.Data[0])
	case words == "meta l4proto":
		r.say("%s %s%s", words, operator, protocolName(x.Data[0]))
	case strings.HasPrefix(words, "fib "):
		r.say("%s %s%s", words, operator, map[uint32]string{unix.RTN_LOCAL: "local"}[binary.NativeEndian.Uint32(x.Data)])
	case strings.HasPrefix(words, "th "):
		r.say("%s %s%d", words, operator, binary.BigEndian.Uint16(x.Data))
	case len(x.Data) == 4:
		r.say("%s %s0x%08x", words, operator, binary.NativeEndian.Uint32(x.Data))
	default:
		r.say("%s %s%x", words, operator, x.Data)
	}
	return fits
}
