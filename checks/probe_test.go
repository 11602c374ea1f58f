package checks_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/checks"
)

// prober gives fixed answers.
type prober struct {
	exec   checks.ExecResult
	http   checks.HTTPResult
	dial   checks.DialResult
	reply  checks.Reply
	lookup []string
	err    error
}

func (p *prober) Exec(context.Context, checks.Place, []string) (checks.ExecResult, error) {
	return p.exec, p.err
}

func (p *prober) HTTP(context.Context, checks.Place, string) (checks.HTTPResult, error) {
	return p.http, p.err
}

func (p *prober) Dial(context.Context, checks.Place, string) (checks.DialResult, error) {
	return p.dial, p.err
}

func (p *prober) Send(context.Context, checks.Place, checks.Datagram) (checks.Reply, error) {
	return p.reply, p.err
}

func (p *prober) Lookup(context.Context, checks.Place, string) ([]string, error) {
	return p.lookup, p.err
}

func TestProbe(t *testing.T) {
	const why = "Only a request that is answered proves that it works."
	get := checks.ProbeSpec{From: "pod/client", HTTP: &checks.HTTPProbe{URL: "http://web:8080/", Contains: "version 1"}}
	tcp := checks.ProbeSpec{TCP: &checks.TCPProbe{Address: "web:8080"}}
	closed := checks.ProbeSpec{From: "pod/other/client", TCP: &checks.TCPProbe{Address: "web:8080", Refused: true}}
	udp := checks.ProbeSpec{From: "pod/client", UDP: &checks.UDPProbe{Address: "echo:7", Send: "ping", Contains: "pong"}}
	mute := checks.ProbeSpec{UDP: &checks.UDPProbe{Address: "echo:7", Send: "ping", Silent: true}}
	dns := checks.ProbeSpec{From: "pod/client", DNS: &checks.DNSProbe{Name: "web", Address: "10.96.0.7"}}
	exec := checks.ProbeSpec{From: "node/node-1", Exec: &checks.ExecProbe{Command: []string{"cat", "/etc/motd"}, Contains: "hello"}}
	shell := checks.ProbeSpec{From: "pod/client", Exec: &checks.ExecProbe{Command: []string{"sh", "-c", "cat $FILE || echo 'none'"}}}
	script := checks.ProbeSpec{From: "pod/client", Exec: &checks.ExecProbe{Command: []string{"sh", "-c", "cd /\ncat motd"}}}
	const quoted = `sh -c 'cat $FILE || echo '\''none'\'''`
	wantGet := `GET http://web:8080/ from pod/client answers 200 and contains "version 1"`
	for name, tt := range map[string]struct {
		spec   checks.ProbeSpec
		prober *prober
		want   reading
	}{
		"http passes": {get, &prober{http: checks.HTTPResult{Status: 200, Body: "web version 1"}}, reading{
			Outcome: "pass", Expected: wantGet, Seen: "it answered 200", Look: "curl -i http://web:8080/",
		}},
		"http refused": {get, &prober{http: checks.HTTPResult{Problem: "connection refused"}}, reading{
			"fail", "no-answer-from-server", "", wantGet, "no answer: connection refused", why, "curl -i http://web:8080/",
		}},
		"http other body": {get, &prober{http: checks.HTTPResult{Status: 200, Body: "web version 2\n"}}, reading{
			"fail", "body", "", wantGet, `it answered 200: "web version 2"`, why, "curl -i http://web:8080/",
		}},
		"http other status": {get, &prober{http: checks.HTTPResult{Status: 503}}, reading{
			"fail", "status", "", wantGet, "it answered 503", why, "curl -i http://web:8080/",
		}},
		"the pod is not there": {get, &prober{err: fmt.Errorf("run: %w", checks.ErrNoPod)}, reading{
			"fail", "no-pod", "", wantGet, "the probe could not be sent: run: the pod does not run", why, "kubectl get pod client",
		}},
		"nobody can ask from there": {tcp, &prober{err: checks.ErrNoPlace}, reading{
			Outcome: "error", Cause: "probe", Seen: "the probe could not be sent: cannot probe from there", Look: "drydock status",
		}},
		"tcp passes": {tcp, &prober{dial: checks.DialResult{Connected: true}}, reading{
			Outcome: "pass", Expected: "web:8080 can be reached from learner", Seen: "it can be reached",
		}},
		"tcp refused": {tcp, &prober{dial: checks.DialResult{Problem: "connection refused"}}, reading{
			"fail", "closed", "", "web:8080 can be reached from learner", "no answer: connection refused", why, "drydock exec -- nc -vz web 8080",
		}},
		"tcp open that should not be": {closed, &prober{dial: checks.DialResult{Connected: true}}, reading{
			"fail", "open", "", "web:8080 cannot be reached from pod/other/client", "it can be reached", "What should be closed is open.", "kubectl exec -n other client -- nc -vz web 8080",
		}},
		"udp passes": {udp, &prober{reply: checks.Reply{Answer: "pong\n"}}, reading{
			Outcome: "pass", Expected: `echo:7 answers over UDP to pod/client and says "pong"`, Seen: `it answered "pong"`,
		}},
		"udp says something else": {udp, &prober{reply: checks.Reply{Answer: "ping"}}, reading{
			"fail", "body", "", `echo:7 answers over UDP to pod/client and says "pong"`, `it answered "ping"`, why, "kubectl exec client -- nc -u -w 1 echo 7",
		}},
		"udp silent": {udp, &prober{reply: checks.Reply{Problem: "nothing came back within 1s"}}, reading{
			"fail", "silent", "", `echo:7 answers over UDP to pod/client and says "pong"`, "no answer: nothing came back within 1s", why, "kubectl exec client -- nc -u -w 1 echo 7",
		}},
		"udp silent as it should be": {mute, &prober{reply: checks.Reply{Problem: "connection refused"}}, reading{
			Outcome: "pass", Expected: "echo:7 does not answer over UDP to learner", Seen: "no answer: connection refused", Why: "What should be closed is open.",
		}},
		"udp answered that should not be": {mute, &prober{reply: checks.Reply{Answer: "pong"}}, reading{
			"fail", "open", "", "echo:7 does not answer over UDP to learner", `it answered "pong"`, "What should be closed is open.", "drydock exec -- nc -u -w 1 echo 7",
		}},
		"dns passes": {dns, &prober{lookup: []string{"10.96.0.7"}}, reading{
			Outcome: "pass", Expected: "the name web leads to 10.96.0.7 for pod/client", Seen: "it leads to 10.96.0.7", Look: "nslookup web",
		}},
		"dns unknown": {dns, &prober{}, reading{
			"fail", "no-name", "", "the name web leads to 10.96.0.7 for pod/client", "the name is not known", why, "nslookup web",
		}},
		"dns elsewhere": {dns, &prober{lookup: []string{"10.96.0.8"}}, reading{
			"fail", "address", "", "the name web leads to 10.96.0.7 for pod/client", "it leads to 10.96.0.8", why, "nslookup web",
		}},
		"exec passes": {exec, &prober{exec: checks.ExecResult{Stdout: "hello you\n"}}, reading{
			Outcome: "pass", Expected: "`cat /etc/motd` on node/node-1 ends with code 0 and prints \"hello\"",
			Seen: `it ended with code 0: "hello you"`,
		}},
		"exec fails": {exec, &prober{exec: checks.ExecResult{Code: 1, Stderr: "no such file"}}, reading{
			"fail", "code", "", "`cat /etc/motd` on node/node-1 ends with code 0 and prints \"hello\"",
			`it ended with code 1: "no such file"`, why, "drydock node shell node-1 -- cat /etc/motd",
		}},
		"exec says something else": {exec, &prober{exec: checks.ExecResult{Stdout: "bye"}}, reading{
			"fail", "output", "", "`cat /etc/motd` on node/node-1 ends with code 0 and prints \"hello\"",
			`it ended with code 0: "bye"`, why, "drydock node shell node-1 -- cat /etc/motd",
		}},
		"a command with blanks can be typed as it is shown": {shell, &prober{exec: checks.ExecResult{Code: 1, Stdout: "none"}}, reading{
			"fail", "code", "", "`" + quoted + "` on pod/client ends with code 0", `it ended with code 1: "none"`, why, "kubectl exec client -- " + quoted,
		}},
		"a script is not shown": {script, &prober{exec: checks.ExecResult{Code: 1, Stdout: "no motd"}}, reading{
			"fail", "code", "", "a short script of the lesson, run on pod/client, ends with code 0", `it ended with code 1: "no motd"`, why, "",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got := read(ask(t, checks.Spec{Probe: &tt.spec}, checks.View{Prober: tt.prober}), "en")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("reason (-want +got):\n%s", diff)
			}
		})
	}
}
