package main

import (
	"io"
	"os"
	"os/exec"
	"strings"
)

var _ = register("xargs", "[-0rt] [-n N] [-I TEXT] [COMMAND [ARG...]]", xargs)

func xargs(p *process) int {
	o, ok := p.options("+0rtn:I:P:L:", "null=0", "no-run-if-empty=r")
	if !ok {
		return p.misuse()
	}
	command := o.rest
	if len(command) == 0 {
		command = []string{"echo"}
	}
	most, err := count(o.value('n', o.value('L', "0")))
	if err != nil {
		return p.fail(err)
	}
	text, err := io.ReadAll(p.stdin)
	if err != nil {
		return p.fail(err)
	}
	var words []string
	switch {
	case o.has('0'):
		words = strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
	case o.has('I'):
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimSpace(line); line != "" {
				words = append(words, line)
			}
		}
	default:
		words = xargsWords(string(text))
	}
	if len(words) == 0 && (o.has('r') || o.has('I')) {
		return 0
	}
	status := 0
	for first := true; first || len(words) > 0; first = false {
		var args []string
		n := len(words)
		if most > 0 {
			n = min(n, int(most))
		}
		if place := o.value('I', ""); place != "" {
			n = 1
			for _, w := range command {
				args = append(args, strings.ReplaceAll(w, place, words[0]))
			}
		} else {
			args = append(append(args, command...), words[:n]...)
		}
		words = words[n:]
		if s := p.runXargs(args, o.has('t')); s > 0 {
			status = s
		}
		if status >= 124 {
			return status
		}
	}
	return status
}

// runXargs runs one command with /dev/null as input; the status is what xargs makes of it.
func (p *process) runXargs(args []string, tell bool) int {
	if tell {
		p.stderr.Write([]byte(strings.Join(args, " ") + "\n")) //nolint:errcheck // a remark
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		p.failf("can't execute '%s': No such file or directory", args[0])
		return 127
	}
	_ = cmd.Wait() // its status is read below
	switch status := childStatus(cmd); {
	case status == 0:
		return 0
	case status == 255:
		return 124
	case status > 128:
		return 125
	default:
		return 123
	}
}

// xargsWords splits at blanks, outside quotes.
func xargsWords(text string) []string {
	var words []string
	var word strings.Builder
	inside, quote := false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '\'' || c == '"':
			quote, inside = c, true
		case c == '\\' && i+1 < len(text):
			i++
			inside = true
			word.WriteByte(text[i])
		case c == ' ' || c == '\t' || c == '\n':
			if inside {
				words = append(words, word.String())
				word.Reset()
			}
			inside = false
		default:
			inside = true
			word.WriteByte(c)
		}
	}
	if inside {
		words = append(words, word.String())
	}
	return words
}
