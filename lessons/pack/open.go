package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Open reads a pack from a folder, or from the one file that Build made.
func Open(name string) (*Pack, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("open the pack: %w", err)
	}
	if info.IsDir() {
		return Load(os.DirFS(name))
	}
	a, err := OpenFile(name)
	if err != nil {
		return nil, err
	}
	return Load(a.Files)
}

// OpenFile reads the one file that Build made.
func OpenFile(name string) (*Artifact, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the pack: %w", err)
	}
	defer f.Close()
	a, err := OpenArtifact(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	a.from = fileSource(name)
	return a, nil
}

// Install keeps a built pack in a folder of packs, in place of the one of that id that was there, and returns its path.
// It is written beside it first: an interrupted installation changes nothing.
func (a *Artifact) Install(dir string) (string, error) {
	if !isID(a.About.ID) {
		return "", fmt.Errorf("install the pack: its id %q is none: %s", a.About.ID, idRule)
	}
	if _, err := Load(a.Files); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("install the pack: %w", err)
	}
	temporary, err := os.CreateTemp(dir, "."+a.About.ID+"-")
	if err != nil {
		return "", fmt.Errorf("install the pack: %w", err)
	}
	_, err = a.WriteTo(temporary)
	target := filepath.Join(dir, a.About.ID+suffix)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), target)
	}
	if err != nil {
		return "", fmt.Errorf("install the pack: %w", errors.Join(err, os.Remove(temporary.Name())))
	}
	return target, nil
}

// suffix ends the names of built packs.
const suffix = ".dockpack"

// Installed are the packs of a folder, by id. There are none when the folder is not there.
func Installed(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("look for installed packs: %w", err)
	}
	out := map[string]string{}
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), suffix); ok && isID(id) {
			out[id] = filepath.Join(dir, e.Name())
		}
	}
	return out, nil
}
