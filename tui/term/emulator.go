package term

import (
	"sync"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"
)

// scrollbackLines caps the history: a line costs about 6 KB in x/vt's cells.
const scrollbackLines = 2500

// Emulator is a Terminal.
type Emulator struct {
	reply func([]byte) // set once in New

	mu sync.Mutex
	// guarded by mu
	vt         *vt.Emulator
	scan       scanner
	cols, rows int
	modes      Modes
	style      Cursor // shape, blink and hidden; the position is x/vt's
	pending    bool   // the last character filled the row: the next one wraps first
	last       printed
	title      string
	escaped    bool // the last key was Esc alone, which the program may take for the beginning of another one
	faults     int
}

var _ Terminal = (*Emulator)(nil)

// New returns an empty terminal. It calls reply, with its lock held, with bytes for the program's input; reply must not
// block and must not call back.
func New(cols, rows int, reply func([]byte)) *Emulator {
	if reply == nil {
		reply = func([]byte) {}
	}
	e := &Emulator{reply: reply, cols: max(cols, 1), rows: max(rows, 1)}
	e.rebuildLocked()
	return e
}

// rebuildLocked starts over with an empty screen.
func (e *Emulator) rebuildLocked() {
	e.vt = vt.NewEmulator(e.cols, e.rows)
	e.vt.SetScrollbackSize(scrollbackLines)
	e.modes = Modes{AutoWrap: true}
	e.style = Cursor{Blink: true}
	e.pending, e.last = false, printed{}
}

// Write takes bytes of the program.
func (e *Emulator) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.rescueLocked()
	e.scan.feed(p, e)
	return len(p), nil
}

// rescueLocked turns a panic in x/vt into an empty screen: bytes of a program must never end the interface.
func (e *Emulator) rescueLocked() {
	if recover() != nil {
		e.faults++
		e.scan = scanner{}
		e.rebuildLocked()
	}
}

// Faults is how often the emulator had to start over with an empty screen.
func (e *Emulator) Faults() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.faults
}

// rawLocked hands a sequence to x/vt.
func (e *Emulator) rawLocked(s string) {
	_, _ = e.vt.WriteString(s) // it fails only when closed, and we never close it
}

// Size is the number of columns and rows.
func (e *Emulator) Size() (cols, rows int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cols, e.rows
}

// Cells calls yield for each cell of the screen.
func (e *Emulator) Cells(yield func(x, y int, c *uv.Cell)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.rescueLocked()
	blank := uv.EmptyCell
	for y := range e.rows {
		for x := 0; x < e.cols; {
			c := e.vt.CellAt(x, y)
			if c == nil || c.Width <= 0 || c.Content == "" || x+c.Width > e.cols {
				c = &blank // also the torn half of a wide character
			}
			yield(x, y, c)
			x += c.Width
		}
	}
}

// Cursor is where the cursor is and how it looks.
func (e *Emulator) Cursor() Cursor {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := e.style
	p := e.vt.CursorPosition()
	c.X, c.Y = min(max(p.X, 0), e.cols-1), min(max(p.Y, 0), e.rows-1)
	return c
}

// Modes are the switches the program has set.
func (e *Emulator) Modes() Modes {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.modes
}

// Title is what the program wants as the window's title, without control characters and at most 80 characters long.
func (e *Emulator) Title() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.title
}

// ScrollbackLen is the number of lines that have left the main screen.
func (e *Emulator) ScrollbackLen() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.vt.ScrollbackLen()
}

// Scrollback calls yield for each cell of a line of the history.
func (e *Emulator) Scrollback(line int, yield func(x int, c *uv.Cell)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	cells := e.vt.Scrollback().Line(line)
	for x := 0; x < len(cells); {
		c := &cells[x]
		if c.Width <= 0 || c.Content == "" {
			x++
			continue
		}
		yield(x, c)
		x += c.Width
	}
}
