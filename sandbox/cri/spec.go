package cri

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/continuity/fs"
	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// spec writes down what is to run: the image's wishes, the pod's on top of them, and Kubernetes' defaults for the rest.
func (s *Server) spec(c *ctr) (*specs.Spec, error) {
	args, err := c.args()
	if err != nil {
		return nil, err
	}
	who, err := c.processUser()
	if err != nil {
		return nil, err
	}
	security := c.config.GetLinux().GetSecurityContext()
	mounts, propagation, err := c.mounts()
	if err != nil {
		return nil, err
	}
	score, err := oomScore(c.resources.GetOomScoreAdj())
	if err != nil {
		return nil, err
	}
	spec := &specs.Spec{
		Version:  specs.Version,
		Root:     &specs.Root{Path: c.rootfs(), Readonly: security.GetReadonlyRootfs()},
		Hostname: "", // the pod's uts namespace has it
		Mounts:   mounts,
		Process: &specs.Process{
			Terminal: c.config.GetTty(), User: who.user, Args: args, Env: c.env(s.hostnameOf(c.pod), who.home), Cwd: c.cwd(),
			NoNewPrivileges: security.GetNoNewPrivs(), OOMScoreAdj: score,
		},
		Linux: &specs.Linux{Namespaces: c.pod.namespaces(), RootfsPropagation: propagation},
	}
	pids, own, err := s.pidNamespace(c.pod, security.GetNamespaceOptions())
	if err != nil {
		return nil, err
	}
	if own {
		spec.Linux.Namespaces = append(spec.Linux.Namespaces, pids)
	}
	if err := secure(spec, security); err != nil {
		return nil, err
	}
	if err := addDevices(spec, c.config.GetDevices()); err != nil {
		return nil, err
	}
	return spec, makeCwd(c.rootfs(), spec.Process.Cwd)
}

// args joins entrypoint and arguments: the pod's command replaces both of the image's, the pod's args replace its Cmd.
func (c *ctr) args() ([]string, error) {
	command, args := c.config.GetCommand(), c.config.GetArgs()
	if len(command) == 0 {
		command = c.image.Config.Entrypoint
		if len(args) == 0 {
			args = c.image.Config.Cmd
		}
	}
	all := slices.Concat(command, args)
	if len(all) == 0 {
		return nil, errors.New("no command specified: neither the image nor the pod says what to run")
	}
	return all, nil
}

const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// env lays the pod's variables over the image's, and these over the usual ones.
func (c *ctr) env(hostname, home string) []string {
	all := []string{defaultPath, "HOSTNAME=" + hostname, "HOME=" + home}
	if c.config.GetTty() {
		all = append(all, "TERM=xterm")
	}
	all = append(all, c.image.Config.Env...)
	for _, e := range c.config.GetEnvs() {
		all = append(all, e.GetKey()+"="+string(e.GetValue()))
	}
	return lastWins(all)
}

// lastWins keeps each variable's place and gives it its last value.
func lastWins(env []string) []string {
	at := map[string]int{}
	var out []string
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		if i, ok := at[name]; ok {
			out[i] = e
			continue
		}
		at[name] = len(out)
		out = append(out, e)
	}
	return out
}

func (c *ctr) cwd() string {
	for _, dir := range []string{c.config.GetWorkingDir(), c.image.Config.WorkingDir} {
		if dir != "" {
			return path.Join("/", dir)
		}
	}
	return "/"
}

// makeCwd makes the working folder when the image lacks it. RootPath follows the image's symbolic links inside of it only.
func makeCwd(rootfs, cwd string) error {
	dir, err := fs.RootPath(rootfs, cwd)
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("make working folder %q: %w", cwd, err)
	}
	return nil
}

// oomScore is the pod's wish, but never less than what this process has: lowering it needs CAP_SYS_RESOURCE in the first
// user namespace (proc_pid_oom_score_adj(5)).
func oomScore(wish int64) (*int, error) {
	data, err := os.ReadFile("/proc/self/oom_score_adj")
	if err != nil {
		return nil, fmt.Errorf("read own OOM score: %w", err)
	}
	own, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, fmt.Errorf("read own OOM score: %w", err)
	}
	score := max(own, int(wish))
	return &score, nil
}
