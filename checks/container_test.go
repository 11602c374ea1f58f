package checks_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
)

const inspected = `{"name":"web","image":"drydock/web:1","state":"running","exitCode":0,"layers":1,
"limits":{"memory":67108864,"cpus":0.5},"diff":[{"kind":"C","path":"/etc"},{"kind":"A","path":"/etc/motd"},{"kind":"D","path":"/srv/index.html"}]}`

func TestContainer(t *testing.T) {
	ask1 := "node/node-1: docknode ctr inspect "
	m := machine{
		ask1 + "web":  {Stdout: inspected},
		ask1 + "done": {Stdout: `{"state":"exited","exitCode":3,"layers":0,"limits":{},"diff":[]}`},
		ask1 + "none": {Code: 1, Stderr: "ctr: no such container: none"},
		ask1 + "sick": {Code: 4, Stderr: "ctr: the runtime is tired"},
	}
	one, two, three, half, whole := 1, 2, 3, 0.5, 1.0
	for name, tt := range map[string]struct {
		spec checks.ContainerSpec
		want reading
	}{
		"runs":        {checks.ContainerSpec{Name: "web", State: "running"}, reading{Outcome: "pass", Seen: "state is running"}},
		"there":       {checks.ContainerSpec{Name: "done"}, reading{Outcome: "pass", Seen: "state is exited"}},
		"gone":        {checks.ContainerSpec{Name: "none", State: "absent"}, reading{Outcome: "pass", Seen: "there is none"}},
		"not gone":    {checks.ContainerSpec{Name: "web", State: "absent"}, reading{Outcome: "fail", Cause: "state", Seen: "state is running"}},
		"missing":     {checks.ContainerSpec{Name: "none", Image: "a"}, reading{Outcome: "fail", Cause: "missing", Seen: "there is none"}},
		"ended":       {checks.ContainerSpec{Name: "done", State: "running"}, reading{Outcome: "fail", Cause: "state", Seen: "state is exited"}},
		"code":        {checks.ContainerSpec{Name: "done", ExitCode: &three}, reading{Outcome: "pass", Seen: "state is exited, exit code is 3"}},
		"no code yet": {checks.ContainerSpec{Name: "web", ExitCode: new(int)}, reading{Outcome: "fail", Cause: "exit-code", Seen: "state is running, exit code is 0"}},
		"image":       {checks.ContainerSpec{Name: "web", Image: "drydock/web:2"}, reading{Outcome: "fail", Cause: "image", Seen: "image is drydock/web:1"}},
		"layers":      {checks.ContainerSpec{Name: "web", Layers: &checks.Count{Min: &one, Max: &two}}, reading{Outcome: "pass", Seen: "layers is 1"}},
		"few layers":  {checks.ContainerSpec{Name: "web", Layers: &checks.Count{Min: &two}}, reading{Outcome: "fail", Cause: "layers", Seen: "layers is 1"}},
		"limits":      {checks.ContainerSpec{Name: "web", Limits: &checks.LimitsSpec{Memory: "64Mi", CPUs: &half}}, reading{Outcome: "pass", Seen: "cpu limit is 0.5"}},
		"more memory": {checks.ContainerSpec{Name: "web", Limits: &checks.LimitsSpec{Memory: "1Gi"}}, reading{Outcome: "fail", Cause: "limits", Seen: "memory limit is 64Mi"}},
		"more cpu":    {checks.ContainerSpec{Name: "web", Limits: &checks.LimitsSpec{CPUs: &whole}}, reading{Outcome: "fail", Cause: "limits", Seen: "cpu limit is 0.5"}},
		"no limits":   {checks.ContainerSpec{Name: "done", Limits: &checks.LimitsSpec{Memory: "64Mi"}}, reading{Outcome: "fail", Cause: "limits", Seen: "memory limit is 0"}},
		"added":       {checks.ContainerSpec{Name: "web", Diff: &checks.DiffSpec{Path: "/etc/motd", Change: "added"}}, reading{Outcome: "pass", Seen: "A /etc/motd"}},
		"not deleted": {checks.ContainerSpec{Name: "web", Diff: &checks.DiffSpec{Path: "/etc/motd", Change: "deleted"}}, reading{Outcome: "fail", Cause: "diff", Seen: "A /etc/motd"}},
		"left alone":  {checks.ContainerSpec{Name: "web", Diff: &checks.DiffSpec{Path: "/bin", Absent: true}}, reading{Outcome: "pass", Seen: "/bin is not in its diff"}},
		"touched":     {checks.ContainerSpec{Name: "web", Diff: &checks.DiffSpec{Path: "/srv/index.html", Absent: true}}, reading{Outcome: "fail", Cause: "diff", Seen: "D /srv/index.html"}},
		"copies": {
			checks.ContainerSpec{Name: "done", Diff: &checks.DiffSpec{Path: "/x"}},
			reading{Outcome: "error", Cause: "container", Seen: "the probe could not be sent: containers are whole copies on this machine, which has no overlays"},
		},
		"ours": {checks.ContainerSpec{Name: "sick"}, reading{Outcome: "error", Cause: "container", Seen: "the probe could not be sent: ctr: the runtime is tired"}},
	} {
		t.Run(name, func(t *testing.T) {
			result := ask(t, checks.Spec{Container: &tt.spec}, checks.View{Prober: m})
			r := read(result, "en")
			if diff := cmp.Diff(tt.want, reading{Outcome: r.Outcome, Cause: r.Cause, Seen: r.Seen}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if result.Outcome == checks.Fail && (result.Expected.Empty() || result.Why.Empty() || result.Look.Empty()) {
				t.Errorf("a failure without a reason or a next step: %+v", result)
			}
		})
	}
}

func TestContainerMistakes(t *testing.T) {
	for want, spec := range map[string]checks.ContainerSpec{
		`name "": use the name that the container was run with`:      {},
		`name "a b": use the name that the container was run with`:   {Name: "a b"},
		`state "dead": use created, running, exited, absent`:         {Name: "a", State: "dead"},
		`path "etc": begin with a slash`:                             {Name: "a", Diff: &checks.DiffSpec{Path: "etc"}},
		`change "A": use added, changed or deleted`:                  {Name: "a", Diff: &checks.DiffSpec{Path: "/etc", Change: "A"}},
		`memory "lots": use a quantity such as 64Mi`:                 {Name: "a", Limits: &checks.LimitsSpec{Memory: "lots"}},
		`give memory, cpus or both`:                                  {Name: "a", Limits: &checks.LimitsSpec{}},
		`a container that is absent has nothing to ask about`:        {Name: "a", State: "absent", Image: "b"},
		`node "node/node-1": use the name of a node, such as node-1`: {Name: "a", Node: "node/node-1"},
	} {
		if _, err := checks.Compile(checks.Spec{Container: &spec}); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
