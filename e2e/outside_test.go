package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"drydock/engine/cluster/control"
)

// outside is what a program of the machine, and not of the lab, gets from a forwarded port:
//
//	outside get HOST NAMESPACE/SERVICE PORT PATH REGEXP
//	outside ask NAMESPACE/SERVICE PORT NAME ADDRESS       (over UDP: what a name server there says)
//
// It waits until `drydock status` tells of the port.
func outside(ts *testscript.TestScript, run func(args ...string) *exec.Cmd, args []string) {
	if len(args) == 6 && args[0] == "get" {
		port := awaitForward(ts, run, args[2], args[3], args[1])
		text, err := getAs(args[1], "http://"+port.Address+args[4])
		if err != nil || !regexp.MustCompile("(?m)"+args[5]).MatchString(text) {
			ts.Fatalf("%s%s as %s: %q, %v", port.Address, args[4], args[1], text, err)
		}
		return
	}
	if len(args) == 5 && args[0] == "ask" {
		port := awaitForward(ts, run, args[1], args[2], "")
		resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "udp", port.Address)
		}}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		addresses, err := resolver.LookupHost(ctx, args[3]+".")
		if err != nil || !slices.Contains(addresses, args[4]) {
			ts.Fatalf("%s at %s: %v, %v", args[3], port.Address, addresses, err)
		}
		return
	}
	ts.Fatalf("usage: outside get HOST NAMESPACE/SERVICE PORT PATH REGEXP | outside ask NAMESPACE/SERVICE PORT NAME ADDRESS")
}

// awaitForward asks for the status until it has the port, and, for a host with a dot, knows that it is served there.
func awaitForward(ts *testscript.TestScript, run func(args ...string) *exec.Cmd, service, port, host string) control.Forwarded {
	var last []byte
	for deadline := time.After(patience); ; {
		var status control.Status
		var err error
		if last, err = run("status", "--json").Output(); err == nil {
			err = json.Unmarshal(last, &status)
		}
		ts.Check(err)
		for _, f := range status.Forwards {
			named := f.Namespace+"/"+f.Service == service && fmt.Sprint(f.Port) == port
			if named && (!strings.Contains(host, ".") || slices.Contains(f.Hosts, host)) {
				return f
			}
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-deadline:
			ts.Fatalf("no port of this machine leads to %s, port %s: %s", service, port, last)
		}
	}
}

// getAs asks as a browser that was told a host. The port is open before the rules of the kernel are: a first no is not the last word.
func getAs(host, url string) (string, error) {
	var all error
	for deadline := time.After(patience); ; {
		request, err := http.NewRequest(http.MethodGet, url, http.NoBody)
		if err != nil {
			return "", err
		}
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			return string(text), err
		}
		all = errors.Join(all, err)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-deadline:
			return "", all
		}
	}
}
