package vi

import (
	"os"
	"strconv"
	"strings"

	"drydock/cmd/userland/sed"
)

func itoa(n int) string { return strconv.Itoa(n) }

func (e *editor) commandLine() error {
	text, ok, err := e.ask(":")
	if err == nil && ok {
		e.ex(strings.TrimSpace(text))
	}
	return err
}

// ex does one line of the : prompt.
func (e *editor) ex(text string) {
	from, to, rest, ok := e.lineRange(text)
	if !ok {
		e.say("Not a line: %s", text)
		return
	}
	if rest == "" && text != "" {
		e.row = to - 1
		e.col = indent(e.line())
		return
	}
	if len(rest) > 1 && rest[0] == 's' && strings.IndexByte("/,#|:", rest[1]) >= 0 {
		e.substitute(from, to, rest)
		return
	}
	name, argument, _ := strings.Cut(rest, " ")
	force := strings.HasSuffix(name, "!")
	argument = strings.TrimSpace(argument)
	switch strings.TrimSuffix(name, "!") {
	case "":
	case "w":
		if text == rest {
			from, to = 0, len(e.lines)
		}
		e.write(argument, from, to)
	case "wq", "x", "xit":
		if e.write(argument, 0, len(e.lines)) {
			e.done = true
		}
	case "q", "quit":
		if e.changed && !force {
			e.say("No write since last change (:quit! overrides)")
			return
		}
		e.done = true
	case "e", "edit":
		e.edit(argument, force)
	case "r", "read":
		e.read(argument)
	case "d":
		_ = e.operateLines('d', from, to) // d reads no key
	case "set":
		e.set(argument)
	case "f", "file":
		if argument != "" {
			e.name = argument
		}
		e.say("%q %d lines", e.name, len(e.lines))
	default:
		e.say("'%s' is not implemented", name)
	}
}

// lineRange reads N, N,M, % . and $ before a command; without one it is the cursor's line. to is exclusive.
func (e *editor) lineRange(text string) (from, to int, rest string, ok bool) {
	if rest, ok := strings.CutPrefix(text, "%"); ok {
		return 0, len(e.lines), rest, true
	}
	number := func() (int, bool) {
		switch {
		case strings.HasPrefix(text, "."):
			text = text[1:]
			return e.row + 1, true
		case strings.HasPrefix(text, "$"):
			text = text[1:]
			return len(e.lines), true
		}
		digits := text[:len(text)-len(strings.TrimLeft(text, "0123456789"))]
		n, err := strconv.Atoi(digits)
		text = text[len(digits):]
		return n, err == nil
	}
	from, given := number()
	if !given {
		return e.row, e.row + 1, text, true
	}
	to = from
	if strings.HasPrefix(text, ",") {
		text = text[1:]
		if to, given = number(); !given {
			return 0, 0, "", false
		}
	}
	from, to = max(1, min(from, len(e.lines))), max(1, min(to, len(e.lines)))
	return min(from, to) - 1, max(from, to), text, true
}

func (e *editor) write(name string, from, to int) bool {
	if name == "" {
		name = e.name
	}
	told, err := e.save(name, from, to)
	if err != nil {
		e.say("%v", err)
		return false
	}
	e.say("%s", told)
	return true
}

func (e *editor) edit(name string, force bool) {
	if e.changed && !force {
		e.say("No write since last change (:edit! overrides)")
		return
	}
	if name == "" {
		name = e.name
	}
	e.row, e.col, e.top, e.undo = 0, 0, 0, nil
	e.message = e.load(name)
}

func (e *editor) read(name string) {
	text, err := os.ReadFile(name)
	if err != nil {
		e.say("%s", errorText(err))
		return
	}
	e.remember()
	e.insertLines(e.row+1, splitLines(string(text))...)
	e.row++
}

func (e *editor) set(what string) {
	switch what {
	case "number", "nu":
		e.number = true
	case "nonumber", "nonu":
		e.number = false
	default:
		e.say("'%s' is not implemented", what)
	}
}

// substitute is :s, with sed's rules.
func (e *editor) substitute(from, to int, command string) {
	if strings.Count(command, command[1:2]) == 2 {
		command += command[1:2]
	}
	script, err := sed.Parse(command, false)
	if err != nil {
		e.say("%v", err)
		return
	}
	e.remember()
	changed := 0
	for i := from; i < to && i < len(e.lines); i++ {
		var out strings.Builder
		if _, err := script.Run(strings.NewReader(string(e.lines[i])+"\n"), &out, false); err != nil {
			e.say("%v", err)
			return
		}
		if text := strings.TrimSuffix(out.String(), "\n"); text != string(e.lines[i]) {
			changed++
			e.lines[i], e.row = []rune(text), i
		}
	}
	if changed == 0 {
		e.takeBack()
		e.say("No match")
		return
	}
	e.say("%d substitutions", changed)
}
