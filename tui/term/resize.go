package term

import "fmt"

// Resize changes the size. The row of the cursor stays on the screen: x/vt would cut the bottom rows, and the prompt with
// them, so a shrinking main screen is first scrolled into the history.
func (e *Emulator) Resize(cols, rows int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.rescueLocked()
	cols, rows = max(cols, 1), max(rows, 1)
	if cols == e.cols && rows == e.rows {
		return
	}
	e.keepPromptLocked(rows)
	e.pending = e.pending && cols == e.cols
	e.cols, e.rows = cols, rows
	e.vt.Resize(cols, rows)
	e.last = printed{}
	e.clampCursorLocked()
	if !e.pending { // x/vt may still want to wrap at the old margin
		p := e.vt.CursorPosition()
		e.rawLocked(fmt.Sprintf("\x1b[%d;%df", p.Y+1, p.X+1))
	}
}

// keepPromptLocked scrolls the main screen so that its cursor is above the new bottom.
func (e *Emulator) keepPromptLocked(rows int) {
	if e.modes.Alt {
		// The program behind the alternate screen draws it anew when it hears of its new size.
		at := e.vt.CursorPosition()
		e.rawLocked("\x1b[?1047l")
		e.scrollToCursorLocked(rows)
		e.rawLocked("\x1b[?1047h")
		e.rawLocked(fmt.Sprintf("\x1b[%d;%df", at.Y+1, at.X+1))
		return
	}
	e.scrollToCursorLocked(rows)
}

func (e *Emulator) scrollToCursorLocked(rows int) {
	p := e.vt.CursorPosition()
	over := p.Y - rows + 1
	if over <= 0 {
		return
	}
	e.rawLocked(fmt.Sprintf("\x1b[r\x1b[%dS\x1b[%d;%df", over, p.Y-over+1, p.X+1))
}
