package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// bashStart is what an interactive bash of the learner reads: their own habits first, then what a lab needs. Each command
// is in the history before the next prompt, with its time (bash(1), HISTTIMEFORMAT): the lessons read it there.
const bashStart = `# Written by drydock at every start of the lab.
HOME="$DRYDOCK_USER_HOME"
[ -r "$HOME/.bashrc" ] && . "$HOME/.bashrc"
HOME="%[3]s"
export PATH="%[1]s:${PATH#%[1]s:}"
HISTFILE="$HOME/.bash_history" HISTSIZE=100000 HISTFILESIZE=100000 HISTCONTROL= HISTIGNORE= HISTTIMEFORMAT="%%F %%T "
shopt -s histappend cmdhist
PS1='\[\e[36m\]%[2]s\[\e[0m\]:\[\e[1m\]\w\[\e[0m\]\$ '
unset PROMPT_COMMAND
PROMPT_COMMAND="history -a"
command -v complete >/dev/null && . <(kubectl completion bash 2>/dev/null) && alias k=kubectl && complete -o default -F __start_kubectl k
`

// prepareShell writes what the learner's shell needs of ours: kubectl and drydock, and a start-up file.
func (c *Cluster) prepareShell() error {
	bin := filepath.Join(c.opts.Lab.Shell(), "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return fmt.Errorf("make room for the shell's commands: %w", err)
	}
	for _, name := range []string{"kubectl", "drydock"} {
		link := filepath.Join(bin, name)
		if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("replace %s: %w", name, err)
		}
		if err := os.Symlink(c.opts.Programs.Path(name), link); err != nil {
			return fmt.Errorf("put %s on the shell's PATH: %w", name, err)
		}
	}
	start := fmt.Sprintf(bashStart, bin, c.opts.Lab.Name(), c.opts.Lab.Workspace())
	return os.WriteFile(filepath.Join(c.opts.Lab.Shell(), "bashrc"), []byte(start), 0o644)
}

// shellArgs is the learner's own shell, as their environment names it, or the first that exists.
func (c *Cluster) shellArgs(env []string) []string {
	for _, shell := range []string{lookup(env, "SHELL"), "/bin/bash", "/bin/sh"} {
		if info, err := os.Stat(shell); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
			continue
		}
		if filepath.Base(shell) == "bash" {
			return []string{shell, "--rcfile", filepath.Join(c.opts.Lab.Shell(), "bashrc"), "-i"}
		}
		return []string{shell, "-i"}
	}
	return []string{c.opts.Programs.Path("userland"), "sh"}
}

// lastOfEach drops the earlier of two values for one name: execve(2) passes both on, and most programs would believe the first.
func lastOfEach(env []string) []string {
	seen := map[string]bool{}
	var kept []string
	for _, entry := range slices.Backward(env) {
		if name, _, _ := strings.Cut(entry, "="); !seen[name] {
			seen[name] = true
			kept = append(kept, entry)
		}
	}
	slices.Reverse(kept)
	return kept
}

// lookup returns the last value of name in env, the one that lastOfEach keeps.
func lookup(env []string, name string) string {
	value := ""
	for _, entry := range env {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}
