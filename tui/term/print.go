package term

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// printed is the character printed last, as long as nothing but text has come since.
type printed struct {
	cluster string
	x, y    int
}

// text prints characters. x/vt alone would lose a wide character that meets the right margin, so we wrap ourselves.
func (e *Emulator) text(b []byte) {
	b = e.joinLocked(b)
	for len(b) > 0 {
		if n := asciiRun(b); n > 0 && !e.modes.Insert {
			e.printASCIILocked(b[:n])
			b = b[n:]
			continue
		}
		cluster, width := ansi.FirstGraphemeCluster(b, ansi.GraphemeWidth)
		if len(cluster) == 0 {
			return
		}
		e.printLocked(visible(cluster), width)
		b = b[len(cluster):]
	}
}

// visible replaces what is no character, and drops C1 controls, which UTF-8 programs do not mean.
func visible(cluster []byte) string {
	r, n := utf8.DecodeRune(cluster)
	switch {
	case r == utf8.RuneError && n <= 1:
		return "\uFFFD"
	case r >= 0x80 && r < 0xa0:
		return ""
	}
	return string(cluster)
}

// asciiRun is the length of the ASCII text at the start of b that no combining mark can change.
func asciiRun(b []byte) int {
	n := 0
	for n < len(b) && b[n] < utf8.RuneSelf {
		n++
	}
	if n < len(b) && n > 0 {
		n-- // the next character may combine with this one
	}
	return n
}

// joinLocked completes a cluster whose first part was printed by an earlier write: "e" then U+0301, or one Hangul syllable
// in decomposed form. It returns the text that remains.
func (e *Emulator) joinLocked(b []byte) []byte {
	last := e.last
	if last.cluster == "" || b[0] < utf8.RuneSelf {
		return b
	}
	joined := last.cluster + string(b)
	cluster, width := ansi.FirstGraphemeCluster(joined, ansi.GraphemeWidth)
	if len(cluster) <= len(last.cluster) {
		return b
	}
	// HVP, because x/vt's CUP counts from the scroll region in origin mode.
	e.rawLocked(fmt.Sprintf("\x1b[%d;%df", last.y+1, last.x+1))
	e.pending = false
	e.printLocked(cluster, width)
	return b[len(cluster)-len(last.cluster):]
}

// printASCIILocked prints a run of narrow characters; x/vt wraps these well.
func (e *Emulator) printASCIILocked(b []byte) {
	e.wrapLocked()
	x := e.vt.CursorPosition().X
	_, _ = e.vt.Write(b)
	e.pending = e.modes.AutoWrap && (x+len(b))%e.cols == 0
	p := e.vt.CursorPosition()
	e.last = printed{cluster: string(b[len(b)-1:]), x: p.X, y: p.Y}
	if !e.pending {
		e.last.x = max(p.X-1, 0)
	}
}

// printLocked prints one cluster.
func (e *Emulator) printLocked(cluster string, width int) {
	if cluster == "" || width <= 0 || width > e.cols {
		return
	}
	e.wrapLocked()
	p := e.vt.CursorPosition()
	if p.X+width > e.cols { // half of it would stand outside
		if e.modes.AutoWrap {
			e.rawLocked("\r\n")
		} else {
			e.rawLocked(fmt.Sprintf("\x1b[%dG", e.cols-width+1))
		}
		p = e.vt.CursorPosition()
	}
	if e.modes.Insert {
		e.rawLocked(fmt.Sprintf("\x1b[%d@", width))
	}
	e.rawLocked(cluster)
	e.pending = e.modes.AutoWrap && p.X+width >= e.cols
	e.last = printed{cluster: cluster, x: p.X, y: p.Y}
}

// wrapLocked carries out the wrap that the last character left pending.
func (e *Emulator) wrapLocked() {
	if e.pending && e.modes.AutoWrap {
		e.rawLocked("\r\n")
	}
	e.pending = false
}

// repeatLocked prints the last character n times more (REP), at most a screen full.
func (e *Emulator) repeatLocked(n int) {
	cluster := e.last.cluster
	if cluster == "" {
		return
	}
	e.text([]byte(strings.Repeat(cluster, min(n, e.cols*e.rows))))
}
