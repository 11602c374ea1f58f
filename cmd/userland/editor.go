package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"
)

var errInterrupted = errors.New("interrupted")

// editor reads the lines a person types. On a terminal it edits, remembers and completes; elsewhere it only reads.
type editor struct {
	p        *process
	terminal *term.Terminal
	lines    *bufio.Reader // when standard input is no terminal
}

func newEditor(p *process) *editor {
	e := &editor{p: p}
	if !term.IsTerminal(0) {
		e.lines = bufio.NewReader(p.stdin)
		return e
	}
	e.terminal = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{interruptible{os.Stdin}, os.Stdout}, "")
	e.terminal.AutoCompleteCallback = e.complete
	return e
}

// interruptible turns Ctrl+C, which a raw terminal sends as a byte, into an error.
type interruptible struct{ in io.Reader }

func (r interruptible) Read(b []byte) (int, error) {
	n, err := r.in.Read(b)
	for _, c := range b[:n] {
		if c == 3 {
			return 0, errInterrupted
		}
	}
	return n, err
}

// read returns one line without its end; errInterrupted after Ctrl+C, io.EOF after Ctrl+D.
func (e *editor) read(prompt string) (string, error) {
	if e.lines != nil {
		line, err := e.lines.ReadString('\n')
		if err != nil && line == "" {
			return "", io.EOF
		}
		return strings.TrimSuffix(line, "\n"), nil
	}
	before, err := term.MakeRaw(0)
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(0, before) }() // the next read tries again
	if width, height, err := term.GetSize(0); err == nil && width > 0 {
		_ = e.terminal.SetSize(width, height) // keeps the old one
	}
	e.terminal.SetPrompt(prompt)
	line, err := e.terminal.ReadLine()
	if errors.Is(err, errInterrupted) {
		history := e.terminal.History
		*e = *newEditor(e.p) // the half-typed line lives in the terminal
		e.terminal.History = history
		fmt.Fprint(os.Stdout, "^C\r\n")
	}
	return line, err
}

// complete extends the word before the cursor on Tab: a command in the first place, a file anywhere else.
func (e *editor) complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	start := strings.LastIndexAny(line[:pos], " \t|;&<>") + 1
	word := line[start:pos]
	found := commonStart(candidates(word, strings.TrimSpace(line[:start]) == ""))
	if len(found) <= len(word) {
		return line, pos, true
	}
	return line[:start] + found + line[pos:], start + len(found), true
}

func candidates(word string, command bool) []string {
	var list []string
	if command && !strings.Contains(word, "/") {
		for name := range applets {
			if strings.HasPrefix(name, word) {
				list = append(list, name+" ")
			}
		}
		return list
	}
	matches, err := filepath.Glob(word + "*")
	if err != nil {
		return nil // the word is a pattern itself
	}
	for _, m := range matches {
		if info, err := os.Stat(m); err == nil && info.IsDir() {
			list = append(list, m+"/")
		} else {
			list = append(list, m+" ")
		}
	}
	return list
}

func commonStart(words []string) string {
	if len(words) == 0 {
		return ""
	}
	common := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, common) {
			common = common[:len(common)-1]
		}
	}
	return common
}
