package main

import (
	"embed"
	"fmt"
	"io/fs"

	"drydock/sandbox/home"
)

// assets holds the compressed programs; make build puts them there.
//
//go:embed assets
var assets embed.FS

// place is where this command works: the state directory, the unpacked programs, one lab.
type place struct {
	home     home.Home
	programs home.Programs
	lab      home.Lab
}

// find locates the state directory and the lab without unpacking anything.
func (a *app) find() (place, error) {
	h, err := home.Find()
	if err != nil {
		return place{}, err
	}
	l, err := h.Lab(a.labName)
	if err != nil {
		return place{}, usage("%w", err)
	}
	return place{home: h, lab: l}, nil
}

// unpacked is find with the programs in place.
func (a *app) unpacked() (place, error) {
	p, err := a.find()
	if err != nil {
		return p, err
	}
	files, err := fs.Sub(assets, "assets")
	if err != nil {
		return p, fmt.Errorf("open the programs carried along: %w", err)
	}
	p.programs, err = p.home.Unpack(files)
	return p, err
}
