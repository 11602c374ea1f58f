package main_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// freePort is one that nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// serve starts an applet and waits until it listens.
func serve(t *testing.T, port, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(links, name), args...)
	cmd.Env = []string{"WEB_VERSION=7", "PATH=" + links}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it runs until it is told
		_ = cmd.Wait()
	})
	// The shell's own nc asks until somebody listens.
	out, status := sh(t, "timeout 10 sh -c 'until nc -z 127.0.0.1 "+port+" 2>/dev/null; do :; done'")
	if status != 0 {
		t.Fatalf("%s does not listen on %s: %s", name, port, out)
	}
}

func TestWebClients(t *testing.T) {
	port := freePort(t)
	serve(t, port, "web", "-p", port)
	closed := freePort(t)
	for _, c := range []struct {
		line, want string
		status     int
	}{
		{"wget -qO- localhost:PORT/version", "7\n", 0},
		{"wget -O /dev/null http://localhost:PORT/version", "Connecting to localhost (127.0.0.1:PORT)\n", 0},
		{"wget -q -O- http://127.0.0.1:PORT/none", "wget: server returned error: HTTP/1.1 404 Not Found\n", 1},
		{"wget -qO- 127.0.0.1:CLOSED", "wget: can't connect to remote host (127.0.0.1): Connection refused\n", 1},
		{"wget -T 1 -qO- '127.0.0.1:PORT/slow?ms=5000'", "wget: download timed out\n", 1},
		{"wget -q nosuch.invalid", "wget: bad address 'nosuch.invalid'\n", 1},
		{"wget -q --spider 127.0.0.1:PORT/", "", 0},
		{"wget -q 127.0.0.1:PORT/version && cat version", "7\n", 0},
		{"curl -s localhost:PORT/version", "7\n", 0},
		{`curl -s -o /dev/null -w '%{http_code}\n' 127.0.0.1:PORT/none`, "404\n", 0},
		{"curl -sI 127.0.0.1:PORT/ | head -n 1 | tr -d '\\r'", "HTTP/1.1 200 OK\n", 0},
		{"curl -s -X POST 127.0.0.1:PORT/readyz/off; curl -sf 127.0.0.1:PORT/readyz", "off\n", 22},
		{"curl -s -m 1 '127.0.0.1:PORT/slow?ms=5000'", "", 28},
		{"curl -sS nosuch.invalid", "curl: (6) Could not resolve host: nosuch.invalid\n", 6},
		{"curl -s 127.0.0.1:CLOSED", "", 7},
		{"nc -z 127.0.0.1 PORT", "127.0.0.1 (127.0.0.1:PORT) open\n", 0},
		{"nc -z 127.0.0.1 CLOSED", "nc: 127.0.0.1 (127.0.0.1:CLOSED): Connection refused\n", 1},
		{"load -c 2 -d 0.2s 127.0.0.1:PORT/version | grep -c 'errors    0'", "1\n", 0},
		{"ss -tln | grep -c ':PORT '", "1\n", 0},
	} {
		fill := strings.NewReplacer("PORT", port, "CLOSED", closed)
		got, status := sh(t, fill.Replace(c.line))
		want := fill.Replace(c.want)
		if c.status != status || !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s\n printed %q, status %d\n want    %q, status %d", c.line, got, status, want, c.status)
		}
	}
}

func TestHTTPD(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "page.html"), []byte("a page\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	serve(t, port, "httpd", "-p", "127.0.0.1:"+port, "-h", dir)
	if got, _ := sh(t, "wget -qO- 127.0.0.1:"+port+"/page.html"); got != "a page\n" {
		t.Errorf("httpd served %q", got)
	}
}

// TestLookup asks a name server that knows one name.
func TestLookup(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go answerNames(conn)
	server := conn.LocalAddr().String()
	for _, c := range []struct {
		line, want string
		status     int
	}{
		{"nslookup web.default.svc.cluster.local. " + server, fmt.Sprintf("Server:\t\t127.0.0.1\nAddress:\t%s\n\nName:\tweb.default.svc.cluster.local\nAddress: 10.96.0.10\n\n", server), 0},
		{"nslookup none.example. " + server, fmt.Sprintf("Server:\t\t127.0.0.1\nAddress:\t%s\n\n** server can't find none.example: NXDOMAIN\n\n", server), 1},
		{"dig +short @" + server + " web.default.svc.cluster.local", "10.96.0.10\n", 0},
		{"dig @" + server + " none.example | head -n 1 | grep -o 'status: [A-Z]*'", "status: NXDOMAIN\n", 0},
	} {
		if got, status := sh(t, c.line); got != c.want || status != c.status {
			t.Errorf("%s\n printed %q, status %d\n want    %q, status %d", c.line, got, status, c.want, c.status)
		}
	}
}

func answerNames(conn net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.RCode = true, dnsmessage.RCodeNameError
		if q := m.Questions[0]; q.Name.String() == "web.default.svc.cluster.local." {
			m.RCode = dnsmessage.RCodeSuccess
			if q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 30},
					Body:   &dnsmessage.AResource{A: [4]byte{10, 96, 0, 10}},
				}}
			}
		}
		if packed, err := m.Pack(); err == nil {
			_, _ = conn.WriteTo(packed, from) // the client asks again
		}
	}
}
