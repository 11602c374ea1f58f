package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"drydock/engine/cluster/keeper"
	"drydock/sandbox/home"
)

// The shell stands in for a keeper here: only how it ends counts.
func launch(ctx context.Context, t *testing.T, script string) error {
	t.Helper()
	l := home.Lab(t.TempDir())
	return keeper.Launch(ctx, l, []string{"/bin/sh", "-c", script}, func(string) {})
}

func TestLaunchSaysWhyItDidNotStart(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"progress":  {`echo '{"error":"no room"}' >&3; exec sleep 60`, "no room"},
		"its words": {"echo no such program >&2; exit 1", "no such program"},
		"silence":   {"exit 1", "the lab ended before it was ready"},
		"running":   {fmt.Sprintf("exit %d", keeper.ExitRunning), keeper.ErrRunning.Error()},
	} {
		if err := launch(t.Context(), t, c.script); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if err := launch(t.Context(), t, "exit 5"); !errors.Is(err, keeper.ErrRunning) {
		t.Errorf("%v is not ErrRunning", err)
	}
}

func TestLaunchEndsWithItsContext(t *testing.T) {
	late := errors.New("it took too long")
	ctx, stop := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, late)
	defer stop()
	err := launch(ctx, t, "exec sleep 60")
	if !errors.Is(err, late) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want one line with the cause", err)
	}
}

func TestLaunchHandsNothingOn(t *testing.T) {
	file, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	open, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD, 30) // unlike Go's own files, open across exec
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(open)
	script := fmt.Sprintf(`[ -e /proc/self/fd/%d ] && echo '{"error":"handed on"}' >&3 || echo '{"ready":true}' >&3`, open)
	if err := launch(t.Context(), t, script); err != nil {
		t.Error(err)
	}
}

func TestHeld(t *testing.T) {
	l := home.Lab(t.TempDir())
	if keeper.Held(l) {
		t.Error("a lab that never ran is held")
	}
	lock, err := os.Create(l.Lock())
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if !keeper.Held(l) {
		t.Error("a lab whose keeper has the lock is not held")
	}
	lock.Close()
	if keeper.Held(l) {
		t.Error("a lab is held after its keeper has gone")
	}
}
