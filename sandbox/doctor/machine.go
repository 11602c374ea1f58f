package doctor

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// machine is what this machine says about itself. It decides nothing but the words: whether something works is tried.
type machine struct {
	root      bool
	container bool
	noexec    bool // the state directory's file system runs no programs
	systemd   bool // of this user
	newuidmap bool
	user      string
	self      string // this program's path
	state     string
	// setting reads one file below /proc/sys; "" when there is none.
	setting func(name string) string
}

func lookAround(o Options) machine {
	m := machine{root: os.Geteuid() == 0, state: o.State, setting: readSetting, user: "$USER"}
	for _, sign := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(sign); err == nil {
			m.container = true
		}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(o.Programs, &fs); err == nil {
		m.noexec = fs.Flags&unix.ST_NOEXEC != 0
	}
	if me, err := user.Current(); err == nil {
		m.user = me.Username
	}
	if self, err := os.Executable(); err == nil {
		m.self = self
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		_, err := os.Stat(filepath.Join(dir, "systemd"))
		m.systemd = err == nil
	}
	_, err := exec.LookPath("newuidmap")
	m.newuidmap = err == nil
	return m
}

func readSetting(name string) string {
	text, err := os.ReadFile(filepath.Join("/proc/sys", name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
