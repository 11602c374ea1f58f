package terminal

import "strings"

// Columns lays words out as ls does: sorted downwards, in as many columns as fit.
func Columns(words []string, width int) string {
	if len(words) == 0 {
		return ""
	}
	longest := 0
	for _, w := range words {
		longest = max(longest, Width(w))
	}
	across := max(1, (width+1)/(longest+2))
	down := (len(words) + across - 1) / across
	var out strings.Builder
	for row := range down {
		for i := row; i < len(words); i += down {
			out.WriteString(words[i])
			if i+down < len(words) {
				out.WriteString(strings.Repeat(" ", longest+2-Width(words[i])))
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}
