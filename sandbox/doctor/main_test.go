package doctor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"drydock/sandbox/doctor"
	"drydock/sandbox/doctor/probe"
	"drydock/sandbox/internal/kerneltest"
	"drydock/sandbox/machine"
)

// The test binary, copied under their names, is also the programs of the throw-away lab; and, with a part to
// play, the examiner on a machine that lacks something.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "dockboot" {
		os.Exit(code(machine.Boot()))
	}
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "probe":
			os.Exit(code(playProbe(os.Args[2:])))
		case "starve", "mask":
			os.Exit(code(playExaminer(os.Args[1], os.Args[2])))
		}
	}
	os.Exit(kerneltest.Main(m, copySelf))
}

func code(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func copySelf(dir string) error {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	programs := filepath.Join(dir, "programs")
	if err := os.Mkdir(programs, 0o755); err != nil {
		return err
	}
	docknode, err := os.OpenFile(filepath.Join(programs, "docknode"), os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(docknode, self); err != nil {
		return err
	}
	return errors.Join(docknode.Close(), os.Link(docknode.Name(), filepath.Join(programs, "dockboot")))
}

func playProbe(args []string) error {
	trials := os.NewFile(3, "trials")
	if args[0] == "--machine" {
		probe.RunMachine(trials)
		return nil
	}
	return probe.Run(probe.Options{Scratch: args[1], Programs: args[3]}, trials)
}

// playExaminer takes something away from the user namespace it is root of, and examines what is left.
func playExaminer(lack, state string) error {
	var err error
	switch lack {
	case "starve":
		err = os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0)
	case "mask":
		if err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err == nil {
			err = unix.Mount("cover", "/proc/bus", "tmpfs", 0, "")
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", lack, err)
	}
	report, err := doctor.Examine(context.Background(), options(state))
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

func options(state string) doctor.Options {
	return doctor.Options{State: state, Programs: filepath.Join(kerneltest.Dir(), "programs")}
}
