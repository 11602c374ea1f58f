package lineedit

import (
	"path"
	"slices"
	"strings"

	"drydock/cmd/userland/terminal"
)

// complete extends the word before the cursor as far as it is certain; the second Tab in a row lists what it may become.
func (l *line) complete() {
	if l.Complete == nil {
		return
	}
	l.tabs++
	text := string(l.text)
	cursor := len(string(l.text[:l.cursor]))
	start, words := l.Complete(text, cursor)
	if len(words) == 0 {
		return
	}
	common := commonStart(words)
	if common != text[start:cursor] && strings.HasPrefix(common, text[start:cursor]) {
		l.insert([]rune(common[cursor-start:]))
		return
	}
	if l.tabs > 1 {
		l.list(words)
	}
}

// list shows the words in columns below the line.
func (l *line) list(words []string) {
	names := make([]string, len(words))
	for i, w := range words {
		w = strings.TrimSuffix(w, " ")
		names[i] = path.Base(w)
		if strings.HasSuffix(w, "/") {
			names[i] += "/"
		}
	}
	slices.Sort(names)
	columns, _ := l.term.Size()
	cursor := l.cursor
	l.finish("")
	_, _ = l.Out.WriteString(strings.ReplaceAll(terminal.Columns(names, columns), "\n", "\r\n")) // as in drawAs
	l.cursor, l.row = cursor, 0
}

// commonStart is what all words begin with.
func commonStart(words []string) string {
	common := []rune(words[0])
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, string(common)) {
			common = common[:len(common)-1]
		}
	}
	return string(common)
}
