package keeper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"drydock/engine/cluster/control"
	"drydock/sandbox/home"
)

// Launch starts a keeper, as command (which must end up in Run with descriptor 3 as Options.Progress; descriptor 4 is a pidfd of
// the caller, for Options.Launcher), and returns when the lab is ready. Each step is reported. When ctx ends before, the keeper is killed, and the lab with it; the error says ctx's
// cause. It is ErrRunning when another keeper holds the lab: one that runs, starts or stops.
func Launch(ctx context.Context, l home.Lab, command []string, report func(step string)) error {
	if err := l.Make(); err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("listen to the lab: %w", err)
	}
	defer read.Close()
	logPath := filepath.Join(l.Log(), "keeper.log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		write.Close()
		return fmt.Errorf("open the keeper's log: %w", err)
	}
	defer log.Close()
	// What our caller has left open, the lock of a script, say, must not be held for as long as the lab runs.
	if err := unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		write.Close()
		return fmt.Errorf("let go of inherited files: %w", err)
	}
	self, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		write.Close()
		return fmt.Errorf("name this process to the keeper: %w", err)
	}
	launcher := os.NewFile(uintptr(self), "launcher")
	defer launcher.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{write, launcher}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	write.Close()
	if err != nil {
		return fmt.Errorf("start the keeper: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = read.SetReadDeadline(time.Now()) })
	defer stop()
	if err := follow(read, report); err != nil {
		err = giveUp(cmd, err, logPath)
		if ctx.Err() != nil {
			return fmt.Errorf("the lab was stopped before it was ready: %w", context.Cause(ctx))
		}
		return err
	}
	return cmd.Process.Release()
}

// follow reads progress until the lab is ready or has failed.
func follow(progress io.Reader, report func(string)) error {
	lines := json.NewDecoder(progress)
	for {
		var p control.Progress
		if err := lines.Decode(&p); err != nil {
			return errSilent
		}
		switch {
		case p.Ready:
			return nil
		case p.Error != "":
			return errors.New(p.Error)
		default:
			report(p.Step)
		}
	}
}

var errSilent = errors.New("the lab ended before it was ready")

// giveUp ends a keeper whose lab did not come up, and finds the best words for why.
func giveUp(cmd *exec.Cmd, err error, logPath string) error {
	_ = cmd.Process.Kill() // it has ended already, or must
	_ = cmd.Wait()         // its error does not matter: err says more
	if cmd.ProcessState.ExitCode() == ExitRunning {
		return ErrRunning
	}
	if !errors.Is(err, errSilent) {
		return err
	}
	if text, readErr := os.ReadFile(logPath); readErr == nil && len(text) > 0 {
		return errors.New(strings.TrimSpace(string(text)))
	}
	if text, readErr := os.ReadFile(filepath.Join(filepath.Dir(logPath), "lab.log")); readErr == nil && len(text) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(text)))
	}
	return err
}
