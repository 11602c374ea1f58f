package image

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// index says which manifest a full name means.
type index map[string]ocispec.Descriptor

const indexName = "images.json"

func (x index) clone() index { return maps.Clone(x) }

func readIndex(dir string) (index, error) {
	path := filepath.Join(dir, indexName)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read image index: %w", err)
	}
	x := index{}
	if err := json.Unmarshal(data, &x); err != nil {
		return nil, fmt.Errorf("read image index %q: %w", path, err)
	}
	return x, nil
}

// write replaces the index in dir in one step: a reader sees the old one or the new one.
func (x index) write(dir string) error {
	data, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return fmt.Errorf("encode image index: %w", err)
	}
	path := filepath.Join(dir, indexName)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return fmt.Errorf("write image index: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write image index: %w", err)
	}
	return nil
}

// name gives the manifest a name and writes the index; several names are one change.
func (s *Store) name(names index) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.names.clone()
	maps.Copy(next, names)
	if err := next.write(s.root); err != nil {
		return err
	}
	s.names = next
	return nil
}

// unname takes names away.
func (s *Store) unname(names []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.names.clone()
	for _, name := range names {
		delete(next, name)
	}
	if err := next.write(s.root); err != nil {
		return err
	}
	s.names = next
	return nil
}
