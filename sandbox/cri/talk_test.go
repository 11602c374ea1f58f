package cri_test

import (
	"io"
	"net"
	"testing"
)

// talk sends text to a TCP server, closes its side, and returns all that came back.
func talk(t *testing.T, address, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, text)
	must(t, err)
	must(t, conn.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(conn)
	must(t, err)
	return string(answer)
}
