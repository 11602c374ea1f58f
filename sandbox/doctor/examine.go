package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"drydock/sandbox/lab"
)

// Options say where to look.
type Options struct {
	State    string // the state directory
	Programs string // the directory of the unpacked programs, docknode and dockboot among them
}

// patience is how long the throw-away lab may take; it takes a tenth of a second.
const patience = 20 * time.Second

// Examine tries everything a lab needs and reports in the table's order. It leaves nothing behind. Errors are about the
// examination itself; what the machine lacks is in the report.
func Examine(ctx context.Context, o Options) (Report, error) {
	m := lookAround(o)
	var trials []Trial
	scratch, err := os.MkdirTemp(o.State, "doctor-")
	if err != nil {
		trials, err = append(trials, Try(State, "", err)), nil
	} else {
		trials = outside(o, m, scratch)
		tried, failed := inside(ctx, o, scratch)
		trials = append(trials, tried...)
		err = errors.Join(failed, remove(scratch))
	}
	return report(trials, m), err
}

// Explain finds out whether a lab did not start because this machine cannot run one. It returns a *Refusal around err then,
// and err otherwise.
func Explain(ctx context.Context, o Options, err error) error {
	found, failed := Examine(ctx, o)
	missing := found.Missing()
	if len(missing) == 0 {
		return errors.Join(err, failed)
	}
	return &Refusal{Missing: missing, Err: err}
}

// report puts the trials into the table's words and order.
func report(trials []Trial, m machine) Report {
	r := Report{CanRun: true}
	for _, f := range features {
		i := slices.IndexFunc(trials, func(t Trial) bool { return t.Feature == f.id })
		if i < 0 {
			r.Untried = append(r.Untried, f.name)
			continue
		}
		finding := f.judge(trials[i], m)
		r.CanRun = r.CanRun && finding.Verdict != Missing
		r.Findings = append(r.Findings, finding)
	}
	return r
}

// inside starts a lab and listens to what docknode probe finds in it.
func inside(ctx context.Context, o Options, scratch string) (trials []Trial, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		// The lab dies with the thread that cloned it, and this one is thrown away (prctl(2), PR_SET_PDEATHSIG).
		runtime.LockOSThread()
		trials, err = probe(ctx, o, scratch)
	}()
	<-done
	return trials, err
}

func probe(ctx context.Context, o Options, scratch string) ([]Trial, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("listen to the probe: %w", err)
	}
	defer read.Close()
	output, err := os.Create(filepath.Join(scratch, "output"))
	if err != nil {
		write.Close()
		return []Trial{Try(State, "", err)}, nil
	}
	defer output.Close()
	box, ids, err := lab.StartWidest(lab.Program{
		Path: filepath.Join(o.Programs, "docknode"), Args: []string{"probe", "--scratch", scratch, "--programs", o.Programs},
		Env: os.Environ(), Files: []*os.File{write}, Stdout: output, Stderr: output,
	})
	write.Close()
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ENOEXEC) {
		return nil, err // our program is missing or broken
	}
	if err != nil {
		return []Trial{Try(Userns, "", err)}, nil
	}
	stop := context.AfterFunc(ctx, box.Kill)
	defer stop()
	found := listen(read)
	box.Kill()          // it has said all; or it hangs, and the deadline has passed
	ended := box.Wait() // it was just killed, unless it broke
	trials := append([]Trial{Try(Userns, "all seven kinds", nil), Try(IDs, string(ids), nil)}, found...)
	if len(found) == 0 {
		// Nothing that the kernel refuses would have kept it from saying so.
		text, _ := os.ReadFile(output.Name()) // its own words, if any
		return trials, fmt.Errorf("docknode probe ended without a word: %w %s", errors.Join(ended, ctx.Err()), strings.TrimSpace(string(text)))
	}
	return trials, nil
}

func listen(read *os.File) []Trial {
	var trials []Trial
	lines := json.NewDecoder(read)
	for {
		var t Trial
		if err := lines.Decode(&t); err != nil {
			return trials // the end of the pipe is the end of the probe
		}
		trials = append(trials, t)
	}
}

// remove deletes the scratch directory. Overlays leave a folder of mode 0 behind, which only root can look into.
func remove(scratch string) error {
	err := filepath.WalkDir(scratch, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(scratch))
}
