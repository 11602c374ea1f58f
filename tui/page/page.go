// Package page holds what stands above the panes or fills the whole window: menus, lists, questions, the start-up screen.
//
// A page draws itself and answers keys; what an answer means is the business of whoever opened it.
package page

import (
	uv "github.com/charmbracelet/ultraviolet"

	"drydock/tui/theme"
	"drydock/tui/widget"
)

// Page is something open above the panes.
type Page interface {
	// Key takes a key; name is its name in the keymap.
	Key(k uv.Key, name string) Answer
	// Paste takes pasted text.
	Paste(s string)
	// Draw draws the page above what is in area, and returns where the cursor is to stand, if anywhere.
	Draw(c *widget.Canvas, area widget.Rect) (cursor *uv.Position)
}

// Answer is what a key did.
type Answer struct {
	Close  bool   // the page is to be closed
	Chosen string // what was chosen; "" when nothing was
	Text   string // what was typed, if the page asks for text
}

// Look is what every page needs to draw itself.
type Look struct {
	Theme  *theme.Theme
	Glyphs *theme.Glyphs
	Words  *theme.Words
}

// noText is embedded by pages that take no text.
type noText struct{}

func (noText) Paste(string) {}

// scroll moves through n rows of which height are shown.
type scroll struct {
	top, n, height int
}

// key moves, and says whether the key was one for moving.
func (s *scroll) key(name string) bool {
	switch name {
	case "up", "k":
		s.top--
	case "down", "j":
		s.top++
	case "pgup":
		s.top -= s.height
	case "pgdown", "space":
		s.top += s.height
	case "home", "g":
		s.top = 0
	case "end", "G":
		s.top = s.n
	default:
		return false
	}
	s.clamp()
	return true
}

func (s *scroll) clamp() { s.top = max(min(s.top, s.n-s.height), 0) }
