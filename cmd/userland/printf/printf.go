// Package printf is printf(1): a format and words, as POSIX and the shells have it.
package printf

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// errStop is \c: nothing more is printed.
var errStop = errors.New("stop")

// formatter is one call: the words are used up in turn.
type formatter struct {
	out   strings.Builder
	words []string
	err   error // the first bad number; printing goes on
}

// Format fills words into format, again and again until all are used. The text is what could be made even with an error.
func Format(format string, words []string) (string, error) {
	f := &formatter{words: words}
	for {
		before := len(f.words)
		err := f.pass(format)
		if errors.Is(err, errStop) {
			break
		}
		if err != nil {
			return f.out.String(), err
		}
		if len(f.words) == 0 || len(f.words) == before {
			break
		}
	}
	return f.out.String(), f.err
}

func (f *formatter) next() string {
	if len(f.words) == 0 {
		return ""
	}
	w := f.words[0]
	f.words = f.words[1:]
	return w
}

func (f *formatter) pass(format string) error {
	for i := 0; i < len(format); {
		switch c := format[i]; {
		case c == '\\':
			used, err := f.escape(format[i:], false)
			if err != nil {
				return err
			}
			i += used
		case c == '%' && strings.HasPrefix(format[i:], "%%"):
			f.out.WriteByte('%')
			i += 2
		case c == '%':
			used, err := f.conversion(format[i+1:])
			if err != nil {
				return err
			}
			i += used + 1
		default:
			f.out.WriteByte(c)
			i++
		}
	}
	return nil
}

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'a': 7, 'b': 8, 'f': 12, 'v': 11, 'e': 27, '\\': '\\', '"': '"', '\'': '\''}

// escape writes what a backslash at the start of text means, and how long it is. In %b octal numbers begin with 0.
func (f *formatter) escape(text string, inWord bool) (used int, err error) {
	if len(text) == 1 {
		f.out.WriteByte('\\')
		return 1, nil
	}
	c := text[1]
	switch plain, ok := escapes[c]; {
	case ok:
		f.out.WriteByte(plain)
		return 2, nil
	case c == 'c':
		return 0, errStop
	case c == 'x':
		return f.number(text, 2, 2, 16)
	case c >= '0' && c <= '7':
		start := 1
		if inWord && c == '0' {
			start = 2
		}
		return f.number(text, start, 3, 8)
	}
	f.out.WriteString(text[:2])
	return 2, nil
}

// number is an escape with up to most digits from start.
func (f *formatter) number(text string, start, most, base int) (int, error) {
	end := start
	for end < len(text) && end < start+most {
		if _, err := strconv.ParseUint(text[end:end+1], base, 8); err != nil {
			break
		}
		end++
	}
	n, _ := strconv.ParseUint(text[start:end], base, 16) // no digits are 0
	f.out.WriteByte(byte(n))
	return end, nil
}

// conversion does one % with its flags, width and precision; used does not count the %.
func (f *formatter) conversion(text string) (used int, err error) {
	var spec strings.Builder
	spec.WriteByte('%')
	for used < len(text) && strings.IndexByte("-+ #0123456789.*", text[used]) >= 0 {
		if text[used] == '*' {
			spec.WriteString(strconv.FormatInt(min(f.integer(f.next()), 10000), 10))
		} else {
			spec.WriteByte(text[used])
		}
		used++
	}
	for used < len(text) && strings.IndexByte("hlLqjzt", text[used]) >= 0 && text[used] != 'q' {
		used++ // C's sizes mean nothing here
	}
	if used == len(text) {
		return used, errors.New("missing format character")
	}
	return used + 1, f.convert(spec.String(), text[used])
}

func (f *formatter) convert(spec string, letter byte) error {
	if len(spec) > 24 {
		return errors.New("format too wide")
	}
	switch letter {
	case 'd', 'i':
		fmt.Fprintf(&f.out, spec+"d", f.integer(f.next()))
	case 'u':
		fmt.Fprintf(&f.out, spec+"d", uint64(f.integer(f.next())))
	case 'o', 'x', 'X':
		fmt.Fprintf(&f.out, spec+string(letter), uint64(f.integer(f.next())))
	case 'e', 'E', 'f', 'F', 'g', 'G':
		fmt.Fprintf(&f.out, spec+strings.ReplaceAll(string(letter), "F", "f"), f.real(f.next()))
	case 'c':
		_, size := utf8.DecodeRuneInString(f.peek())
		fmt.Fprintf(&f.out, spec+"s", f.next()[:size])
	case 's':
		fmt.Fprintf(&f.out, spec+"s", f.next())
	case 'q':
		fmt.Fprintf(&f.out, spec+"s", "'"+strings.ReplaceAll(f.next(), "'", `'\''`)+"'")
	case 'b':
		return f.word(spec, f.next())
	default:
		return fmt.Errorf("%%%c: invalid format", letter)
	}
	return nil
}

func (f *formatter) peek() string {
	if len(f.words) == 0 {
		return ""
	}
	return f.words[0]
}

// word is %b: the word's own backslashes are read.
func (f *formatter) word(spec, text string) error {
	inner := &formatter{}
	for i := 0; i < len(text); {
		if text[i] != '\\' {
			inner.out.WriteByte(text[i])
			i++
			continue
		}
		used, err := inner.escape(text[i:], true)
		if err != nil {
			f.out.WriteString(inner.out.String())
			return err
		}
		i += used
	}
	fmt.Fprintf(&f.out, spec+"s", inner.out.String())
	return nil
}

// integer reads 12, 0x1f, 017 and 'A, the number of a character.
func (f *formatter) integer(word string) int64 {
	text := strings.TrimSpace(word)
	if text == "" {
		return 0
	}
	if text[0] == '\'' || text[0] == '"' {
		r, _ := utf8.DecodeRuneInString(text[1:])
		return int64(r)
	}
	n, err := strconv.ParseInt(text, 0, 64)
	if err != nil {
		if u, errU := strconv.ParseUint(text, 0, 64); errU == nil {
			return int64(u)
		}
		f.invalid(word)
	}
	return n
}

func (f *formatter) real(word string) float64 {
	if word == "" {
		return 0
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(word), 64)
	if err != nil {
		f.invalid(word)
	}
	return n
}

func (f *formatter) invalid(word string) {
	if f.err == nil {
		f.err = fmt.Errorf("invalid number '%s'", word)
	}
}
