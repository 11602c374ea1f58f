package course

import (
	"io"
	"os"
	"strings"
)

// historyName is where the learner's shell keeps what was typed, in their folder (engine/cluster sets HISTFILE).
const historyName = ".bash_history"

// longestHistory bounds what is read of it, in bytes.
const longestHistory = 1 << 20

// typed are the lines of the shell's history; none when there is no such file, or not a plain one. It is opened below the
// learner's folder, so that a link to somewhere else leads nowhere.
func (c *Course) typed() []string {
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
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimRight(string(data), "\n"), "\n")
}

// Typed implements checks.Commands: what was typed since the world of the lesson stood.
func (a *attempt) Typed() ([]string, error) {
	lines := a.course.typed()
	return lines[min(a.marker.Typed, len(lines)):], nil
}
