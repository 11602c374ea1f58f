package cluster

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"drydock/engine/cluster/control"
	"drydock/sandbox/lab"
	"drydock/sandbox/machine"
)

// serveControl answers the control socket until ctx ends.
func (c *Cluster) serveControl(ctx context.Context) error {
	socket, err := lab.Listen(c.opts.Lab.Control())
	if err != nil {
		return err
	}
	verbs := map[string]lab.Handler{
		control.VerbStatus: func(_ context.Context, call *lab.Call) error { return call.Send(c.status()) },
		control.VerbDown:   func(context.Context, *lab.Call) error { c.stop(errDown); return nil },
		control.VerbExec:   c.exec,
		control.VerbDial:   c.dial,

		control.VerbNetTrace: c.netTrace,

		control.VerbFault:     c.makeFault(ctx),
		control.VerbFaults:    c.listFaults,
		control.VerbFaultUndo: c.undoFaults,

		control.VerbNode:       c.changeNode,
		control.VerbNodeAdd:    c.addNodes,
		control.VerbNodeExec:   c.execOnNode,
		control.VerbCtr:        c.ctr,
		control.VerbComponent:  c.changeComponent(ctx),
		control.VerbComponents: c.listComponents,

		control.VerbSnapshotSave:    c.saveSnapshot,
		control.VerbSnapshotRestore: c.restoreSnapshot(ctx),
		control.VerbSnapshotList:    c.listSnapshots,
		control.VerbSnapshotRemove:  c.removeSnapshot,
	}
	c.run(ctx, "control socket", func(ctx context.Context) error { return lab.Serve(ctx, socket, verbs) })
	return nil
}

// serveDoor answers the lab's own shell until ctx ends. It may break what a lesson is about, and nothing that the machine outside
// would feel: no end of the lab, no more machines. Of the API's socket it gets the decisions alone: whoever comes this way is
// the learner, and must not be able to act as anybody else.
func (c *Cluster) serveDoor(ctx context.Context) error {
	door := c.opts.Lab.Door()
	socket, err := lab.Listen(door.Control())
	if err != nil {
		return err
	}
	decisions, err := lab.Listen(door.API())
	if err != nil {
		return err
	}
	c.mu.Lock()
	server := c.api
	c.mu.Unlock()
	verbs := map[string]lab.Handler{
		control.VerbStatus:     func(_ context.Context, call *lab.Call) error { return call.Send(c.status()) },
		control.VerbNetTrace:   c.netTrace,
		control.VerbFault:      c.makeFault(ctx),
		control.VerbFaults:     c.listFaults,
		control.VerbFaultUndo:  c.undoFaults,
		control.VerbNode:       c.breakNode,
		control.VerbCtr:        c.ctr,
		control.VerbNodeExec:   c.execOnNode,
		control.VerbComponent:  c.changeComponent(ctx),
		control.VerbComponents: c.listComponents,
	}
	c.run(ctx, "control socket of the shell", func(ctx context.Context) error { return lab.Serve(ctx, socket, verbs) })
	c.serve(ctx, "decisions for the shell", decisions, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/drydock/decisions" {
			http.Error(w, "only decisions can be read here; kubectl reaches everything else", http.StatusForbidden)
			return
		}
		server.Admin().ServeHTTP(w, r)
	}))
	return nil
}

// exec runs a program for the learner and reports how it ended.
func (c *Cluster) exec(ctx context.Context, call *lab.Call) error {
	var e control.Exec
	if err := call.Decode(&e); err != nil {
		return err
	}
	if len(call.Files) != 3 {
		return fmt.Errorf("a program needs standard input, output and error; got %d files", len(call.Files))
	}
	process, err := c.opts.Inside.Spawn(c.learnersCommand(e, [3]*os.File(call.Files)))
	if err != nil {
		return err
	}
	return attend(ctx, call, process)
}

// execOnNode runs a program on a node as its root, and reports how it ended.
func (c *Cluster) execOnNode(ctx context.Context, call *lab.Call) error {
	var e control.NodeExec
	if err := call.Decode(&e); err != nil {
		return err
	}
	return c.runOnNode(ctx, call, e)
}

// ctr answers control.VerbCtr.
func (c *Cluster) ctr(ctx context.Context, call *lab.Call) error {
	var r control.CtrRequest
	if err := call.Decode(&r); err != nil {
		return err
	}
	args := append([]string{nodeBin + "/docknode", "ctr"}, r.Args...)
	return c.runOnNode(ctx, call, control.NodeExec{Name: r.Node, Exec: control.Exec{Args: args}})
}

func (c *Cluster) runOnNode(ctx context.Context, call *lab.Call, e control.NodeExec) error {
	if len(call.Files) != 3 {
		return fmt.Errorf("a program needs standard input, output and error; got %d files", len(call.Files))
	}
	n, err := c.find(e.Name)
	if err != nil {
		return err
	}
	m, _ := n.running()
	if m == nil {
		return errOff(n)
	}
	process, err := m.Spawn(nodeCommand(e, [3]*os.File(call.Files)))
	if err != nil {
		return err
	}
	return attend(ctx, call, process)
}

// attend stays with a program that runs on the call's descriptors until it has ended.
func attend(ctx context.Context, call *lab.Call, process *os.Process) error {
	for _, f := range call.Files {
		f.Close() // the process has its own; ours would keep the terminal open after it ended
	}
	stop := context.AfterFunc(ctx, func() {
		// The client is gone. As when a terminal is closed: the session is hung up; what ignores that is its own affair,
		// until the lab ends.
		_ = syscall.Kill(-process.Pid, syscall.SIGHUP)
		_ = syscall.Kill(-process.Pid, syscall.SIGCONT)
	})
	defer stop()
	state, err := process.Wait()
	if err != nil {
		return fmt.Errorf("wait for the program: %w", err)
	}
	return call.Send(control.Exited{Code: exitCode(state)})
}

func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// learnersCommand adds to e what makes a program the learner's: kubectl on the PATH, its configuration, the
// workspace, and the way to the machine room.
func (c *Cluster) learnersCommand(e control.Exec, files [3]*os.File) lab.Command {
	ours := c.opts.Lab.Shell()
	dir := e.Dir
	if dir == "" {
		dir = c.opts.Lab.Workspace()
	}
	env := overlay(e.Env,
		"PATH="+filepath.Join(ours, "bin")+":"+lookup(e.Env, "PATH"),
		"KUBECONFIG="+filepath.Join(ours, "kubeconfig"),
		"KUBECACHEDIR="+filepath.Join(c.opts.Lab.Workspace(), ".kube", "cache"),
		"HOME="+c.opts.Lab.Workspace(), "PWD="+dir,
		"TMPDIR=/tmp", // the lab has one of its own, and not the one of the shell that asks
		"DRYDOCK_LAB="+c.opts.Lab.Name(), "DRYDOCK_DOOR="+string(c.opts.Lab.Door()),
	)
	args := e.Args
	if len(args) == 0 {
		args = c.shellArgs(e.Env)
	}
	return lab.Command{
		Args: args, Env: lastOfEach(env), Dir: dir, Files: files, TTY: e.TTY,
		Hidden: string(c.opts.Home), Shown: []string{string(c.opts.Programs), c.opts.Lab.Workspace(), ours},
	}
}

// overlay is env with some variables set anew. Of two with one name a shell takes the last and a Go program the first
// (syscall.copyenv): there must be one.
func overlay(env []string, ours ...string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.ContainsFunc(ours, func(s string) bool { return strings.HasPrefix(s, name+"=") })
	})
	return append(env, ours...)
}

// nodeCommand adds to e what makes a program at home on a node: the node's tools on the PATH, and the node's own way to the API.
func nodeCommand(e control.NodeExec, files [3]*os.File) machine.Command {
	env := []string{
		"PATH=" + nodeBin + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root", "SHELL=/bin/sh",
		"KUBECONFIG=/etc/kubernetes/kubelet.conf", "CONTAINER_RUNTIME_ENDPOINT=unix://" + criSocket,
		"PS1=root@" + e.Name + ":$PWD# ", "TERM=" + lookup(e.Env, "TERM"),
	}
	for _, name := range []string{"LANG", "LC_ALL", "COLORTERM"} {
		if value := lookup(e.Env, name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	args := e.Args
	if len(args) == 0 {
		args = []string{"/bin/sh", "-i"}
		if _, err := os.Stat("/bin/bash"); err == nil { // the node's programs are the machine's
			args = []string{"/bin/bash", "--norc", "-i"}
		}
	}
	return machine.Command{Args: args, Env: env, Dir: "/root", Files: files, TTY: e.TTY}
}
