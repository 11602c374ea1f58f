package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

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
		return place{}, &codeError{exitMachine, err}
	}
	l, err := h.Lab(a.labName)
	if err != nil {
		return place{}, usage("%w", err)
	}
	if inside := os.Getenv("DRYDOCK_LAB"); inside != "" && !seen(h) {
		return place{}, usage("this shell is inside lab %q: kubectl works here, and the drydock commands about the cluster (node, component, ctr, net, trace, status); type this one in a terminal of your machine", inside)
	}
	return place{home: h, lab: l}, nil
}

// reach is find for commands about a running cluster, which work from inside the lab's shell as well.
func (a *app) reach() (place, error) {
	inside, door := os.Getenv("DRYDOCK_LAB"), os.Getenv("DRYDOCK_DOOR")
	if door == "" || (a.labName != defaultLab && a.labName != inside) {
		return a.find()
	}
	if _, err := os.Stat(home.Lab(door).Control()); err != nil {
		return a.find() // the variables were handed on to a place outside
	}
	return place{lab: home.Lab(door)}, nil
}

// seen tells whether the state directory can be seen. A lab hides it from the learner's shell, except for what the shell needs.
func seen(h home.Home) bool {
	_, err := os.Stat(h.Images())
	return err == nil
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
	if err == nil {
		err = p.programs.CarrySelf()
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return p, &codeError{exitMachine, fmt.Errorf("%w; a lab needs 400 MB there: free some, or set DRYDOCK_HOME to another disk", err)}
	case err != nil:
		return p, p.refuse(context.Background(), err)
	}
	return p, nil
}
