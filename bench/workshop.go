package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"

	"drydock/engine/cluster/access"
	"drydock/sandbox/home"
)

// workshop is where measuring is done: a state directory of its own and, once somebody needs it, a lab of three nodes.
type workshop struct {
	// set once, before the groups
	dir    string
	home   home.Home
	graded int // how many submissions measureGrading takes

	// owned by the groups, which run one after the other
	lab    home.Lab
	client *kubernetes.Clientset
}

const labName = "bench"

func openWorkshop(ctx context.Context) (*workshop, error) {
	if _, err := os.Stat("bin/drydock"); err != nil {
		return nil, fmt.Errorf("%w: run this from the top of the repository, after make build", err)
	}
	dir, err := os.MkdirTemp("", "drydock-bench-")
	if err != nil {
		return nil, err
	}
	w := &workshop{dir: dir, home: home.Home(filepath.Join(dir, "state"))}
	if w.lab, err = w.home.Lab(labName); err != nil {
		return nil, err
	}
	if err := os.Mkdir(string(w.home), 0o700); err != nil {
		return nil, err
	}
	if err := build(ctx, filepath.Join(dir, "floor"), "./bench/floor"); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

func build(ctx context.Context, out, pkg string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, said)
	}
	return nil
}

// close stops the lab and removes everything.
func (w *workshop) close() error {
	// Not with the caller's context: it may have ended, and the lab must go down all the same.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err := w.drydock(ctx, "down", "--name", labName)
	return errors.Join(err, w.lab.Remove(), os.RemoveAll(w.dir))
}

// drydock runs the program under test and returns how long it took.
func (w *workshop) drydock(ctx context.Context, args ...string) (time.Duration, error) {
	cmd := w.command(ctx, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil {
		return took, fmt.Errorf("drydock %q: %w\n%s", args, err, &said)
	}
	return took, nil
}

func (w *workshop) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bin/drydock", args...)
	cmd.Env = append(os.Environ(), "DRYDOCK_HOME="+string(w.home), "LANG=C")
	return cmd
}

// api makes sure that the lab of three nodes runs, and returns a client for it.
func (w *workshop) api(ctx context.Context) (*kubernetes.Clientset, error) {
	if _, err := w.drydock(ctx, "up", "--name", labName); err != nil {
		return nil, err
	}
	config, err := access.RESTConfig(w.lab)
	if err != nil {
		return nil, err
	}
	if w.client == nil {
		w.client, err = kubernetes.NewForConfig(config)
	}
	return w.client, err
}
