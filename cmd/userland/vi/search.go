package vi

import (
	"drydock/cmd/userland/regex"
	"drydock/cmd/userland/terminal"
)

// ask reads a line at the bottom of the screen; false when it is given up.
func (e *editor) ask(prompt string) (string, bool, error) {
	text := []rune{}
	for {
		e.message = prompt + string(text)
		e.draw()
		_, rows := e.term.Size()
		_, _ = e.term.Out.WriteString("\x1b[" + itoa(rows) + ";" + itoa(terminal.Width(e.message)+1) + "H") // as in draw
		key, err := e.key()
		switch {
		case err != nil:
			return "", false, err
		case key == '\r' || key == '\n':
			e.message = ""
			return string(text), true, nil
		case key == terminal.Escape || key == terminal.Ctrl('C') || (key == terminal.Backspace || key == terminal.Ctrl('H')) && len(text) == 0:
			e.message = ""
			return "", false, nil
		case key == terminal.Backspace || key == terminal.Ctrl('H'):
			text = text[:len(text)-1]
		case key == terminal.Ctrl('U'):
			text = text[:0]
		case key >= ' ':
			text = append(text, rune(key))
		}
	}
}

// search is / and ?.
func (e *editor) search(back bool) error {
	prompt := "/"
	if back {
		prompt = "?"
	}
	text, ok, err := e.ask(prompt)
	if err != nil || !ok {
		return err
	}
	if text != "" {
		e.pattern = text
	}
	e.back = back
	if m := e.again(false); m.ok {
		e.row, e.col = m.row, m.col
		e.want = e.col
	}
	return nil
}

// again is n, and N in the other direction; it goes round the ends of the text.
func (e *editor) again(other bool) motion {
	if e.pattern == "" {
		e.say("No previous search")
		return motion{}
	}
	expression, err := regex.Compile(e.pattern, false, false)
	if err != nil {
		e.say("%v", err)
		return motion{}
	}
	step := 1
	if e.back != other {
		step = -1
	}
	total := len(e.lines)
	for i := 0; i <= total; i++ {
		row := ((e.row+step*i)%total + total) % total
		best := -1
		line := string(e.lines[row])
		for _, at := range expression.FindAllStringIndex(line, -1) {
			col := len([]rune(line[:at[0]]))
			if i == 0 && (step > 0 && col <= e.col || step < 0 && col >= e.col) {
				continue
			}
			if best = col; step > 0 {
				break
			}
		}
		if best >= 0 {
			return motion{row: row, col: best, ok: true}
		}
	}
	e.say("Pattern not found: %s", e.pattern)
	return motion{}
}
