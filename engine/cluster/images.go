package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// imagesDir is where the bundled images of this version are unpacked: one directory for all labs of this user.
func (c *Cluster) imagesDir() string {
	return filepath.Join(c.opts.Home.Images(), filepath.Base(string(c.opts.Programs)))
}

// prepareImages unpacks the bundled images, unless that was done before, and takes the lab's own right to write them: other
// labs use them too, and a node cannot have what the lab has not.
func (c *Cluster) prepareImages(ctx context.Context) error {
	if err := c.seedImages(ctx); err != nil {
		return err
	}
	return c.opts.Inside.Protect(c.imagesDir())
}

// seedImages runs a program of its own because the control plane links no container libraries.
func (c *Cluster) seedImages(ctx context.Context) error {
	if _, err := os.Stat(c.imagesDir()); err == nil {
		return nil // the directory appears in one step, when it is complete (image.Seed)
	}
	archive, err := os.Open(c.opts.Programs.Path("images.tar"))
	if err != nil {
		return fmt.Errorf("open the bundled images: %w", err)
	}
	defer archive.Close()
	seed := exec.CommandContext(ctx, c.opts.Programs.Path("docknode"), "seed", "--to", c.imagesDir())
	seed.Stdin = archive
	if output, err := seed.CombinedOutput(); err != nil {
		return fmt.Errorf("docknode seed: %w: %s", err, strings.TrimSpace(string(output)))
	}
	return nil
}
