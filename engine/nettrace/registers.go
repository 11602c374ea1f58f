package nettrace

import "strings"

// registers are the kernel's: twenty of 32 bits, of which sixteen also have four names as 128-bit ones (nft_regs). Beside its
// bytes each one carries what was loaded into it, in the words of nft(8).
type registers struct {
	bytes [20 * 4]byte
	words [20]string
}

// at is the position of a register in bytes.
func at(register uint32) int {
	const first32 = 8 // NFT_REG32_00
	if register >= first32 {
		return int(register-first32) * 4
	}
	return int(register-1) * 16
}

func (r *registers) load(register uint32, value []byte, words string) {
	from := at(register)
	clear(r.bytes[from : from+(len(value)+3)/4*4])
	copy(r.bytes[from:], value)
	r.words[from/4] = words
	for i := from/4 + 1; i < from/4+(len(value)+3)/4; i++ {
		r.words[i] = ""
	}
}

func (r *registers) read(register uint32, length int) []byte {
	from := at(register)
	return append([]byte(nil), r.bytes[from:min(from+length, len(r.bytes))]...)
}

// text is what was loaded into the registers that a value of this many bytes covers: "ip daddr . meta l4proto . th dport".
func (r *registers) text(register uint32, length int) string {
	var parts []string
	from := at(register) / 4
	for i := from; i < min(from+max((length+3)/4, 1), len(r.words)); i++ {
		if r.words[i] != "" {
			parts = append(parts, r.words[i])
		}
	}
	return strings.Join(parts, " . ")
}
