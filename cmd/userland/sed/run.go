package sed

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Run edits in to out, as if in were one file; quiet is -n. The exit status is that of q.
func (s *Script) Run(in io.Reader, out io.Writer, quiet bool) (status int, err error) {
	w := bufio.NewWriter(out)
	e := &editor{Script: s, in: bufio.NewReader(in), out: w, quiet: quiet}
	for _, c := range s.commands {
		c.active = false
	}
	err = e.advance()
	for err == nil && !e.ended {
		if err = e.cycle(); err != nil || e.quit {
			break
		}
		if !e.again {
			err = e.advance()
		}
		e.again = false
	}
	return e.status, errors.Join(err, w.Flush())
}

// editor is one run: the two spaces, and one line read ahead to know the last.
type editor struct {
	*Script
	in          *bufio.Reader
	out         *bufio.Writer
	quiet       bool
	space, hold string
	number      int
	next        *string // the line after this one
	ended       bool
	replaced    bool // since the last line or t
	after       []string
	again       bool // D: no new line
	quit        bool
	status      int
	noNewline   bool // the last line of the input has none
}

// advance puts the next line into the pattern space; ended when there is none.
func (e *editor) advance() error {
	if e.number == 0 && e.next == nil {
		if err := e.peek(); err != nil {
			return err
		}
	}
	if e.next == nil {
		e.ended = true
		return nil
	}
	e.space, e.replaced = *e.next, false
	e.number++
	return e.peek()
}

func (e *editor) peek() error {
	e.next = nil
	line, err := e.in.ReadString('\n')
	if line != "" {
		text, whole := strings.CutSuffix(line, "\n")
		e.noNewline = !whole
		e.next = &text
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (e *editor) print(text string) error {
	_, err := e.out.WriteString(text)
	if err == nil && (e.next != nil || !e.noNewline) {
		err = e.out.WriteByte('\n')
	}
	return err
}

// cycle runs the script over the pattern space, then prints it.
func (e *editor) cycle() error {
	deleted, err := e.commandsFrom(0)
	if err == nil && !deleted && !e.quiet {
		err = e.print(e.space)
	}
	for _, text := range e.after {
		_, _ = e.out.WriteString(text + "\n") // bufio keeps the error for Flush
	}
	e.after = nil
	return err
}

func (e *editor) commandsFrom(i int) (deleted bool, err error) {
	for steps := 0; i < len(e.commands); i++ {
		if steps++; steps > 1_000_000 {
			return true, errors.New("endless loop")
		}
		c := e.commands[i]
		if e.selected(c) == c.negated {
			if c.letter == '{' {
				i = c.end
			}
			continue
		}
		jump, done, err := e.do(c)
		if err != nil || done {
			return c.letter != 'q' && c.letter != 'n' && c.letter != 'N', err
		}
		if jump {
			if c.text == "" {
				return false, nil
			}
			i = e.labels[c.text] - 1
		}
	}
	return false, nil
}

// do runs one command. done ends the cycle.
func (e *editor) do(c *command) (jump, done bool, err error) {
	switch c.letter {
	case 's':
		var replaced bool
		if e.space, replaced = c.replace(e.space); replaced {
			e.replaced = true
			if c.print {
				err = e.print(e.space)
			}
		}
	case 'y':
		e.space = strings.Map(func(r rune) rune {
			for i, from := range c.from {
				if r == from {
					return c.to[i]
				}
			}
			return r
		}, e.space)
	case 'p':
		err = e.print(e.space)
	case 'P':
		first, _, _ := strings.Cut(e.space, "\n")
		_, err = e.out.WriteString(first + "\n")
	case '=':
		_, err = fmt.Fprintln(e.out, e.number)
	case 'l':
		_, err = fmt.Fprintln(e.out, strings.Trim(strconv.QuoteToASCII(e.space), `"`)+"$")
	case 'i':
		_, err = e.out.WriteString(c.text + "\n")
	case 'a':
		e.after = append(e.after, c.text)
	case 'b':
		jump = true
	case 't', 'T':
		jump = e.replaced == (c.letter == 't')
		e.replaced = false
	case 'q', 'Q':
		e.quit, e.status, done = true, c.which, true
	default:
		done, err = e.move(c)
	}
	return jump, done, err
}

// move is the commands that delete, hold and fetch lines.
func (e *editor) move(c *command) (done bool, err error) {
	switch c.letter {
	case 'd':
		return true, nil
	case 'D':
		_, rest, more := strings.Cut(e.space, "\n")
		if more {
			e.space, e.again = rest, true
		}
		return true, nil
	case 'c':
		if c.last == nil || !c.active || c.negated {
			_, err = e.out.WriteString(c.text + "\n")
		}
		return true, err
	case 'g':
		e.space = e.hold
	case 'G':
		e.space += "\n" + e.hold
	case 'h':
		e.hold = e.space
	case 'H':
		e.hold += "\n" + e.space
	case 'x':
		e.space, e.hold = e.hold, e.space
	case 'n', 'N':
		return e.fetch(c.letter)
	}
	return false, nil
}

// fetch is n and N: the next line now; without one the script ends.
func (e *editor) fetch(letter byte) (done bool, err error) {
	if e.next == nil {
		e.quit = true
		return true, nil
	}
	before := e.space
	if letter == 'n' && !e.quiet {
		if err := e.print(e.space); err != nil {
			return false, err
		}
	}
	if err := e.advance(); err != nil {
		return false, err
	}
	if letter == 'N' {
		e.space = before + "\n" + e.space
	}
	return false, nil
}

// selected tells whether the command's addresses pick the line.
func (e *editor) selected(c *command) bool {
	switch {
	case c.first == nil:
		return true
	case c.last == nil:
		return e.at(c.first)
	case c.active:
		if c.until > 0 {
			c.active = e.number < c.until
			return e.number <= c.until
		}
		c.active = !e.at(c.last)
		return true
	case e.at(c.first) || c.first.line == 0 && c.first.step == 0 && c.first.expression == nil && !c.first.last && e.number == 1:
		e.enter(c)
		return true
	default:
		return false
	}
}

// enter begins a range with this line.
func (e *editor) enter(c *command) {
	c.until = 0
	switch {
	case c.last.plus > 0:
		c.until = e.number + c.last.plus
	case c.last.expression == nil && !c.last.last && c.last.step == 0:
		c.until = max(c.last.line, e.number)
	}
	c.active = c.until > e.number || c.until == 0 && (!c.last.last || e.next != nil)
}

func (e *editor) at(a *address) bool {
	switch {
	case a.last:
		return e.next == nil
	case a.expression != nil:
		return a.expression.MatchString(e.space)
	case a.step > 0:
		return e.number >= a.line && (e.number-a.line)%a.step == 0
	default:
		return e.number == a.line
	}
}
