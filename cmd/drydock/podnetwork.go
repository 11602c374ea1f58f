package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"drydock/engine/cluster/control"
)

// verifyPodNetwork checks `up --pod-network` before anything is started.
func verifyPodNetwork(name string) error {
	if name != "" && !slices.Contains(control.PodNetworks, name) {
		return usage("--pod-network takes %s, not %q", strings.Join(control.PodNetworks, " or "), name)
	}
	return nil
}

// keepPodNetwork puts the name where the lab reads it each time it starts.
func keepPodNetwork(p place, name string) error {
	if name == "" {
		return nil
	}
	if err := p.lab.Make(); err != nil {
		return err
	}
	if err := os.WriteFile(p.lab.PodNetwork(), []byte(name+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the kind of pod network: %w", err)
	}
	return nil
}

// otherPodNetwork refuses to give a lab that runs another pod network.
func otherPodNetwork(p place, status control.Status, name string) error {
	if name == "" || name == status.PodNetwork {
		return nil
	}
	return &codeError{exitNo, fmt.Errorf("lab %q is up already, with the pod network %s; `drydock down` first", p.lab.Name(), status.PodNetwork)}
}
