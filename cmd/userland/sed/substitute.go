package sed

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// substitute reads the rest of s/re/with/flags.
func (p *parser) substitute(c *command) error {
	if p.text == "" || p.text[0] == '\n' || p.text[0] == '\\' {
		return errors.New("bad format in substitution expression")
	}
	delimiter := p.take()
	pattern, err := p.delimited(delimiter)
	if err == nil {
		c.replacement, err = p.replacement(delimiter)
	}
	if err != nil {
		return errors.New("unmatched '" + string(delimiter) + "'")
	}
	ignoreCase := false
	for p.text != "" && strings.IndexByte("; \t\n}#", p.text[0]) < 0 {
		switch flag := p.text[0]; {
		case flag == 'g':
			c.global = true
			p.take()
		case flag == 'p':
			c.print = true
			p.take()
		case flag == 'i' || flag == 'I':
			ignoreCase = true
			p.take()
		case flag >= '1' && flag <= '9':
			if c.which, err = strconv.Atoi(p.digits()); err != nil {
				return err
			}
		default:
			return fmt.Errorf("unknown option to s: %c", flag)
		}
	}
	if c.expression, err = p.compile(pattern, ignoreCase); err != nil {
		return err
	}
	if n := highestGroup(c.replacement); n > c.expression.NumSubexp() {
		return fmt.Errorf("invalid reference \\%d on s command's right hand side", n)
	}
	return p.endOfCommand()
}

// replacement takes the right hand side as it stands; escapes are read when it is used.
func (p *parser) replacement(delimiter byte) (string, error) {
	for i := 0; i < len(p.text); i++ {
		switch p.text[i] {
		case '\\':
			i++
		case delimiter:
			text := p.text[:i]
			p.text = p.text[i+1:]
			if delimiter != '&' {
				text = strings.ReplaceAll(text, `\`+string(delimiter), string(delimiter))
			}
			return text, nil
		}
	}
	return "", errors.New("unterminated")
}

func highestGroup(replacement string) int {
	highest := 0
	for i := 0; i+1 < len(replacement); i++ {
		if replacement[i] != '\\' {
			continue
		}
		i++
		if c := replacement[i]; c >= '1' && c <= '9' {
			highest = max(highest, int(c-'0'))
		}
	}
	return highest
}

// replace does one s command; true when something was replaced.
func (c *command) replace(space string) (string, bool) {
	var out strings.Builder
	at, n, done := 0, 0, false
	for _, m := range c.expression.FindAllStringSubmatchIndex(space, -1) {
		n++
		if n < c.which || n > c.which && !c.global {
			continue
		}
		done = true
		out.WriteString(space[at:m[0]])
		expandInto(&out, c.replacement, space, m)
		at = m[1]
	}
	if !done {
		return space, false
	}
	out.WriteString(space[at:])
	return out.String(), true
}

// expandInto writes the right hand side for one match: & and \1 to \9, \n, \t, and \U \L \u \l \E as GNU has them.
func expandInto(out *strings.Builder, replacement, space string, m []int) {
	var w caseWriter
	w.out = out
	for i := 0; i < len(replacement); i++ {
		switch c := replacement[i]; {
		case c == '&':
			w.write(space[m[0]:m[1]])
		case c == '\\' && i+1 < len(replacement):
			i++
			switch e := replacement[i]; {
			case e >= '0' && e <= '9':
				if g := 2 * int(e-'0'); g+1 < len(m) && m[g] >= 0 {
					w.write(space[m[g]:m[g+1]])
				}
			case e == 'n':
				w.write("\n")
			case e == 't':
				w.write("\t")
			case strings.IndexByte("ULEul", e) >= 0:
				w.mode(e)
			default:
				w.write(string([]byte{e}))
			}
		default:
			_, size := utf8.DecodeRuneInString(replacement[i:])
			w.write(replacement[i : i+size])
			i += size - 1
		}
	}
}

// caseWriter changes case as \U and its kin say.
type caseWriter struct {
	out         *strings.Builder
	whole, next byte
}

func (w *caseWriter) mode(letter byte) {
	switch letter {
	case 'E':
		w.whole = 0
	case 'U', 'L':
		w.whole = letter
	default:
		w.next = letter
	}
}

func (w *caseWriter) write(text string) {
	switch w.whole {
	case 'U':
		text = strings.ToUpper(text)
	case 'L':
		text = strings.ToLower(text)
	}
	if w.next != 0 && text != "" {
		_, size := utf8.DecodeRuneInString(text)
		if w.next == 'u' {
			text = strings.ToUpper(text[:size]) + text[size:]
		} else {
			text = strings.ToLower(text[:size]) + text[size:]
		}
		w.next = 0
	}
	w.out.WriteString(text)
}

// transliterate reads the rest of y/abc/xyz/.
func (p *parser) transliterate(c *command) error {
	if p.text == "" {
		return errors.New("bad format in y")
	}
	delimiter := p.take()
	from, err := p.delimited(delimiter)
	if err != nil {
		return errors.New("unterminated y command")
	}
	to, err := p.delimited(delimiter)
	if err != nil {
		return errors.New("unterminated y command")
	}
	c.from, c.to = []rune(from), []rune(to)
	if len(c.from) != len(c.to) {
		return errors.New("strings for y command are different lengths")
	}
	return p.endOfCommand()
}
