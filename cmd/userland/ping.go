package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

var _ = register("ping", "[-c N] [-i SECONDS] [-W SECONDS] [-s SIZE] [-q] HOST   (IPv4)", ping)

// pinger is one run of ping over an unprivileged ICMP socket (icmp(7), ping_group_range).
type pinger struct {
	p              *process
	fd             int
	to             unix.SockaddrInet4
	name           string
	size           int
	sent, received int
	total          time.Duration
	least, most    time.Duration
}

func ping(p *process) int {
	o, ok := p.options("c:i:W:w:s:q4n")
	if !ok || len(o.rest) != 1 {
		return p.misuse()
	}
	var numbers [2]int64
	for i, letter := range []byte("cs") {
		n, err := count(o.value(letter, []string{"0", "56"}[i]))
		if err != nil {
			return p.fail(err)
		}
		numbers[i] = n
	}
	interval, errI := duration(o.value('i', "1"))
	patience, errW := duration(o.value('W', "10"))
	if errI != nil || errW != nil {
		return p.misuse()
	}
	address, err := net.ResolveIPAddr("ip4", o.rest[0])
	if err != nil {
		return p.failf("bad address '%s'", o.rest[0])
	}
	g := &pinger{p: p, name: o.rest[0], size: int(numbers[1]), least: 1 << 62}
	copy(g.to.Addr[:], address.IP.To4())
	if g.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP); err != nil {
		g.fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)
	}
	if err != nil {
		return p.failf("no ICMP socket: %s (the sysctl net.ipv4.ping_group_range does not include this group, and CAP_NET_RAW is missing)", reason(err))
	}
	defer unix.Close(g.fd)
	fmt.Fprintf(p.stdout, "PING %s (%s): %d data bytes\n", g.name, address, g.size)
	return g.run(int(numbers[0]), interval, patience, o.has('q'))
}

func (g *pinger) run(most int, interval, patience time.Duration, quiet bool) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	tick := time.NewTicker(max(interval, time.Millisecond))
	for most == 0 || g.sent < most {
		took, ttl, err := g.once(patience)
		switch {
		case err == nil && !quiet:
			fmt.Fprintf(g.p.stdout, "%d bytes from %s: seq=%d ttl=%d time=%.3f ms\n", g.size+8, net.IP(g.to.Addr[:]), g.sent-1, ttl, float64(took.Microseconds())/1000)
		case err != nil && !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR):
			return g.p.failf("sendto: %s", reason(err))
		}
		if g.sent == most {
			break
		}
		select {
		case <-tick.C:
			continue
		case <-stop:
		}
		break
	}
	return g.summary()
}

// once sends one echo request and waits for its reply.
func (g *pinger) once(patience time.Duration) (took time.Duration, ttl int, err error) {
	packet := make([]byte, 8+g.size)
	packet[0] = 8 // echo request (RFC 792)
	binary.BigEndian.PutUint16(packet[4:], uint16(os.Getpid()))
	binary.BigEndian.PutUint16(packet[6:], uint16(g.sent))
	binary.BigEndian.PutUint16(packet[2:], checksum(packet))
	began := time.Now()
	g.sent++
	if err := unix.Sendto(g.fd, packet, 0, &g.to); err != nil {
		return 0, 0, err
	}
	if err := unix.SetsockoptInt(g.fd, unix.IPPROTO_IP, unix.IP_RECVTTL, 1); err != nil {
		return 0, 0, err
	}
	reply, control := make([]byte, 65536), make([]byte, 128)
	for {
		left := time.Until(began.Add(patience))
		if left <= 0 {
			return 0, 0, unix.EAGAIN
		}
		limit := unix.NsecToTimeval(left.Nanoseconds())
		if err := unix.SetsockoptTimeval(g.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit); err != nil {
			return 0, 0, err
		}
		n, controlled, _, _, err := unix.Recvmsg(g.fd, reply, control, 0)
		if err != nil {
			return 0, 0, err
		}
		message := reply[:n]
		if n > 28 && message[0]>>4 == 4 { // a raw socket also gives the IP header
			message = message[int(message[0]&15)*4:]
		}
		if len(message) < 8 || message[0] != 0 || binary.BigEndian.Uint16(message[6:]) != uint16(g.sent-1) {
			continue
		}
		took = time.Since(began)
		g.received++
		g.total, g.least, g.most = g.total+took, min(g.least, took), max(g.most, took)
		return took, receivedTTL(control[:controlled]), nil
	}
}

func receivedTTL(control []byte) int {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0
	}
	for _, m := range messages {
		if m.Header.Type == unix.IP_TTL && len(m.Data) > 0 {
			return int(m.Data[0])
		}
	}
	return 0
}

// checksum is the Internet's (RFC 1071).
func checksum(packet []byte) uint16 {
	var sum uint32
	for i, b := range packet {
		if i%2 == 0 {
			sum += uint32(b) << 8
		} else {
			sum += uint32(b)
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

func (g *pinger) summary() int {
	lost := 100 * (g.sent - g.received) / max(g.sent, 1)
	fmt.Fprintf(g.p.stdout, "\n--- %s ping statistics ---\n%d packets transmitted, %d packets received, %d%% packet loss\n", g.name, g.sent, g.received, lost)
	if g.received == 0 {
		return 1
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Fprintf(g.p.stdout, "round-trip min/avg/max = %.3f/%.3f/%.3f ms\n", ms(g.least), ms(g.total/time.Duration(g.received)), ms(g.most))
	return 0
}
