package cri

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// imageVolume is an image whose files a container sees in one of its folders (KEP-4639).
type imageVolume struct {
	*runtimeapi.Mount

	key string // of the snapshot
	dir string // where its files are
}

// imageVolumes are those among the container's mounts.
func (c *ctr) imageVolumes() []imageVolume {
	var volumes []imageVolume
	for i, m := range c.config.GetMounts() {
		if m.GetImage().GetImage() != "" {
			volumes = append(volumes, imageVolume{m, c.id + "-volume-" + strconv.Itoa(i), filepath.Join(c.dir, "volumes", strconv.Itoa(i))})
		}
	}
	return volumes
}

// mountImages makes the files of all image volumes appear in folders of the container's own. What it has done when it fails, unmountImages
// and removeImages undo.
func (s *Server) mountImages(ctx context.Context, c *ctr) error {
	layers := s.cfg.Images.Layers()
	for _, v := range c.imageVolumes() {
		image, err := s.cfg.Images.Resolve(ctx, v.GetImage().GetImage())
		if err != nil {
			return fmt.Errorf("mount image at %q: %w", v.GetContainerPath(), err)
		}
		top, err := s.cfg.Images.Unpack(ctx, image)
		if err == nil {
			err = os.MkdirAll(v.dir, 0o755)
		}
		if err == nil {
			err = layers.Prepare(ctx, v.key, top)
		}
		if err == nil {
			err = layers.Mount(ctx, v.key, v.dir)
		}
		if err != nil {
			return fmt.Errorf("mount image %s at %q: %w", v.GetImage().GetImage(), v.GetContainerPath(), err)
		}
	}
	return nil
}

func (s *Server) unmountImages(c *ctr) error {
	var errs []error
	for _, v := range c.imageVolumes() {
		errs = append(errs, s.cfg.Images.Layers().Unmount(v.dir))
	}
	return errors.Join(errs...)
}

// removeImages deletes the snapshots.
func (s *Server) removeImages(ctx context.Context, c *ctr) error {
	var errs []error
	for _, v := range c.imageVolumes() {
		errs = append(errs, s.cfg.Images.Layers().Remove(ctx, v.key))
	}
	return errors.Join(errs...)
}

// bind is the container's mount of the volume: its files can be read, neither changed nor executed.
func (v imageVolume) bind() (specs.Mount, error) {
	source, err := within(v.dir, v.GetImageSubPath())
	if err != nil {
		return specs.Mount{}, fmt.Errorf("find %q in image %s: %w", v.GetImageSubPath(), v.GetImage().GetImage(), err)
	}
	return specs.Mount{Destination: v.GetContainerPath(), Type: "bind", Source: source, Options: []string{"rbind", "rprivate", "ro", "noexec", "nosuid"}}, nil
}

// within is a path below dir. Links in the image must not lead out of it: os.Root follows none that does.
func within(dir, sub string) (string, error) {
	if sub == "" {
		return dir, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer func() { _ = root.Close() }() // it was only read
	if _, err := root.Stat(sub); err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(filepath.Join(dir, sub))
}
