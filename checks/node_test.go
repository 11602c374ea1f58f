package checks_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
)

// machine answers commands, by place and first words.
type machine map[string]checks.ExecResult

func (m machine) Exec(_ context.Context, from checks.Place, argv []string) (checks.ExecResult, error) {
	r, ok := m[from.String()+": "+strings.Join(argv, " ")]
	if !ok {
		return r, fmt.Errorf("run on %s: %w", from, checks.ErrNoPod)
	}
	return r, nil
}

func (machine) HTTP(context.Context, checks.Place, string) (checks.HTTPResult, error) {
	return checks.HTTPResult{}, checks.ErrNoPlace
}

func (machine) Dial(context.Context, checks.Place, string) (checks.DialResult, error) {
	return checks.DialResult{}, checks.ErrNoPlace
}

func (machine) Send(context.Context, checks.Place, checks.Datagram) (checks.Reply, error) {
	return checks.Reply{}, checks.ErrNoPlace
}

func (machine) Lookup(context.Context, checks.Place, string) ([]string, error) {
	return nil, checks.ErrNoPlace
}

func TestNode(t *testing.T) {
	says := func(s string) checks.ExecResult { return checks.ExecResult{Stdout: s} }
	m := machine{
		"pod/web: cat /etc/motd": says("hello\n"), "pod/web: cat /none": {Code: 1, Stderr: "cat: no such file"},
		"node/node-1: ps -ef":                 says("PID CMD\n1 /bin/runtime\n7 kubelet --node=1\n9 ps -ef\n"),
		"pod/web: cat /proc/self/mountinfo":   says("36 35 0:30 / /data ro,nosuid - tmpfs tmpfs rw,size=64k\n"),
		"pod/web: readlink /proc/self/ns/net": says("net:[7]\n"), "pod/side: readlink /proc/self/ns/net": says("net:[7]\n"), "node/node-1: readlink /proc/self/ns/net": says("net:[1]\n"),
		"pod/web: cat /proc/net/route":               says("Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\neth0 00000000 0101F40A 0003 0 0 0 00000000 0 0 0\neth0 0001F40A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"),
		"node/node-1: nft list ruleset":              says("table ip proxy {\n  tcp dport 80 drop\n}\n"),
		"pod/web: cat /sys/fs/cgroup/memory.max":     says("67108864\n"),
		"pod/web: cat /sys/fs/cgroup/cpu.stat":       says("usage_usec 5\nnr_throttled 3\n"),
		"pod/db/main: cat /sys/fs/cgroup/memory.max": {Code: 1, Stderr: "cat: no such file"},
	}
	low, high := 1.0, 100.0
	for name, tt := range map[string]struct {
		spec checks.NodeSpec
		want reading
	}{
		"file":         {checks.NodeSpec{Of: "pod/web", File: &checks.FileSpec{Path: "/etc/motd", Contains: "hell"}}, reading{Outcome: "pass", Seen: `it contains "hello"`}},
		"file says":    {checks.NodeSpec{Of: "pod/web", File: &checks.FileSpec{Path: "/etc/motd", Contains: "bye"}}, reading{Outcome: "fail", Cause: "content", Seen: `it contains "hello"`}},
		"no file":      {checks.NodeSpec{Of: "pod/web", File: &checks.FileSpec{Path: "/none"}}, reading{Outcome: "fail", Cause: "missing", Seen: "cat: no such file"}},
		"absent":       {checks.NodeSpec{Of: "pod/web", File: &checks.FileSpec{Path: "/none", Absent: true}}, reading{Outcome: "pass", Seen: "cat: no such file"}},
		"not absent":   {checks.NodeSpec{Of: "pod/web", File: &checks.FileSpec{Path: "/etc/motd", Absent: true}}, reading{Outcome: "fail", Cause: "unwanted", Seen: `it contains "hello"`}},
		"process":      {checks.NodeSpec{Of: "node/node-1", Process: &checks.ProcessSpec{Contains: "kubelet"}}, reading{Outcome: "pass", Seen: "7 kubelet --node=1"}},
		"no process":   {checks.NodeSpec{Of: "node/node-1", Process: &checks.ProcessSpec{Contains: "proxy"}}, reading{Outcome: "fail", Cause: "missing", Seen: "what runs: /bin/runtime, --node=1"}},
		"mount":        {checks.NodeSpec{Of: "pod/web", Mount: &checks.MountSpec{Path: "/data", Type: "tmpfs", Option: "ro"}}, reading{Outcome: "pass", Seen: "mount /data tmpfs ro,nosuid,rw,size=64k"}},
		"other mount":  {checks.NodeSpec{Of: "pod/web", Mount: &checks.MountSpec{Path: "/data", Type: "overlay"}}, reading{Outcome: "fail", Cause: "missing", Seen: "mount /data tmpfs ro,nosuid,rw,size=64k"}},
		"no mount":     {checks.NodeSpec{Of: "pod/web", Mount: &checks.MountSpec{Path: "/logs"}}, reading{Outcome: "fail", Cause: "missing", Seen: "nothing is mounted at /logs"}},
		"shared net":   {checks.NodeSpec{Of: "pod/web", Namespace: &checks.NamespaceSpec{Type: "net", Same: "pod/side"}}, reading{Outcome: "pass", Seen: "its net namespace is that of pod/side"}},
		"own net":      {checks.NodeSpec{Of: "pod/web", Namespace: &checks.NamespaceSpec{Type: "net", Same: "node/node-1"}}, reading{Outcome: "fail", Cause: "namespace", Seen: "its net namespace is not that of node/node-1"}},
		"route":        {checks.NodeSpec{Of: "pod/web", Route: &checks.RouteSpec{To: "default", Via: "10.244.1.1", Device: "eth0"}}, reading{Outcome: "pass", Seen: "route default via 10.244.1.1 dev eth0"}},
		"no route":     {checks.NodeSpec{Of: "pod/web", Route: &checks.RouteSpec{To: "10.9.0.0/16"}}, reading{Outcome: "fail", Cause: "missing", Seen: "what there is: route default via 10.244.1.1 dev eth0; route 10.244.1.0/24 dev eth0"}},
		"rule":         {checks.NodeSpec{Of: "node/node-1", Rule: &checks.RuleSpec{Contains: "dport 80"}}, reading{Outcome: "pass", Seen: "tcp dport 80 drop"}},
		"rule to go":   {checks.NodeSpec{Of: "node/node-1", Rule: &checks.RuleSpec{Contains: "drop", Absent: true}}, reading{Outcome: "fail", Cause: "unwanted", Seen: "tcp dport 80 drop"}},
		"limit":        {checks.NodeSpec{Of: "pod/web", Cgroup: &checks.CgroupSpec{File: "memory.max", Is: "67108864"}}, reading{Outcome: "pass", Seen: "memory.max is 67108864"}},
		"limit high":   {checks.NodeSpec{Of: "pod/web", Cgroup: &checks.CgroupSpec{File: "memory.max", Max: &high}}, reading{Outcome: "fail", Cause: "value", Seen: "memory.max is 67108864"}},
		"throttled":    {checks.NodeSpec{Of: "pod/web", Cgroup: &checks.CgroupSpec{File: "cpu.stat:nr_throttled", Min: &low}}, reading{Outcome: "pass", Seen: "cpu.stat:nr_throttled is 3"}},
		"no cgroup":    {checks.NodeSpec{Of: "pod/db/main", Cgroup: &checks.CgroupSpec{File: "memory.max", Is: "max"}}, reading{Outcome: "fail", Cause: "missing", Seen: "cat: no such file"}},
		"no pod":       {checks.NodeSpec{Of: "pod/other", File: &checks.FileSpec{Path: "/x"}}, reading{Outcome: "fail", Cause: "no-pod", Seen: "the probe could not be sent: run on pod/other: the pod does not run"}},
		"no such node": {checks.NodeSpec{Of: "node/node-9", File: &checks.FileSpec{Path: "/x"}}, reading{Outcome: "error", Cause: "node", Seen: "the probe could not be sent: run on node/node-9: the pod does not run"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := read(ask(t, checks.Spec{Node: &tt.spec}, checks.View{Prober: m}), "en")
			got := reading{Outcome: r.Outcome, Cause: r.Cause, Seen: r.Seen}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
			if r.Expected == "" || r.Look == "" {
				t.Errorf("nothing expected, or nowhere to look: %+v", r)
			}
		})
	}
}

func TestChains(t *testing.T) {
	const (
		serviceWeb = `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: default}, spec: {clusterIP: 10.96.0.7, selector: {app: wbe}, ports: [{port: 80, targetPort: http}]}}`
		serviceOK  = `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: default}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}}`
		webPort    = `{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: default, labels: {app: web}}, spec: {containers: [{name: web, ports: [{containerPort: 9090, name: http}]}]}, status: {phase: Running, conditions: [{type: Ready, status: "True"}]}}`
		webBroken  = `{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: default, labels: {app: web}}, spec: {nodeName: n, containers: [{name: web}]}, status: {phase: Pending, containerStatuses: [{name: web, state: {waiting: {reason: ImagePullBackOff, message: "Back-off pulling image x"}}}]}}`
		webPending = `{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: default, labels: {app: web}}, spec: {containers: [{name: web}]}, status: {phase: Pending, conditions: [{type: PodScheduled, status: "False", reason: Unschedulable, message: "0/1 nodes are available: 1 Insufficient memory."}]}}`
		deployWeb  = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: default}, spec: {replicas: 1, selector: {matchLabels: {app: web}}}, status: {readyReplicas: 0}}`
	)
	slice := checks.Spec{Object: &checks.ObjectSpec{Kind: "EndpointSlice", Selector: "kubernetes.io/service-name=web"}}
	reach := checks.Spec{Probe: &checks.ProbeSpec{HTTP: &checks.HTTPProbe{URL: "http://web/"}}}
	byIP := checks.Spec{Probe: &checks.ProbeSpec{TCP: &checks.TCPProbe{Address: "10.96.0.7:80"}}}
	up := checks.Spec{Object: &checks.ObjectSpec{Kind: "Deployment", Name: "web", That: []checks.Condition{{CEL: "object.status.readyReplicas == 1"}}}}
	for name, tt := range map[string]struct {
		spec  checks.Spec
		world fixed
		want  string
	}{
		"a slip in the selector": {slice, fixed{serviceWeb, webPort}, "the selector of Service web, app=wbe, matches no pod; did you mean app=web?"},
		"seen by a probe":        {reach, fixed{serviceWeb, webPort}, "no answer: connection refused; the selector of Service web, app=wbe, matches no pod; did you mean app=web?"},
		"by its address":         {byIP, fixed{serviceWeb, webPort}, "did you mean app=web?"},
		"no pod at all":          {reach, fixed{serviceWeb}, "the selector of Service web, app=wbe, matches no pod"},
		"another port":           {reach, fixed{serviceOK, webPort}, "Service web sends to port 8080; its pods declare 9090, http"},
		"none is ready":          {reach, fixed{serviceOK, webBroken}, "Service web selects 1 pods, and none is Ready: Pod web-1 is ImagePullBackOff: Back-off pulling image x"},
		"no Service":             {reach, fixed{webPort}, "no answer: connection refused; there is no Service web"},
		"an image":               {up, fixed{deployWeb, webBroken}, "because Pod web-1 is ImagePullBackOff: Back-off pulling image x"},
		"no room":                {up, fixed{deployWeb, webPending}, "because Pod web-1 is Pending: 0/1 nodes are available: 1 Insufficient memory."},
	} {
		t.Run(name, func(t *testing.T) {
			p := &prober{http: checks.HTTPResult{Problem: "connection refused"}, dial: checks.DialResult{Problem: "connection refused"}}
			r := ask(t, tt.spec, checks.View{Objects: tt.world, Prober: p})
			if r.Outcome != checks.Fail || !strings.HasSuffix(r.Seen.In("en"), tt.want) {
				t.Errorf("seen: %s", r.Seen.In("en"))
			}
		})
	}
}

func TestShow(t *testing.T) {
	spec := scaled()
	spec.Object.Show = []string{"spec.replicas", "status.readyReplicas", "status.none"}
	r := ask(t, spec, checks.View{Objects: fixed{twoOfTwo}})
	if got := r.Seen.In("en"); got != "deployment/web: spec.replicas is 2, status.readyReplicas is 2, status.none is not set" {
		t.Errorf("seen: %s", got)
	}
}
