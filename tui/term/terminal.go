// Package term is a terminal inside the interface: bytes of a program in, cells out; keys in, bytes for the program out.
//
// The emulator behind it is x/vt, which this package keeps from what hurts it: each byte first passes our own scanner, so
// that x/vt sees only sequences it handles well, with arguments in range, and never has to answer a program itself.
//
//	scan.go      splits the program's bytes into text, controls and sequences
//	filter.go    what each sequence becomes
//	print.go     text: wide characters at the right margin, clusters split across writes
//	reply.go     answers to a program's questions
//	key.go       keys and the mouse to bytes
//	resize.go    a change of size, with a prompt that survives it
//	session.go   a pseudo-terminal joined to an emulator
package term

import (
	"io"

	uv "github.com/charmbracelet/ultraviolet"
)

// Terminal is an emulated terminal. Its methods may be called from any goroutine.
type Terminal interface {
	// Write takes bytes of the program. It never blocks on the program and never returns an error.
	io.Writer

	// Resize changes the number of columns and rows; both are at least 1 afterwards.
	Resize(cols, rows int)
	Size() (cols, rows int)

	// Cells calls yield for each cell of the visible screen, row by row. A wide character is one call at its first
	// column. The cell must not be kept; a nil colour is the terminal's default.
	Cells(yield func(x, y int, c *uv.Cell))
	Cursor() Cursor

	// SendKey, SendMouse, SendFocus and Paste write what a program expects for them; nothing, when it expects nothing.
	SendKey(k uv.Key)
	SendMouse(m uv.MouseEvent)
	SendFocus(in bool)
	Paste(text string)

	// ScrollbackLen is how many lines have left the main screen at its top; Scrollback reads them, 0 being the oldest.
	ScrollbackLen() int
	Scrollback(line int, yield func(x int, c *uv.Cell))

	Modes() Modes
	Title() string
}

// Cursor is where the cursor is and how it looks.
type Cursor struct {
	X, Y   int
	Shape  uv.CursorShape
	Blink  bool
	Hidden bool
}

// Modes are the switches of a terminal that its owner has to know.
type Modes struct {
	Alt            bool // the alternate screen is shown (editors, pagers)
	AutoWrap       bool
	Insert         bool // IRM: characters push those to the right
	AppCursor      bool // DECCKM: arrow keys send SS3
	NewLine        bool // LNM: Enter sends CR LF
	BracketedPaste bool
	FocusEvents    bool
	Mouse          MouseTracking
	MouseSGR       bool
}

// MouseTracking says which mouse events the program asked for.
type MouseTracking int

// The kinds of mouse tracking, each including the ones before it.
const (
	MouseOff    MouseTracking = iota
	MouseX10                  // presses (?9)
	MousePress                // presses and releases (?1000)
	MouseDrag                 // and motion with a button held (?1002)
	MouseMotion               // and any motion (?1003)
)
