package sed

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"drydock/cmd/userland/regex"
)

// Script is a parsed program. It may be run many times, one after the other.
type Script struct {
	commands []*command
	labels   map[string]int
}

// command is one letter with its addresses and what belongs to it.
type command struct {
	first, last *address
	negated     bool
	letter      byte
	text        string // of a, i, c; the label of b, t, T
	expression  *regexp.Regexp
	replacement string
	global      bool
	print       bool
	which       int // replace from this match on
	from, to    []rune
	end         int // of {: the index behind its }

	// while running
	active bool
	until  int // the line a numbered or relative range ends with
}

// address picks lines.
type address struct {
	line, step int
	last       bool
	plus       int // addr,+N
	expression *regexp.Regexp
}

// parser is what is left of the script.
type parser struct {
	text     string
	extended bool
	lastRE   *regexp.Regexp
	open     []int
	script   *Script
}

// Parse reads a script; extended is -E.
func Parse(text string, extended bool) (*Script, error) {
	p := &parser{text: text, extended: extended, script: &Script{labels: map[string]int{}}}
	for {
		p.text = strings.TrimLeft(p.text, " \t\n;")
		if p.text == "" {
			break
		}
		if p.text[0] == '#' {
			p.line()
			continue
		}
		if err := p.command(); err != nil {
			return nil, err
		}
	}
	if len(p.open) > 0 {
		return nil, errors.New("unmatched {")
	}
	for _, c := range p.script.commands {
		if _, ok := p.script.labels[c.text]; strings.IndexByte("btT", c.letter) >= 0 && c.text != "" && !ok {
			return nil, fmt.Errorf("can't find label for jump to '%s'", c.text)
		}
	}
	return p.script, nil
}

// line takes the rest of the line.
func (p *parser) line() string {
	text, rest, _ := strings.Cut(p.text, "\n")
	p.text = rest
	return text
}

func (p *parser) blank() { p.text = strings.TrimLeft(p.text, " \t") }

func (p *parser) command() (err error) {
	c := &command{which: 1}
	if c.first, err = p.address(); err != nil {
		return err
	}
	p.blank()
	if c.first != nil && strings.HasPrefix(p.text, ",") {
		p.text = p.text[1:]
		p.blank()
		if c.last, err = p.address(); err != nil {
			return err
		}
		if c.last == nil {
			return errors.New("unexpected ','")
		}
	}
	p.blank()
	for strings.HasPrefix(p.text, "!") {
		c.negated = true
		p.text = p.text[1:]
		p.blank()
	}
	if p.text == "" || p.text[0] == '\n' {
		return errors.New("missing command")
	}
	c.letter, p.text = p.text[0], p.text[1:]
	if err := p.operands(c); err != nil {
		return err
	}
	p.script.commands = append(p.script.commands, c)
	return nil
}

// operands reads what belongs to the letter.
func (p *parser) operands(c *command) error {
	switch c.letter {
	case '{':
		p.open = append(p.open, len(p.script.commands))
		return nil
	case '}':
		if len(p.open) == 0 {
			return errors.New("unexpected '}'")
		}
		opening := p.open[len(p.open)-1]
		p.open = p.open[:len(p.open)-1]
		p.script.commands[opening].end = len(p.script.commands)
		return p.endOfCommand()
	case 's':
		return p.substitute(c)
	case 'y':
		return p.transliterate(c)
	case 'a', 'i', 'c':
		c.text = p.lines()
		return nil
	case ':':
		p.blank()
		p.script.labels[strings.TrimSpace(p.word())] = len(p.script.commands)
		return nil
	case 'b', 't', 'T':
		p.blank()
		c.text = strings.TrimSpace(p.word())
		return nil
	case 'w':
		p.blank()
		if name := p.line(); name != "/dev/stdout" {
			return errors.New("w writes to /dev/stdout only")
		}
		c.letter = 'p'
		return nil
	case 'q', 'Q':
		p.blank()
		digits := p.digits()
		c.which, _ = strconv.Atoi(digits) // none is 0
		return p.endOfCommand()
	case 'p', 'P', 'd', 'D', 'n', 'N', 'g', 'G', 'h', 'H', 'x', '=', 'l':
		return p.endOfCommand()
	}
	return fmt.Errorf("unsupported command %c", c.letter)
}

func (p *parser) endOfCommand() error {
	p.blank()
	if p.text == "" || strings.IndexByte(";\n}#", p.text[0]) >= 0 {
		return nil
	}
	return errors.New("extra characters after command")
}

// word ends with ; or the line.
func (p *parser) word() string {
	end := strings.IndexAny(p.text, ";\n}")
	if end < 0 {
		end = len(p.text)
	}
	text := p.text[:end]
	p.text = p.text[end:]
	return text
}

// lines is the text of a, i and c: to the end of the line, and on while lines end with a backslash.
func (p *parser) lines() string {
	p.blank()
	if strings.HasPrefix(p.text, "\\") {
		p.text = strings.TrimLeft(p.text[1:], " \t")
		p.text = strings.TrimPrefix(p.text, "\n")
	}
	text := p.line()
	for strings.HasSuffix(text, "\\") && p.text != "" {
		text = text[:len(text)-1] + "\n" + p.line()
	}
	return strings.ReplaceAll(text, `\t`, "\t")
}

func (p *parser) digits() string {
	end := 0
	for end < len(p.text) && p.text[end] >= '0' && p.text[end] <= '9' {
		end++
	}
	text := p.text[:end]
	p.text = p.text[end:]
	return text
}

func (p *parser) address() (*address, error) {
	if p.text == "" {
		return nil, nil //nolint:nilnil // no address is none
	}
	switch c := p.text[0]; {
	case c == '$':
		p.text = p.text[1:]
		return &address{last: true}, nil
	case c >= '0' && c <= '9', c == '+':
		return p.numbered()
	case c == '/' || c == '\\' && len(p.text) > 1:
		if c == '\\' {
			p.text = p.text[1:]
		}
		pattern, err := p.delimited(p.take())
		if err != nil {
			return nil, errors.New("unterminated address regex")
		}
		ignoreCase := strings.HasPrefix(p.text, "I")
		p.text = strings.TrimPrefix(p.text, "I")
		expression, err := p.compile(pattern, ignoreCase)
		return &address{expression: expression}, err
	}
	return nil, nil //nolint:nilnil // no address is none
}

func (p *parser) numbered() (*address, error) {
	relative := strings.HasPrefix(p.text, "+")
	p.text = strings.TrimPrefix(p.text, "+")
	n, err := strconv.Atoi(p.digits())
	if err != nil {
		return nil, errors.New("bad line number")
	}
	if relative {
		return &address{plus: n}, nil
	}
	a := &address{line: n}
	if strings.HasPrefix(p.text, "~") {
		p.text = p.text[1:]
		if a.step, err = strconv.Atoi(p.digits()); err != nil {
			return nil, errors.New("bad step")
		}
	}
	return a, nil
}

func (p *parser) take() byte {
	c := p.text[0]
	p.text = p.text[1:]
	return c
}

// delimited takes text up to an unescaped delimiter outside brackets; an escaped delimiter is itself.
func (p *parser) delimited(delimiter byte) (string, error) {
	var out strings.Builder
	bracket := false
	for i := 0; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '\\' && i+1 < len(p.text):
			i++
			switch p.text[i] {
			case delimiter:
			case 'n':
				out.WriteByte('\n')
				continue
			default:
				out.WriteByte('\\')
			}
			out.WriteByte(p.text[i])
		case c == delimiter && !bracket:
			p.text = p.text[i+1:]
			return out.String(), nil
		default:
			switch c {
			case '[':
				bracket = bracketCloses(p.text[i+1:])
			case ']':
				bracket = false
			}
			out.WriteByte(c)
		}
	}
	return "", errors.New("unterminated")
}

// bracketCloses tells whether the rest of the line holds a ]: otherwise the [ is one by itself.
func bracketCloses(rest string) bool {
	line, _, _ := strings.Cut(rest, "\n")
	return strings.Contains(line, "]")
}

// compile reads a pattern; the empty one is the last.
func (p *parser) compile(pattern string, ignoreCase bool) (*regexp.Regexp, error) {
	if pattern == "" {
		if p.lastRE == nil {
			return nil, errors.New("no previous regexp")
		}
		return p.lastRE, nil
	}
	expression, err := regex.Compile(pattern, p.extended, ignoreCase)
	p.lastRE = expression
	return expression, err
}
