package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"
)

// ShellOutput gives the shell's screen output to show, and returns the message that says so.
func ShellOutput(m *Model, format string, args ...any) tea.Msg {
	fmt.Fprintf(m.shell.session, format, args...)
	return shellChangedMsg{m.shell.session}
}
