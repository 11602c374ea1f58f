// Package regex compiles POSIX regular expressions, basic and extended, to Go's.
//
// Left out: back-references inside a pattern (`\(a\)\1`), which Go's linear-time engine cannot have. Matching is leftmost-first
// where POSIX is leftmost-longest; they differ only in alternations such as `a|ab`.
package regex

import (
	"errors"
	"regexp"
	"strings"
)

// Compile reads a pattern: basic as grep and sed have it by default, or extended (-E).
func Compile(pattern string, extended, ignoreCase bool) (*regexp.Regexp, error) {
	text, err := translate(pattern, extended)
	if err != nil {
		return nil, err
	}
	if ignoreCase {
		text = "(?i)" + text
	}
	compiled, err := regexp.Compile(text)
	if err != nil {
		return nil, errors.New("bad regex '" + pattern + "'")
	}
	return compiled, nil
}

// translate writes pattern in Go's syntax.
func translate(pattern string, extended bool) (string, error) {
	var out strings.Builder
	for i := 0; i < len(pattern); {
		switch c := pattern[i]; {
		case c == '\\':
			if i+1 == len(pattern) {
				return "", errors.New("trailing backslash")
			}
			text, err := escape(pattern[i+1], extended)
			if err != nil {
				return "", err
			}
			out.WriteString(text)
			i += 2
		case c == '[':
			end := bracketEnd(pattern, i)
			if end < 0 {
				return "", errors.New("unmatched [")
			}
			out.WriteString("[" + strings.ReplaceAll(pattern[i+1:end], `\`, `\\`) + "]")
			i = end + 1
		case !extended && strings.IndexByte("+?(){}|", c) >= 0:
			out.WriteString(`\` + string(c))
			i++
		case !extended && c == '*' && atStart(pattern, i):
			out.WriteString(`\*`)
			i++
		case !extended && c == '^' && !atStart(pattern, i), !extended && c == '$' && !atEnd(pattern, i):
			out.WriteString(`\` + string(c))
			i++
		default:
			out.WriteByte(c)
			i++
		}
	}
	return out.String(), nil
}

// escape is what a backslash and c mean.
func escape(c byte, extended bool) (string, error) {
	switch {
	case c >= '1' && c <= '9':
		return "", errors.New("back-references in a pattern are not supported")
	case !extended && strings.IndexByte("+?(){}|", c) >= 0:
		return string(c), nil
	case c == '<', c == '>':
		return `\b`, nil
	case strings.IndexByte("wWsSbBntr", c) >= 0:
		return `\` + string(c), nil
	case c < 0x80 && c != '0' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z'):
		return regexp.QuoteMeta(string(c)), nil
	default:
		return string([]byte{c}), nil
	}
}

// bracketEnd is where the bracket expression that opens at i closes; a first ] and [:classes:] belong to it.
func bracketEnd(pattern string, i int) int {
	j := i + 1
	if j < len(pattern) && pattern[j] == '^' {
		j++
	}
	if j < len(pattern) && pattern[j] == ']' {
		j++
	}
	for ; j < len(pattern); j++ {
		if pattern[j] == ']' {
			return j
		}
		if strings.HasPrefix(pattern[j:], "[:") {
			if end := strings.Index(pattern[j:], ":]"); end > 0 {
				j += end + 1
			}
		}
	}
	return -1
}

// atStart: a basic expression has its anchors and literal stars where a sub-expression begins.
func atStart(pattern string, i int) bool {
	before := pattern[:i]
	return before == "" || strings.HasSuffix(before, `\(`) || strings.HasSuffix(before, `\|`) || before == "^" || strings.HasSuffix(before, `\(^`)
}

func atEnd(pattern string, i int) bool {
	after := pattern[i+1:]
	return after == "" || strings.HasPrefix(after, `\)`) || strings.HasPrefix(after, `\|`)
}
