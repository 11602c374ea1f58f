package pack

import (
	"regexp"
	"strings"
)

// blockScalar ends a line whose text goes on below, further in: "run: |".
var blockScalar = regexp.MustCompile(`(^|[\s:-])[|>][+-]?[0-9]?\s*(#.*)?$`)

// oddIndent is the line and column of the first line that begins further out than the one above it, and in a column in which nothing
// began before: a slip that the YAML library tells at the beginning of the block. Line 0 when there is none, or where that cannot be told.
func oddIndent(text string) (line, column int) {
	var open []int // columns in which what is open began
	scalar, number, brackets := -1, 0, 0
	for raw := range strings.Lines(text) {
		number++
		trimmed := strings.TrimLeft(raw, " ")
		indent := len(raw) - len(trimmed)
		if trimmed = strings.TrimRight(trimmed, " \r\n"); trimmed == "" || trimmed[0] == '#' || scalar >= 0 && indent > scalar {
			continue
		}
		scalar = -1
		closed := false
		for len(open) > 0 && open[len(open)-1] > indent {
			open, closed = open[:len(open)-1], true
		}
		if brackets != 0 {
			return 0, 0 // within them lines lie as they may
		}
		brackets += strings.Count(trimmed, "[") + strings.Count(trimmed, "{") - strings.Count(trimmed, "]") - strings.Count(trimmed, "}")
		if closed && (len(open) == 0 || open[len(open)-1] != indent) {
			return number, indent + 1
		}
		open = push(open, indent)
		for rest := trimmed; strings.HasPrefix(rest, "- "); { // what follows a dash begins a block of its own
			inner := strings.TrimLeft(rest[2:], " ")
			open = push(open, indent+len(trimmed)-len(inner))
			rest = inner
		}
		if blockScalar.MatchString(trimmed) {
			scalar = indent
		}
	}
	return 0, 0
}

func push(open []int, column int) []int {
	if len(open) > 0 && open[len(open)-1] >= column {
		return open
	}
	return append(open, column)
}
