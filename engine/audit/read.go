package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Read reads the notes of the file at path that stand behind a place in the file with an id; of another file, all of
// them. id is that of the file; it is empty when there is no file. A torn last line is left out.
func Read(path, of string, after int) (id string, notes []Note, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, nil
	} else if err != nil {
		return "", nil, fmt.Errorf("read what was noted: %w", err)
	}
	first, rest, whole := bytes.Cut(data, []byte("\n"))
	var h header
	if !whole || json.Unmarshal(first, &h) != nil || h.ID == "" {
		return "", nil, nil // being written at this moment, or none of ours
	}
	start := len(first) + 1
	if h.ID == of && after >= start && after <= len(data) {
		rest, start = data[after:], after
	}
	return h.ID, notesIn(rest, start), nil
}

// notesIn reads whole lines. One that is no note is passed over.
func notesIn(data []byte, place int) []Note {
	var out []Note
	for line := range bytes.Lines(data) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break
		}
		place += len(line)
		n := Note{Place: place}
		if json.Unmarshal(line, &n) == nil && n.Action != "" {
			out = append(out, n)
		}
	}
	return out
}
