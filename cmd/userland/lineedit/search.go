package lineedit

import (
	"strings"

	"drydock/cmd/userland/terminal"
)

// search is Ctrl+R: what is typed is looked for in older and older lines. Any other key takes the line that is shown.
func (l *line) search() (done bool, err error) {
	wanted, from := "", len(l.history)-1
	before := l.text
	for {
		l.drawAs("(reverse-i-search)'" + wanted + "': ")
		key, err := l.term.ReadKey()
		if err != nil {
			return false, err
		}
		switch {
		case key == terminal.Ctrl('R'):
			from = l.past - 1
		case key == terminal.Backspace && wanted != "":
			typed := []rune(wanted)
			wanted, from = string(typed[:len(typed)-1]), len(l.history)-1
		case key == terminal.Ctrl('G'), key == terminal.Escape:
			l.text, l.cursor, l.past = before, len(before), len(l.history)
			l.draw()
			return false, nil
		case key >= ' ' && key != terminal.Backspace:
			wanted += string(rune(key))
		default:
			return l.press(key)
		}
		l.find(wanted, from)
	}
}

// find shows the newest line, not newer than from, that holds wanted.
func (l *line) find(wanted string, from int) {
	for i := min(from, len(l.history)-1); i >= 0 && wanted != ""; i-- {
		if at := strings.Index(l.history[i], wanted); at >= 0 {
			l.text, l.past = []rune(l.history[i]), i
			l.cursor = len([]rune(l.history[i][:at]))
			return
		}
	}
}
