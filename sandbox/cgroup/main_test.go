package cgroup_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"drydock/sandbox/internal/kerneltest"
)

func TestMain(m *testing.M) { os.Exit(kerneltest.Main(m, buildProgram)) }

// buildProgram makes the program that the groups' processes run.
func buildProgram(dir string) error {
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "inside"), "../container/testdata/inside")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build inside: %w\n%s", err, out)
	}
	return nil
}
