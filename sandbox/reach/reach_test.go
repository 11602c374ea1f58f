package reach_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"drydock/sandbox/reach"
)

var here = reach.Dialer(new(net.Dialer).DialContext)

// closed is an address where nobody listens any more.
func closed(t *testing.T, network string) string {
	t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }() // it was only asked
		return c.LocalAddr().String()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestHTTP(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		_, _ = w.Write([]byte("hello"))
	}))
	defer s.Close()
	for url, want := range map[string]reach.Page{
		s.URL + "/":                        {Status: 200, Body: "hello"},
		"http://" + closed(t, "tcp") + "/": {Problem: "connection refused"},
	} {
		got, err := here.HTTP(t.Context(), url)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", url, err, diff)
		}
	}
	if got, err := here.HTTP(t.Context(), s.URL+"/away"); err != nil || got.Status != http.StatusFound {
		t.Errorf("a redirect: %+v, %v", got, err)
	}
}

func TestTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for address, want := range map[string]reach.Connection{
		l.Addr().String(): {Connected: true}, closed(t, "tcp"): {Problem: "connection refused"},
	} {
		got, err := here.TCP(t.Context(), address)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", address, err, diff)
		}
	}
}

func TestUDP(t *testing.T) {
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	go func() { // ends when c is closed
		buffer := make([]byte, 100)
		for {
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			if text := string(buffer[:n]); text != "quiet" {
				_, _ = c.WriteTo([]byte("you said "+text), from) // the test sees what is missing
			}
		}
	}()
	ask := func(address, payload string, wait time.Duration) reach.Reply {
		t.Helper()
		got, err := here.UDP(t.Context(), address, payload, wait)
		if err != nil {
			t.Error(err)
		}
		return got
	}
	if got := ask(c.LocalAddr().String(), "hello", time.Minute); got != (reach.Reply{Answer: "you said hello"}) {
		t.Errorf("somebody answers: %+v", got)
	}
	if got := ask(c.LocalAddr().String(), "quiet", 20*time.Millisecond); got.Answer != "" || !strings.Contains(got.Problem, "nothing came back") {
		t.Errorf("nobody answers: %+v", got)
	}
	if got := ask(closed(t, "udp"), "hello", time.Minute); got != (reach.Reply{Problem: "connection refused"}) {
		t.Errorf("nobody listens: %+v", got)
	}
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer stop()
	if _, err := here.UDP(ctx, c.LocalAddr().String(), "quiet", time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("no time: %v", err)
	}
}

func TestNames(t *testing.T) {
	if got, err := reach.Names(t.Context(), "localhost"); err != nil || len(got) == 0 {
		t.Errorf("localhost: %v, %v", got, err)
	}
	if got, err := reach.Names(t.Context(), "no such name"); err != nil || len(got) != 0 {
		t.Errorf("no such name: %v, %v", got, err)
	}
}
