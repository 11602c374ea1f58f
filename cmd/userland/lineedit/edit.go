package lineedit

import (
	"slices"
	"unicode"

	"drydock/cmd/userland/terminal"
)

// edit changes the line or moves in it.
func (l *line) edit(key terminal.Key) {
	switch key {
	case terminal.Left, terminal.Ctrl('B'):
		l.cursor = max(l.cursor-1, 0)
	case terminal.Right, terminal.Ctrl('F'):
		l.cursor = min(l.cursor+1, len(l.text))
	case terminal.Home, terminal.Ctrl('A'):
		l.cursor = 0
	case terminal.End, terminal.Ctrl('E'):
		l.cursor = len(l.text)
	case terminal.WordLeft:
		l.cursor = l.wordLeft()
	case terminal.WordRight:
		l.cursor = l.wordRight()
	case terminal.Backspace, terminal.Ctrl('H'):
		l.remove(l.cursor-1, l.cursor)
	case terminal.Delete:
		l.remove(l.cursor, l.cursor+1)
	case terminal.Ctrl('K'):
		l.cut(l.cursor, len(l.text))
	case terminal.Ctrl('U'):
		l.cut(0, l.cursor)
	case terminal.Ctrl('W'):
		l.cut(l.blankLeft(), l.cursor)
	case terminal.Ctrl('Y'):
		l.insert(l.killed)
	case terminal.Up, terminal.Ctrl('P'):
		l.recall(l.past - 1)
	case terminal.Down, terminal.Ctrl('N'):
		l.recall(l.past + 1)
	case terminal.Ctrl('L'):
		l.clearScreen()
	default:
		if key >= ' ' {
			l.insert([]rune{rune(key)})
		}
	}
}

func (l *line) insert(text []rune) {
	l.text = slices.Insert(l.text, l.cursor, text...)
	l.cursor += len(text)
}

func (l *line) remove(from, to int) {
	if from < 0 || to > len(l.text) || from >= to {
		return
	}
	l.text = slices.Delete(l.text, from, to)
	l.cursor = from
}

// cut removes and keeps for Ctrl+Y.
func (l *line) cut(from, to int) {
	if from < to {
		l.killed = slices.Clone(l.text[from:to])
		l.remove(from, to)
	}
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

func (l *line) wordLeft() int {
	i := l.cursor
	for i > 0 && !inWord(l.text[i-1]) {
		i--
	}
	for i > 0 && inWord(l.text[i-1]) {
		i--
	}
	return i
}

func (l *line) wordRight() int {
	i := l.cursor
	for i < len(l.text) && !inWord(l.text[i]) {
		i++
	}
	for i < len(l.text) && inWord(l.text[i]) {
		i++
	}
	return i
}

// blankLeft is where the blank-separated word before the cursor starts, for Ctrl+W.
func (l *line) blankLeft() int {
	i := l.cursor
	for i > 0 && l.text[i-1] == ' ' {
		i--
	}
	for i > 0 && l.text[i-1] != ' ' {
		i--
	}
	return i
}

// recall shows entry n of the history; the line being written waits behind the newest.
func (l *line) recall(n int) {
	if n < 0 || n > len(l.history) || n == l.past {
		return
	}
	if l.past == len(l.history) {
		l.draft = l.text
	}
	l.past = n
	if n == len(l.history) {
		l.text = l.draft
	} else {
		l.text = []rune(l.history[n])
	}
	l.cursor = len(l.text)
}
