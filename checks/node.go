package checks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// nodeCheck is a compiled NodeSpec: a command that shows something, and what its output must say.
type nodeCheck struct {
	spec  NodeSpec
	of    Place
	other Place // of a namespace question
	argv  []string
	look  func(ExecResult) finding
	want  Text
}

// finding is what a question about a machine found.
type finding struct {
	ok    bool
	cause string
	seen  Text
}

var namespaceTypes = []string{"net", "pid", "mnt", "uts", "ipc", "user", "cgroup"}

func compileNode(s NodeSpec) (Check, error) {
	of, err := ParsePlace(s.Of)
	if err != nil || of.Kind != PlacePod && of.Kind != PlaceNode {
		return nil, at(fmt.Errorf("of %q: use node/NAME, pod/NAME or pod/NAMESPACE/NAME", s.Of), "of")
	}
	if s.Timeout < 0 || s.Timeout > time.Minute {
		return nil, at(fmt.Errorf("timeout %s: use at most 1m", s.Timeout), "timeout")
	}
	if given(s.File != nil, s.Process != nil, s.Mount != nil, s.Namespace != nil, s.Route != nil, s.Rule != nil, s.Cgroup != nil) != 1 {
		return nil, errors.New("a node check is exactly one of file, process, mount, namespace, route, rule, cgroup")
	}
	s.Timeout, s.Every = cmp.Or(s.Timeout, probeTimeout), cmp.Or(s.Every, probeEvery)
	c := &nodeCheck{spec: s, of: of}
	switch {
	case s.File != nil:
		err = c.file(*s.File)
	case s.Process != nil:
		err = c.process(*s.Process)
	case s.Mount != nil:
		err = c.mount(*s.Mount)
	case s.Namespace != nil:
		err = c.namespace(*s.Namespace)
	case s.Route != nil:
		err = c.route(*s.Route)
	case s.Rule != nil:
		err = c.rule(*s.Rule)
	default:
		err = c.cgroup(*s.Cgroup)
	}
	return c, err
}

func (c *nodeCheck) Needs() Needs {
	v1 := schema.GroupVersion{Version: "v1"}
	kind := Kind{GroupVersionKind: v1.WithKind("Node")}
	if c.of.Kind == PlacePod {
		kind = Kind{v1.WithKind("Pod"), c.of.Namespace}
	}
	return Needs{Kinds: []Kind{kind}, Slow: true, Every: c.spec.Every}
}

func (c *nodeCheck) Ask(ctx context.Context, v View) Result {
	r := Result{Outcome: Pass, Expected: onPlace.with(c.of, c.want), Look: c.lookAt()}
	if v.Prober == nil {
		return c.failed(r, ErrNoPlace)
	}
	ctx, cancel := context.WithTimeout(ctx, c.spec.Timeout)
	defer cancel()
	got, err := v.Prober.Exec(ctx, c.of, c.argv)
	var f finding
	switch {
	case err == nil && c.spec.Namespace != nil:
		f, err = c.compareNamespaces(ctx, v.Prober, got)
	case err == nil:
		f = c.look(got)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return Result{Outcome: Timeout, Cause: "timeout", Expected: r.Expected, Seen: noTime.with()}
	case err != nil:
		return c.failed(r, err)
	}
	r.Seen = f.seen
	if !f.ok {
		r.Outcome, r.Cause, r.Why = Fail, f.cause, whyNode.with()
	}
	return r
}

func (c *nodeCheck) failed(r Result, err error) Result {
	r.Outcome, r.Cause, r.Seen, r.Look = Error, "node", probeFailed.with(err.Error()), lookStatus
	if c.of.Kind == PlacePod && errors.Is(err, ErrNoPod) {
		r.Outcome, r.Cause, r.Why = Fail, "no-pod", whyNode.with()
		r.Look = plainText("kubectl get pod " + c.of.Name)
	}
	return r
}

// lookAt is the same question as a person would ask it.
func (c *nodeCheck) lookAt() Text {
	command := typed(c.argv)
	switch {
	case c.of.Kind == PlaceNode:
		return plainText("drydock node shell " + c.of.Name + " -- " + command)
	case c.of.Namespace != "default":
		return plainText("kubectl exec -n " + c.of.Namespace + " " + c.of.Name + " -- " + command)
	default:
		return plainText("kubectl exec " + c.of.Name + " -- " + command)
	}
}

// presence judges something that must be there, or must not.
func presence(there, absent bool, seen Text) finding {
	switch {
	case there == absent && absent:
		return finding{cause: "unwanted", seen: seen}
	case there == absent:
		return finding{cause: "missing", seen: seen}
	default:
		return finding{ok: true, seen: seen}
	}
}

func wantPresent(absent bool, what string) Text {
	if absent {
		return wantAbsent.with(what)
	}
	return wantThere.with(what)
}

func (c *nodeCheck) file(s FileSpec) error {
	if !strings.HasPrefix(s.Path, "/") {
		return at(fmt.Errorf("path %q: begin with a slash", s.Path), "file", "path")
	}
	if s.Absent && s.Contains != "" {
		return at(errors.New("a file that is absent contains nothing"), "file", "contains")
	}
	c.argv = []string{"cat", s.Path}
	c.want = wantPresent(s.Absent, s.Path)
	if s.Contains != "" {
		c.want = fileHas.with(s.Path, s.Contains)
	}
	c.look = func(r ExecResult) finding {
		if r.Code != 0 {
			return presence(false, s.Absent, plainText(show(strings.TrimSpace(r.Stderr))))
		}
		if f := presence(true, s.Absent, fileSays.with(show(strings.TrimSpace(r.Stdout)))); !f.ok {
			return f
		}
		return finding{strings.Contains(r.Stdout, s.Contains), "content", fileSays.with(show(strings.TrimSpace(r.Stdout)))}
	}
	return nil
}

func (c *nodeCheck) process(s ProcessSpec) error {
	if s.Contains == "" {
		return at(errors.New("say what the command line of the process contains"), "process", "contains")
	}
	c.argv = []string{"ps", "-ef"}
	c.want = wantPresent(s.Absent, s.Contains)
	c.look = func(r ExecResult) finding {
		var names []string
		for i, line := range strings.Split(strings.TrimSpace(r.Stdout), "\n") {
			if i == 0 || strings.HasSuffix(line, strings.Join(c.argv, " ")) {
				continue // the heading, and ps itself
			}
			if strings.Contains(line, s.Contains) {
				return presence(true, s.Absent, plainText(show(strings.TrimSpace(line))))
			}
			if words := strings.Fields(line); len(words) > 0 {
				names = append(names, words[len(words)-1])
			}
		}
		return presence(false, s.Absent, whatRuns.with(show(strings.Join(names, ", "))))
	}
	return nil
}

func (c *nodeCheck) mount(s MountSpec) error {
	if !strings.HasPrefix(s.Path, "/") {
		return at(fmt.Errorf("path %q: begin with a slash", s.Path), "mount", "path")
	}
	c.argv = []string{"cat", "/proc/self/mountinfo"}
	what := strings.Join(strings.Fields("mount "+s.Path+" "+s.Type+" "+s.Option), " ")
	c.want = wantPresent(s.Absent, what)
	c.look = func(r ExecResult) finding {
		var there Text
		for line := range strings.Lines(r.Stdout) {
			m, ok := parseMount(line)
			if !ok || m.path != s.Path {
				continue
			}
			there = plainText("mount " + m.path + " " + m.kind + " " + strings.Join(m.options, ","))
			if (s.Type == "" || m.kind == s.Type) && (s.Option == "" || slices.Contains(m.options, s.Option)) {
				return presence(true, s.Absent, there)
			}
		}
		if there.Empty() {
			there = notMounted.with(s.Path)
		}
		return presence(false, s.Absent, there)
	}
	return nil
}

// mountLine is a line of mountinfo, see proc_pid_mountinfo(5).
type mountLine struct {
	path, kind string
	options    []string
}

func parseMount(line string) (mountLine, bool) {
	before, after, found := strings.Cut(line, " - ")
	f, rest := strings.Fields(before), strings.Fields(after)
	if !found || len(f) < 6 || len(rest) < 1 {
		return mountLine{}, false
	}
	m := mountLine{path: f[4], kind: rest[0], options: strings.Split(f[5], ",")}
	if len(rest) > 2 {
		m.options = append(m.options, strings.Split(rest[2], ",")...)
	}
	return m, true
}

func (c *nodeCheck) namespace(s NamespaceSpec) error {
	if !slices.Contains(namespaceTypes, s.Type) {
		return at(fmt.Errorf("type %q: use one of %s", s.Type, strings.Join(namespaceTypes, ", ")), "namespace", "type")
	}
	if given(s.Same != "", s.Differ != "") != 1 {
		return at(errors.New("give either same or differ"), "namespace")
	}
	other, err := ParsePlace(s.Same + s.Differ)
	if err != nil || other.Kind != PlacePod && other.Kind != PlaceNode {
		return at(fmt.Errorf("place %q: use node/NAME, pod/NAME or pod/NAMESPACE/NAME", s.Same+s.Differ), "namespace")
	}
	c.other, c.argv = other, []string{"readlink", "/proc/self/ns/" + s.Type}
	c.want = nsDiffers.with(s.Type, other)
	if s.Same != "" {
		c.want = nsSame.with(s.Type, other)
	}
	return nil
}

func (c *nodeCheck) compareNamespaces(ctx context.Context, p Prober, mine ExecResult) (finding, error) {
	theirs, err := p.Exec(ctx, c.other, c.argv)
	if err != nil {
		return finding{}, err
	}
	a, b := strings.TrimSpace(mine.Stdout), strings.TrimSpace(theirs.Stdout)
	if mine.Code != 0 || theirs.Code != 0 {
		return finding{}, fmt.Errorf("read the namespaces: %s%s", mine.Stderr, theirs.Stderr)
	}
	same := a == b
	seen := nsDiffers.with(c.spec.Namespace.Type, c.other)
	if same {
		seen = nsSame.with(c.spec.Namespace.Type, c.other)
	}
	return finding{same == (c.spec.Namespace.Same != ""), "namespace", seen}, nil
}

func (c *nodeCheck) route(s RouteSpec) error {
	if s.To == "" {
		return at(errors.New("say where the route leads: default, or a network"), "route", "to")
	}
	c.argv = []string{"cat", "/proc/net/route"}
	c.want = wantPresent(s.Absent, routeText(s.To, s.Via, s.Device))
	c.look = func(r ExecResult) finding {
		var all []string
		for i, line := range strings.Split(strings.TrimSpace(r.Stdout), "\n") {
			route, ok := parseRoute(line)
			if i == 0 || !ok {
				continue
			}
			text := routeText(route.To, route.Via, route.Device)
			if route.To == s.To && (s.Via == "" || route.Via == s.Via) && (s.Device == "" || route.Device == s.Device) {
				return presence(true, s.Absent, plainText(text))
			}
			all = append(all, text)
		}
		return presence(false, s.Absent, whatThereIs.with(show(strings.Join(all, "; "))))
	}
	return nil
}

func routeText(to, via, device string) string {
	text := "route " + to
	if via != "" {
		text += " via " + via
	}
	if device != "" {
		text += " dev " + device
	}
	return text
}

// parseRoute reads a line of /proc/net/route: addresses are hexadecimal in the byte order of the machine (proc_pid_net(5)).
func parseRoute(line string) (RouteSpec, bool) {
	f := strings.Fields(line)
	if len(f) < 8 {
		return RouteSpec{}, false
	}
	to, okTo := hexAddress(f[1])
	via, okVia := hexAddress(f[2])
	mask, err := strconv.ParseUint(f[7], 16, 32)
	if !okTo || !okVia || err != nil {
		return RouteSpec{}, false
	}
	bits := 0
	for ; mask != 0; mask &= mask - 1 {
		bits++
	}
	r := RouteSpec{To: fmt.Sprintf("%s/%d", to, bits), Via: via, Device: f[0]}
	if bits == 0 {
		r.To = "default"
	}
	if via == "0.0.0.0" {
		r.Via = ""
	}
	return r, true
}

func hexAddress(s string) (string, bool) {
	n, err := strconv.ParseUint(s, 16, 32)
	return fmt.Sprintf("%d.%d.%d.%d", n&255, n>>8&255, n>>16&255, n>>24), err == nil
}

func (c *nodeCheck) rule(s RuleSpec) error {
	if s.Contains == "" {
		return at(errors.New("say what the rule contains"), "rule", "contains")
	}
	c.argv = []string{"nft", "list", "ruleset"}
	c.want = wantPresent(s.Absent, s.Contains)
	c.look = func(r ExecResult) finding {
		if r.Code != 0 {
			return finding{cause: "no-rules", seen: plainText(show(strings.TrimSpace(r.Stderr)))}
		}
		for line := range strings.Lines(r.Stdout) {
			if strings.Contains(line, s.Contains) {
				return presence(true, s.Absent, plainText(show(strings.TrimSpace(line))))
			}
		}
		return presence(false, s.Absent, nothingSuch.with())
	}
	return nil
}

var cgroupFile = regexp.MustCompile(`^[a-z]+(\.[a-z0-9_]+)+(:[a-z0-9_]+)?$`)

func (c *nodeCheck) cgroup(s CgroupSpec) error {
	if !cgroupFile.MatchString(s.File) {
		return at(fmt.Errorf("file %q: use a file of the cgroup, such as memory.max or cpu.stat:nr_throttled", s.File), "cgroup", "file")
	}
	if given(s.Is != "", s.Min != nil, s.Max != nil) != 1 {
		return at(errors.New("give exactly one of is, min, max"), "cgroup")
	}
	name, key, _ := strings.Cut(s.File, ":")
	c.argv = []string{"cat", "/sys/fs/cgroup/" + name}
	switch {
	case s.Min != nil:
		c.want = fieldOp.with(s.File, *s.Min, ">=")
	case s.Max != nil:
		c.want = fieldOp.with(s.File, *s.Max, "<=")
	default:
		c.want = fieldIs.with(s.File, s.Is)
	}
	c.look = func(r ExecResult) finding {
		value, ok := cgroupValue(r.Stdout, key)
		if r.Code != 0 || !ok {
			return finding{cause: "missing", seen: plainText(show(strings.TrimSpace(cmp.Or(r.Stderr, r.Stdout))))}
		}
		number, err := strconv.ParseFloat(value, 64)
		good := s.Is != "" && value == s.Is || err == nil && (s.Min != nil && number >= *s.Min || s.Max != nil && number <= *s.Max)
		return finding{good, "value", fieldIs.with(s.File, value)}
	}
	return nil
}

// cgroupValue is the whole of a file, or the value of one of its lines.
func cgroupValue(text, key string) (string, bool) {
	if key == "" {
		return strings.TrimSpace(text), true
	}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == key {
			return f[1], true
		}
	}
	return "", false
}
