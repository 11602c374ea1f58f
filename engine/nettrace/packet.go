package nettrace

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// packet is the first of a connection.
type packet struct {
	from, to netip.AddrPort
	protocol byte
	mark     uint32
}

func (p *packet) String() string {
	return fmt.Sprintf("%s > %s %s", p.from.Addr(), p.to, protocolName(p.protocol))
}

func protocolName(n byte) string {
	switch n {
	case unix.IPPROTO_TCP:
		return "tcp"
	case unix.IPPROTO_UDP:
		return "udp"
	case unix.IPPROTO_SCTP:
		return "sctp"
	}
	return fmt.Sprint(n)
}

// network is the part of the IPv4 header (RFC 791) that rules look at.
func (p *packet) network() []byte {
	header := make([]byte, 20)
	header[0], header[9] = 0x45, p.protocol
	copy(header[12:], p.from.Addr().AsSlice())
	copy(header[16:], p.to.Addr().AsSlice())
	return header
}

// transport is the part of the TCP or UDP header that rules look at.
func (p *packet) transport() []byte {
	header := make([]byte, 20)
	binary.BigEndian.PutUint16(header, p.from.Port())
	binary.BigEndian.PutUint16(header[2:], p.to.Port())
	return header
}
