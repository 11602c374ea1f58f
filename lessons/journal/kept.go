package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Beside the journal lie the objects that were put aside of each attempt: a world is gone once the next one is built.

// errName is the error of an attempt whose name is none.
var errName = errors.New("this is not the name of an attempt")

// Keep puts the objects of an attempt aside and notes their digest, if they are others than before.
func (j *Journal) Keep(e Entry, objects []byte) error {
	name, err := j.keptName(e.Attempt)
	if err != nil {
		return err
	}
	if before, err := os.ReadFile(name); err == nil && string(before) == string(objects) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("put the objects of a lesson aside: %w", err)
	}
	if err := os.WriteFile(name+".new", objects, 0o600); err != nil {
		return fmt.Errorf("put the objects of a lesson aside: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("put the objects of a lesson aside: %w", err)
	}
	e.Kind, e.Value = Kept, Digest(objects)
	return j.Append(e)
}

// Objects are those that were put aside of an attempt; none when none were.
func (j *Journal) Objects(attempt string) ([]byte, error) {
	name, err := j.keptName(attempt)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (j *Journal) keptName(attempt string) (string, error) {
	if attempt == "" || strings.ContainsAny(attempt, "/.") {
		return "", fmt.Errorf("attempt %q: %w", attempt, errName)
	}
	return filepath.Join(strings.TrimSuffix(j.path, ".jsonl")+".kept", attempt+".yaml"), nil
}

// Digest is how the journal and a submission name contents: "sha256:…".
func Digest(data []byte) string { return "sha256:" + sumOf(data) }
