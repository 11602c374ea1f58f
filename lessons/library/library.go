// Package library holds the packs that come with the program. They are data: see the folders beside this file.
package library

import (
	"embed"
	"fmt"
	"io/fs"

	"drydock/lessons/pack"
)

//go:embed all:first-steps all:pods all:controllers all:services
var files embed.FS

// Names are the ids of the bundled packs, in the order in which a learner meets them.
func Names() []string { return []string{"first-steps", "pods", "controllers", "services"} }

// Load reads a bundled pack.
func Load(name string) (*pack.Pack, error) {
	sub, err := fs.Sub(files, name)
	if err != nil {
		return nil, err
	}
	return pack.Load(sub)
}

// All is every bundled pack, joined into one way from the first lesson to the last.
func All() (*pack.Pack, error) {
	var packs []*pack.Pack
	for _, name := range Names() {
		p, err := Load(name)
		if err != nil {
			return nil, fmt.Errorf("read the bundled pack %s:\n%w", name, err)
		}
		packs = append(packs, p)
	}
	return pack.Join(packs[0], packs[1:]...)
}
