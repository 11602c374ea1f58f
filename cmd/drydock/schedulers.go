package main

import (
	"fmt"
	"os"

	"drydock/engine/scheduler/configuration"
)

// readSchedulers reads and checks the file of `up --scheduler-config`, before anything is started; nil without one.
func readSchedulers(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("--scheduler-config: %v", err)
	}
	if _, err := configuration.Read(text); err != nil {
		return nil, usage("--scheduler-config: %s: %v", path, err)
	}
	return text, nil
}

// keepSchedulers puts the file where the lab's scheduler reads it each time it starts.
func keepSchedulers(p place, text []byte) error {
	if text == nil {
		return nil
	}
	if err := p.lab.Make(); err != nil {
		return err
	}
	if err := os.WriteFile(p.lab.SchedulerConfig(), text, 0o600); err != nil {
		return fmt.Errorf("keep the scheduler's configuration: %w", err)
	}
	return nil
}

// alreadyScheduling refuses to give a lab that runs another configuration.
func alreadyScheduling(p place) error {
	return &codeError{exitNo, fmt.Errorf("lab %q is up already, with the schedulers it has; `drydock down` first", p.lab.Name())}
}
