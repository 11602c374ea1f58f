package course

import (
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// historyName is where the learner's shell keeps what was typed, in their folder (engine/cluster sets HISTFILE).
const historyName = ".bash_history"

// longestHistory bounds what is read of it, in bytes.
const longestHistory = 8 << 20

// command is what was typed at one prompt. at is zero where the shell did not note it.
type command struct {
	at   time.Time
	text string
}

// commandsIn reads a history as bash writes it: a command is a line, or, below a line with its time, all lines up to the
// next time (bash(1), HISTTIMEFORMAT).
func commandsIn(history string) []command {
	var out []command
	timed := false // the line before was a time, or belongs to one
	for line := range strings.Lines(history) {
		line = strings.TrimRight(line, "\n")
		if at, ok := stamp(line); ok {
			out, timed = append(out, command{at: at}), true
			continue
		}
		if last := len(out) - 1; timed && last >= 0 {
			out[last].text = strings.TrimPrefix(out[last].text+"\n"+line, "\n")
			continue
		}
		out = append(out, command{text: line})
	}
	return out
}

// stamp reads the line with which a shell says when the next command was typed.
func stamp(line string) (time.Time, bool) {
	digits, found := strings.CutPrefix(line, "#")
	seconds, err := strconv.ParseInt(digits, 10, 64)
	if !found || err != nil || seconds <= 0 {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

// typed is the shell's history; none when there is no such file, or not a plain one. It is opened below the learner's
// folder, so that a link to somewhere else leads nowhere.
func (c *Course) typed() []command {
	if c.cfg.Workspace == "" {
		return nil
	}
	root, err := os.OpenRoot(c.cfg.Workspace)
	if err != nil {
		return nil
	}
	defer func() { _ = root.Close() }() // only reads the folder
	if info, err := root.Lstat(historyName); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := root.Open(historyName)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, longestHistory))
	if err != nil {
		return nil
	}
	return commandsIn(string(data))
}

// Typed implements checks.Commands: what was typed since the world of the lesson stood.
func (a *attempt) Typed() ([]string, error) {
	all := a.course.typed()
	var out []string
	for _, c := range all[min(a.marker.Typed, len(all)):] {
		out = append(out, strings.Split(c.text, "\n")...)
	}
	return out, nil
}
