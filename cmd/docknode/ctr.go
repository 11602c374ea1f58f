package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"drydock/sandbox/ctr"
	"drydock/sandbox/image"
	"drydock/sandbox/lab"
)

// ctrUsage is what `ctr` says without a verb.
const ctrUsage = `Containers on a node without Kubernetes.

usage: drydock ctr [--node NAME] VERB
  run [-d] [--rm] [--name NAME] [-e KEY=VALUE] [-m 64Mi] [--cpus 0.5] [--read-only] [--net host] IMAGE [ARG...]
  ps [-a]          list those that run; -a: also those that have ended
  exec NAME CMD    run a command in one
  logs NAME        what it said
  inspect NAME     everything about it, as JSON
  diff NAME        what it changed in its files: A added, C changed, D deleted
  stop NAME        ask it to end
  rm [-f] NAME     forget it and what it wrote
  images [--digests]  list the node's images
  import           take images from an archive on standard input

Without --node it is node-1. Without -d, run says what the container said when it has ended.`

// exitCode ends the program with a code, without a word.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// The codes of `ctr`.
const (
	ctrNo    = exitCode(1)
	ctrWrong = exitCode(2)
)

// runCtr is `docknode ctr` on a node: `drydock ctr` has the lab run it there.
func runCtr(ctx context.Context, args []string) error {
	verbs := map[string]func(context.Context, *ctr.Client, []string) error{
		"run": ctrRun, "ps": ctrList, "exec": ctrExec, "logs": ctrLogs, "inspect": ctrInspect, "diff": ctrDiff,
		"stop": ctrStop, "rm": ctrRemove, "images": ctrImages, "import": ctrImport,
	}
	if len(args) == 0 || verbs[args[0]] == nil {
		fmt.Fprintln(os.Stderr, ctrUsage)
		return ctrWrong
	}
	client, err := ctr.Dial("/run/drydock/cri.sock")
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }() // nothing is under way any more
	err = verbs[args[0]](ctx, client, args[1:])
	var code exitCode
	if err == nil || errors.As(err, &code) {
		return err
	}
	fmt.Fprintln(os.Stderr, "ctr:", plainly(err))
	if errors.Is(err, ctr.ErrPlan) || errors.Is(err, ctr.ErrNotFound) || errors.Is(err, ctr.ErrNoDiff) {
		return ctrNo
	}
	return exitCode(4)
}

// plainly leaves out what gRPC puts before an answer of the runtime.
func plainly(err error) string {
	_, text, ok := strings.Cut(err.Error(), " desc = ")
	if !ok {
		return err.Error()
	}
	return text
}

// ctrFlags reads flags; args are left behind them.
func ctrFlags(verb string, args []string, least int, define func(*flag.FlagSet)) ([]string, error) {
	flags := flag.NewFlagSet("ctr "+verb, flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprintln(os.Stderr, ctrUsage) }
	if define != nil {
		define(flags)
	}
	if err := flags.Parse(args); err != nil {
		return nil, ctrWrong
	}
	if flags.NArg() < least {
		flags.Usage()
		return nil, ctrWrong
	}
	return flags.Args(), nil
}

func ctrRun(ctx context.Context, c *ctr.Client, args []string) error {
	var p ctr.Plan
	var detach, remove bool
	args, err := ctrFlags("run", args, 1, func(f *flag.FlagSet) {
		f.BoolVar(&detach, "d", false, "")
		f.BoolVar(&remove, "rm", false, "")
		f.StringVar(&p.Name, "name", "", "")
		f.BoolVar(&p.ReadOnly, "read-only", false, "")
		f.Float64Var(&p.CPUs, "cpus", 0, "")
		f.Func("e", "", func(s string) error { p.Env = append(p.Env, s); return nil })
		f.Func("m", "", func(s string) error {
			q, err := resource.ParseQuantity(s)
			p.Memory = q.Value()
			return err
		})
		f.Func("net", "", func(s string) error {
			p.HostNetwork = s == "host"
			if !p.HostNetwork {
				return errors.New("host is the only other network")
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	p.Image, p.Args = args[0], args[1:]
	one, err := c.Start(ctx, p)
	if err != nil {
		return err
	}
	if detach {
		fmt.Fprintln(os.Stdout, one.ID)
		return nil
	}
	if one, err = c.Wait(ctx, one); err != nil {
		return err
	}
	err = c.Logs(one, os.Stdout, os.Stderr)
	if remove {
		err = errors.Join(err, c.Remove(ctx, one, true))
	}
	if err == nil && one.ExitCode != 0 {
		return exitCode(one.ExitCode)
	}
	return err
}

func ctrList(ctx context.Context, c *ctr.Client, args []string) error {
	all := false
	if _, err := ctrFlags("ps", args, 0, func(f *flag.FlagSet) { f.BoolVar(&all, "a", false, "") }); err != nil {
		return err
	}
	list, err := c.List(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 3, ' ', 0)
	fmt.Fprintln(out, "CONTAINER ID\tIMAGE\tCOMMAND\tCREATED\tSTATUS\tADDRESS\tNAMES")
	for _, one := range list {
		if one.State != "running" && !all {
			continue
		}
		state := map[string]string{"running": "Up", "created": "Created"}[one.State]
		if one.State == "exited" {
			state = fmt.Sprintf("Exited (%d)", one.ExitCode)
		}
		fmt.Fprintf(out, "%.12s\t%s\t%q\t%s ago\t%s\t%s\t%s\n", one.ID, one.Image, strings.Join(one.Command, " "),
			time.Since(time.Unix(0, one.Created)).Round(time.Second), state, one.Address, one.Name)
	}
	return out.Flush()
}

// onOne finds the container that the first argument names.
func onOne(ctx context.Context, c *ctr.Client, args []string, do func(ctr.Container, []string) error) error {
	one, err := c.Find(ctx, args[0])
	if err != nil {
		return err
	}
	return do(one, args[1:])
}

func ctrExec(ctx context.Context, c *ctr.Client, args []string) error {
	args, err := ctrFlags("exec", args, 2, nil)
	if err != nil {
		return err
	}
	return onOne(ctx, c, args, func(one ctr.Container, argv []string) error {
		if argv[0] == "--" { // as kubectl exec has it
			argv = argv[1:]
		}
		if len(argv) == 0 {
			return ctrWrong
		}
		code, err := c.Exec(ctx, one, argv, os.Stdout, os.Stderr)
		if err == nil && code != 0 {
			return exitCode(code)
		}
		return err
	})
}

func ctrLogs(ctx context.Context, c *ctr.Client, args []string) error {
	args, err := ctrFlags("logs", args, 1, nil)
	if err != nil {
		return err
	}
	return onOne(ctx, c, args, func(one ctr.Container, _ []string) error { return c.Logs(one, os.Stdout, os.Stderr) })
}

func ctrInspect(ctx context.Context, c *ctr.Client, args []string) error {
	args, err := ctrFlags("inspect", args, 1, nil)
	if err != nil {
		return err
	}
	one, err := c.Inspect(ctx, args[0])
	if err != nil {
		return err
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(one)
}

func ctrDiff(ctx context.Context, c *ctr.Client, args []string) error {
	args, err := ctrFlags("diff", args, 1, nil)
	if err != nil {
		return err
	}
	return onOne(ctx, c, args, func(one ctr.Container, _ []string) error {
		changes, err := c.Diff(one)
		for _, change := range changes {
			fmt.Fprintln(os.Stdout, change.Kind, change.Path)
		}
		return err
	})
}

func ctrStop(ctx context.Context, c *ctr.Client, args []string) error {
	args, err := ctrFlags("stop", args, 1, nil)
	if err != nil {
		return err
	}
	return onOne(ctx, c, args, func(one ctr.Container, _ []string) error { return c.Stop(ctx, one) })
}

func ctrRemove(ctx context.Context, c *ctr.Client, args []string) error {
	force := false
	args, err := ctrFlags("rm", args, 1, func(f *flag.FlagSet) { f.BoolVar(&force, "f", false, "") })
	if err != nil {
		return err
	}
	return onOne(ctx, c, args, func(one ctr.Container, _ []string) error { return c.Remove(ctx, one, force) })
}

func ctrImages(ctx context.Context, c *ctr.Client, args []string) error {
	digests := false
	if _, err := ctrFlags("images", args, 0, func(f *flag.FlagSet) { f.BoolVar(&digests, "digests", false, "") }); err != nil {
		return err
	}
	list, err := c.Images(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 8, 3, ' ', 0)
	fmt.Fprintln(out, "IMAGE\tIMAGE ID\tSIZE")
	for _, i := range list {
		names := i.Names
		if !digests {
			names = []string{familiar(names)}
		}
		fmt.Fprintf(out, "%s\t%.12s\t%.1f MB\n", strings.Join(names, " "), strings.TrimPrefix(i.ID, "sha256:"), float64(i.Size)/1e6)
	}
	return out.Flush()
}

// familiar is the first name as people write it.
func familiar(names []string) string {
	if len(names) == 0 {
		return "<none>"
	}
	return strings.TrimPrefix(strings.TrimPrefix(names[0], "docker.io/"), "library/")
}

// verbImport takes an archive of images, as a descriptor, and answers each image's name.
const verbImport = "import"

func importInto(images *image.Store) lab.Handler {
	return func(ctx context.Context, call *lab.Call) error {
		if len(call.Files) != 1 {
			return fmt.Errorf("an archive of images is needed; got %d files", len(call.Files))
		}
		list, err := images.Import(ctx, call.Files[0])
		for _, one := range list {
			err = errors.Join(err, call.Send(familiar(append(one.RepoTags, one.RepoDigests...))))
		}
		return err
	}
}

// ctrImport hands an archive of images on standard input to the node's pid 1, which alone may write into the store.
func ctrImport(ctx context.Context, _ *ctr.Client, _ []string) error {
	return lab.Ask(ctx, filepath.Join("/run/drydock", "services.sock"), verbImport, nil, lab.WithFiles(os.Stdin),
		lab.Each(func(body json.RawMessage) error {
			var name string
			if err := json.Unmarshal(body, &name); err != nil {
				return err
			}
			_, err := io.WriteString(os.Stdout, name+"\n")
			return err
		}))
}
