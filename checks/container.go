package checks

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// containerCheck is a compiled ContainerSpec. It asks the node's runtime, which the learner cannot make say anything.
type containerCheck struct {
	spec   ContainerSpec
	memory resource.Quantity
}

var (
	containerForm   = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)
	containerStates = []string{"created", "running", "exited", "absent"}
	changeKinds     = map[string]string{"added": "A", "changed": "C", "deleted": "D"}
)

func compileContainer(s ContainerSpec) (Check, error) {
	s.Node, s.Timeout, s.Every = cmp.Or(s.Node, "node-1"), cmp.Or(s.Timeout, probeTimeout), cmp.Or(s.Every, probeEvery)
	c := &containerCheck{spec: s}
	facts := given(s.Image != "", s.ExitCode != nil, s.Layers != nil, s.Diff != nil, s.Limits != nil)
	switch {
	case !containerForm.MatchString(s.Name):
		return nil, at(fmt.Errorf("name %q: use the name that the container was run with", s.Name), "name")
	case strings.Contains(s.Node, "/"):
		return nil, at(fmt.Errorf("node %q: use the name of a node, such as node-1", s.Node), "node")
	case s.Timeout > time.Minute:
		return nil, at(fmt.Errorf("timeout %s: use at most 1m", s.Timeout), "timeout")
	case s.State != "" && !slices.Contains(containerStates, s.State):
		return nil, at(fmt.Errorf("state %q: use %s", s.State, strings.Join(containerStates, ", ")), "state")
	case s.State == "absent" && facts > 0:
		return nil, at(errors.New("a container that is absent has nothing to ask about"), "state")
	case s.Diff != nil:
		if err := s.Diff.check(); err != nil {
			return nil, err
		}
	}
	if s.Limits == nil {
		return c, nil
	}
	if s.Limits.Memory == "" && s.Limits.CPUs == nil {
		return nil, at(errors.New("give memory, cpus or both"), "limits")
	}
	if s.Limits.Memory != "" {
		var err error
		if c.memory, err = resource.ParseQuantity(s.Limits.Memory); err != nil {
			return nil, at(fmt.Errorf("memory %q: use a quantity such as 64Mi", s.Limits.Memory), "limits", "memory")
		}
	}
	return c, nil
}

func (d DiffSpec) check() error {
	if !strings.HasPrefix(d.Path, "/") {
		return at(fmt.Errorf("path %q: begin with a slash", d.Path), "diff", "path")
	}
	if d.Change != "" && changeKinds[d.Change] == "" {
		return at(fmt.Errorf("change %q: use added, changed or deleted", d.Change), "diff", "change")
	}
	if d.Absent && d.Change != "" {
		return at(errors.New("a path that was left alone has no change"), "diff", "change")
	}
	return nil
}

// Needs implements Check: no watch tells of containers that Kubernetes does not know.
func (c *containerCheck) Needs() Needs {
	return Needs{Kinds: []Kind{{GroupVersionKind: schema.GroupVersionKind{Version: "v1", Kind: "Node"}}}, Slow: true, Every: c.spec.Every}
}

// container is what `docknode ctr inspect` prints.
type container struct {
	Image    string `json:"image"`
	State    string `json:"state"`
	ExitCode int    `json:"exitCode"`
	Layers   int    `json:"layers"`
	Limits   struct {
		Memory int64   `json:"memory"`
		CPUs   float64 `json:"cpus"`
	} `json:"limits"`
	Diff []struct {
		Kind string `json:"kind"`
		Path string `json:"path"`
	} `json:"diff"`
}

// Codes of `docknode ctr`.
const ctrNotFound = 1

// Ask implements Check.
func (c *containerCheck) Ask(ctx context.Context, v View) Result {
	r := Result{Outcome: Pass, Look: plainText(c.lookAt())}
	if v.Prober == nil {
		return c.failed(r, ErrNoPlace.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, c.spec.Timeout)
	defer cancel()
	got, err := v.Prober.Exec(ctx, Place{Kind: PlaceNode, Name: c.spec.Node}, []string{"docknode", "ctr", "inspect", c.spec.Name})
	switch {
	case err != nil && ctx.Err() != nil:
		return Result{Outcome: Timeout, Cause: "timeout", Expected: c.about(c.wantState()), Seen: noTime.with()}
	case err != nil:
		return c.failed(r, err.Error())
	case got.Code == ctrNotFound && c.spec.State == "absent":
		r.Expected, r.Seen = c.about(c.wantState()), sawNothing.with()
		return r
	case got.Code == ctrNotFound:
		return c.fail(r, "missing", c.wantState(), sawNothing.with())
	case got.Code != 0:
		return c.failed(r, strings.TrimSpace(got.Stderr))
	}
	var one container
	if err := json.Unmarshal([]byte(got.Stdout), &one); err != nil {
		return c.failed(r, err.Error())
	}
	if one.Layers == 0 && (c.spec.Diff != nil || c.spec.Layers != nil) {
		return c.failed(r, "containers are whole copies on this machine, which has no overlays")
	}
	return c.judge(r, one)
}

// fact is one thing that is asked of a container.
type fact struct {
	asked      bool
	ok         bool
	cause      string
	want, seen Text
}

// judge holds every fact that is asked for against the container; the first that is not so is told.
func (c *containerCheck) judge(r Result, one container) Result {
	for _, f := range c.facts(one) {
		switch {
		case !f.asked:
		case !f.ok:
			return c.fail(r, f.cause, f.want, f.seen)
		default:
			r.Expected, r.Seen = c.about(f.want), f.seen
		}
	}
	return r
}

func (c *containerCheck) facts(one container) []fact {
	s := c.spec
	facts := []fact{
		{true, s.State == "" || s.State == one.State, "state", c.wantState(), fieldIs.with("state", one.State)},
		{s.Image != "", s.Image == one.Image, "image", fieldIs.with("image", s.Image), fieldIs.with("image", one.Image)},
	}
	if s.ExitCode != nil {
		facts = append(facts, fact{
			true, one.State == "exited" && *s.ExitCode == one.ExitCode, "exit-code",
			fieldIs.with("exit code", fmt.Sprint(*s.ExitCode)), joinTexts(", ", fieldIs.with("state", one.State), fieldIs.with("exit code", fmt.Sprint(one.ExitCode))),
		})
	}
	if s.Layers != nil {
		facts = append(facts, fact{true, s.Layers.holds(one.Layers), "layers", fieldIs.with("layers", s.Layers.text()), fieldIs.with("layers", fmt.Sprint(one.Layers))})
	}
	if s.Limits != nil {
		memory := resource.NewQuantity(one.Limits.Memory, resource.BinarySI)
		facts = append(facts, fact{
			s.Limits.Memory != "", memory.Cmp(c.memory) == 0, "limits",
			fieldIs.with("memory limit", s.Limits.Memory), fieldIs.with("memory limit", noLimit(one.Limits.Memory == 0, memory.String())),
		})
		if s.Limits.CPUs != nil {
			facts = append(facts, fact{
				true, *s.Limits.CPUs == one.Limits.CPUs, "limits",
				fieldIs.with("cpu limit", fmt.Sprint(*s.Limits.CPUs)), fieldIs.with("cpu limit", noLimit(one.Limits.CPUs == 0, fmt.Sprint(one.Limits.CPUs))),
			})
		}
	}
	if s.Diff != nil {
		facts = append(facts, c.diffFact(one))
	}
	return facts
}

func noLimit(none bool, text string) string {
	if none {
		return "0"
	}
	return text
}

func (c *containerCheck) diffFact(one container) fact {
	s := c.spec.Diff
	f := fact{asked: true, cause: "diff", ok: s.Absent, want: changedPath.with(s.Path, cmp.Or(s.Change, "added, changed, deleted")), seen: unchanged.with(s.Path)}
	if s.Absent {
		f.want = unchanged.with(s.Path)
	}
	for _, change := range one.Diff {
		if change.Path == s.Path {
			f.seen = plainText(change.Kind + " " + change.Path)
			f.ok = !s.Absent && (s.Change == "" || changeKinds[s.Change] == change.Kind)
		}
	}
	return f
}

func (c *containerCheck) wantState() Text {
	switch c.spec.State {
	case "":
		return itExists.with()
	case "absent":
		return isAbsent.with()
	default:
		return fieldIs.with("state", c.spec.State)
	}
}

func (c *containerCheck) about(what Text) Text {
	return containerOn.with(c.spec.Name, c.spec.Node, what)
}

func (c *containerCheck) lookAt() string {
	node := ""
	if c.spec.Node != "node-1" {
		node = "--node " + c.spec.Node + " "
	}
	verb := "inspect " + c.spec.Name
	switch {
	case c.spec.Diff != nil:
		verb = "diff " + c.spec.Name
	case c.spec.Image == "" && c.spec.Layers == nil && c.spec.Limits == nil:
		verb = "ps -a"
	}
	return "drydock ctr " + node + verb
}

func (c *containerCheck) fail(r Result, cause string, want, seen Text) Result {
	r.Outcome, r.Cause, r.Expected, r.Seen, r.Why = Fail, cause, c.about(want), seen, whyContainer.with()
	return r
}

func (c *containerCheck) failed(r Result, problem string) Result {
	r.Outcome, r.Cause, r.Expected = Error, "container", c.about(c.wantState())
	r.Seen, r.Look = probeFailed.with(problem), lookStatus
	return r
}
