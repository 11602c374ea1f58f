package main

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

var _ = register("ss", "[-tulnap]   (TCP and UDP)", ss) && register("netstat", "[-tulnap]   (TCP and UDP)", ss)

// socket is a line of /proc/net/tcp and its siblings (proc_pid_net(5)).
type socket struct {
	protocol      string
	local, remote netip.AddrPort
	state         string
	inode         string
}

var tcpStates = []string{"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"}

// sockets reads one file; a kernel without IPv6 has no tcp6.
func sockets(protocol string) []socket {
	text, err := os.ReadFile("/proc/net/" + protocol)
	if err != nil {
		return nil
	}
	var list []socket
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 10 || f[0] == "sl" {
			continue
		}
		n, err := strconv.ParseUint(f[3], 16, 8)
		if err != nil || int(n) >= len(tcpStates) {
			continue
		}
		s := socket{protocol: protocol, local: procAddress(f[1]), remote: procAddress(f[2]), state: tcpStates[n], inode: f[9]}
		if strings.HasPrefix(protocol, "udp") && s.state == "CLOSE" {
			s.state = "UNCONN"
		}
		list = append(list, s)
	}
	return list
}

// procAddress reads 0100007F:1F90: words of four bytes, each in the machine's order (here little endian).
func procAddress(text string) netip.AddrPort {
	address, port, _ := strings.Cut(text, ":")
	bytes, err := hex.DecodeString(address)
	if err != nil {
		return netip.AddrPort{}
	}
	for i := 0; i+3 < len(bytes); i += 4 {
		bytes[i], bytes[i+1], bytes[i+2], bytes[i+3] = bytes[i+3], bytes[i+2], bytes[i+1], bytes[i]
	}
	a, _ := netip.AddrFromSlice(bytes)
	n, _ := strconv.ParseUint(port, 16, 16) // the kernel writes numbers
	return netip.AddrPortFrom(a, uint16(n))
}

func endpoint(a netip.AddrPort) string {
	port := "*"
	if a.Port() != 0 {
		port = strconv.Itoa(int(a.Port()))
	}
	switch {
	case a.Addr().Is6() && a.Addr().IsUnspecified():
		return ":::" + port
	case a.Addr().Is6():
		return a.Addr().Unmap().String() + ":" + port
	default:
		return a.Addr().String() + ":" + port
	}
}

func ss(p *process) int {
	o, ok := p.options("tulnapeWr")
	if !ok {
		return p.misuse()
	}
	protocols := []string{"tcp", "tcp6", "udp", "udp6"}
	if o.has('t') != o.has('u') {
		protocols = map[bool][]string{true: {"tcp", "tcp6"}, false: {"udp", "udp6"}}[o.has('t')]
	}
	owners := map[string]string{}
	if o.has('p') {
		owners = socketOwners()
	}
	if p.name == "ss" {
		fmt.Fprintf(p.stdout, "%-5s %-12s %-26s %-26s %s\n", "Netid", "State", "Local Address:Port", "Peer Address:Port", "Process")
	} else {
		fmt.Fprintf(p.stdout, "Active Internet connections\n%-5s %6s %6s %-23s %-23s %-11s %s\n", "Proto", "Recv-Q", "Send-Q", "Local Address", "Foreign Address", "State", "PID/Program name")
	}
	for _, protocol := range protocols {
		for _, s := range sockets(protocol) {
			listening := s.state == "LISTEN" || s.state == "UNCONN"
			if listening != o.has('l') && !o.has('a') {
				continue
			}
			if p.name == "ss" {
				fmt.Fprintf(p.stdout, "%-5s %-12s %-26s %-26s %s\n", s.protocol[:3], s.state, endpoint(s.local), endpoint(s.remote), owners[s.inode])
			} else {
				fmt.Fprintf(p.stdout, "%-5s %6d %6d %-23s %-23s %-11s %s\n", s.protocol, 0, 0, endpoint(s.local), endpoint(s.remote), strings.ReplaceAll(s.state, "UNCONN", ""), owners[s.inode])
			}
		}
	}
	return 0
}

// socketOwners maps a socket's inode to pid/name, for the processes we may look into.
func socketOwners() map[string]string {
	owners := map[string]string{}
	list, err := tasks()
	if err != nil {
		return owners
	}
	for _, t := range list {
		links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", t.pid))
		if err != nil {
			continue
		}
		for _, link := range links {
			target, err := os.Readlink(link)
			if inode, ok := strings.CutPrefix(target, "socket:["); err == nil && ok {
				owners[strings.TrimSuffix(inode, "]")] = fmt.Sprintf("%d/%s", t.pid, filepath.Base(t.argv0))
			}
		}
	}
	return owners
}
