package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"time"
)

var _ = register("nc", "[-l] [-p PORT] [-k] [-z] [-u] [-v] [-w SECONDS] [HOST] [PORT]", nc) &&
	register("httpd", "[-f] [-v] [-p [ADDRESS:]PORT] [-h DIR]   (always in the foreground; serves files)", httpd)

func nc(p *process) int {
	o, ok := p.options("lkzuvnp:w:q:N")
	if !ok {
		return p.misuse()
	}
	limit, err := duration(o.value('w', "0"))
	if err != nil {
		return p.misuse()
	}
	network := "tcp"
	if o.has('u') {
		network = "udp"
	}
	if o.has('l') {
		port := o.value('p', "")
		if port == "" && len(o.rest) > 0 {
			port = o.rest[len(o.rest)-1]
		}
		return p.ncListen(network, ":"+port, o.has('k'))
	}
	if len(o.rest) != 2 {
		return p.misuse()
	}
	address := net.JoinHostPort(o.rest[0], o.rest[1])
	conn, err := net.DialTimeout(network, address, limit)
	if err != nil {
		var unknown *net.DNSError
		switch {
		case errors.As(err, &unknown):
			return p.failf("bad address '%s'", o.rest[0])
		case os.IsTimeout(err):
			return p.failf("%s (%s): Connection timed out", o.rest[0], address)
		default:
			return p.failf("%s (%s): %s", o.rest[0], address, reason(err))
		}
	}
	defer conn.Close()
	if o.has('v') || o.has('z') && network == "tcp" {
		fmt.Fprintf(p.stderr, "%s (%s) open\n", o.rest[0], conn.RemoteAddr())
	}
	if o.has('z') {
		return 0
	}
	if limit > 0 {
		_ = conn.SetDeadline(time.Now().Add(limit)) // a connection that ended says so when read
	}
	return p.splice(conn)
}

// splice copies both ways until the other side has nothing more to say.
func (p *process) splice(conn net.Conn) int {
	go func() {
		_, _ = io.Copy(conn, p.stdin) // the reading side reports
		if c, ok := conn.(*net.TCPConn); ok {
			_ = c.CloseWrite() // as above
		}
	}()
	if _, err := io.Copy(p.stdout, conn); err != nil && !os.IsTimeout(err) {
		return p.fail(errors.New(reason(err)))
	}
	return 0
}

func (p *process) ncListen(network, address string, again bool) int {
	if network == "udp" {
		return p.ncDatagrams(address)
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return p.failf("bind: %s", reason(err))
	}
	defer func() { _ = l.Close() }() // the program ends with it
	for {
		conn, err := l.Accept()
		if err != nil {
			return p.fail(err)
		}
		status := p.splice(conn)
		conn.Close()
		if !again {
			return status
		}
	}
}

func (p *process) ncDatagrams(address string) int {
	conn, err := net.ListenPacket("udp", address)
	if err != nil {
		return p.failf("bind: %s", reason(err))
	}
	defer func() { _ = conn.Close() }() // the program ends with it
	buffer := make([]byte, 65536)
	for answering := false; ; {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return p.fail(err)
		}
		if _, err := p.stdout.Write(buffer[:n]); err != nil {
			return p.fail(err)
		}
		if !answering {
			answering = true
			go func() {
				_ = eachLine(p.stdin, func(line string) error { _, err := conn.WriteTo([]byte(line+"\n"), from); return err })
			}() // ends with the program
		}
	}
}

func httpd(p *process) int {
	o, ok := p.options("fvp:h:")
	if !ok {
		return p.misuse()
	}
	address := o.value('p', "80")
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = ":" + address
	}
	dir := o.value('h', ".")
	if !isDir(dir) {
		return p.failf("can't change directory to '%s': No such file or directory", dir)
	}
	files := http.FileServer(http.Dir(dir))
	server := &http.Server{Addr: address, ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.has('v') {
			fmt.Fprintf(p.stderr, "%s: %s %s\n", r.RemoteAddr, r.Method, path.Clean(r.URL.Path))
		}
		files.ServeHTTP(w, r)
	})}
	err := server.ListenAndServe()
	return p.failf("bind: %s", reason(err))
}
