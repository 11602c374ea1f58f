package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

var _ = register("ip", "[-4|-6|-br] addr|link|route|neigh [show]   (shows only)", ip) &&
	register("ifconfig", "[INTERFACE]   (shows only)", ifconfig)

func ip(p *process) int {
	brief, family := false, unix.AF_UNSPEC
	words := p.args
	for len(words) > 0 && len(words[0]) > 1 && words[0][0] == '-' {
		switch words[0] {
		case "-4":
			family = unix.AF_INET
		case "-6":
			family = unix.AF_INET6
		case "-br", "-brief":
			brief = true
		case "-o", "-c", "-color":
		default:
			return p.misuse()
		}
		words = words[1:]
	}
	if len(words) == 0 {
		return p.misuse()
	}
	object, rest := words[0], words[1:]
	if len(rest) > 0 && !slices.Contains([]string{"show", "list", "ls", "s", "sh", "l", "dev", "get"}, rest[0]) {
		return p.failf("only showing works here: ip %s show", object)
	}
	device := ""
	if len(rest) > 0 && rest[len(rest)-1] != rest[0] || len(rest) == 2 {
		device = rest[len(rest)-1]
	}
	var err error
	switch {
	case strings.HasPrefix("address", object):
		err = p.ipLinks(device, brief, true, family)
	case strings.HasPrefix("link", object):
		err = p.ipLinks(device, brief, false, family)
	case strings.HasPrefix("route", object):
		err = p.ipRoutes(family)
	case strings.HasPrefix("neighbour", object) || strings.HasPrefix("neighbor", object):
		err = p.ipNeighbours()
	default:
		return p.misuse()
	}
	if err != nil {
		return p.fail(err)
	}
	return 0
}

// netlinkDump asks the kernel for all objects of a kind (rtnetlink(7)).
func netlinkDump(request, family int) ([]syscall.NetlinkMessage, error) {
	answer, err := syscall.NetlinkRIB(request, family)
	if err != nil {
		return nil, err
	}
	return syscall.ParseNetlinkMessage(answer)
}

// attributesOf maps a message's attributes by type; header is the length of the fixed part before them.
func attributesOf(m syscall.NetlinkMessage, header int) map[uint16][]byte {
	found := map[uint16][]byte{}
	for data := m.Data[min(header, len(m.Data)):]; len(data) >= 4; {
		length := int(binary.NativeEndian.Uint16(data))
		if length < 4 || length > len(data) {
			break
		}
		found[binary.NativeEndian.Uint16(data[2:])&0x3fff] = data[4:length]
		data = data[min((length+3)&^3, len(data)):]
	}
	return found
}

func addressOf(bytes []byte) string {
	if a, ok := netip.AddrFromSlice(bytes); ok {
		return a.String()
	}
	return ""
}

func linkFlags(l net.Interface) string {
	var words []string
	for _, f := range []struct {
		flag net.Flags
		name string
	}{{net.FlagLoopback, "LOOPBACK"}, {net.FlagBroadcast, "BROADCAST"}, {net.FlagPointToPoint, "POINTOPOINT"}, {net.FlagMulticast, "MULTICAST"}, {net.FlagUp, "UP"}, {net.FlagRunning, "LOWER_UP"}} {
		if l.Flags&f.flag != 0 {
			words = append(words, f.name)
		}
	}
	return strings.Join(words, ",")
}

func linkState(l net.Interface) string {
	switch {
	case l.Flags&net.FlagLoopback != 0:
		return "UNKNOWN"
	case l.Flags&net.FlagRunning != 0:
		return "UP"
	default:
		return "DOWN"
	}
}

func (p *process) ipLinks(device string, brief, withAddresses bool, family int) error {
	links, err := net.Interfaces()
	if err != nil {
		return err
	}
	shown := false
	for _, l := range links {
		if device != "" && device != l.Name {
			continue
		}
		shown = true
		addresses, err := l.Addrs()
		if err != nil {
			return err
		}
		hardware := l.HardwareAddr.String()
		if hardware == "" {
			hardware = "00:00:00:00:00:00"
		}
		if brief {
			words := []string{hardware}
			if withAddresses {
				words = nil
				for _, a := range addresses {
					words = append(words, a.String())
				}
			}
			fmt.Fprintf(p.stdout, "%-16s %-14s %s\n", l.Name, linkState(l), strings.Join(words, " "))
			continue
		}
		kind := "ether"
		if l.Flags&net.FlagLoopback != 0 {
			kind = "loopback"
		}
		fmt.Fprintf(p.stdout, "%d: %s: <%s> mtu %d state %s\n    link/%s %s\n", l.Index, l.Name, linkFlags(l), l.MTU, linkState(l), kind, hardware)
		if withAddresses {
			p.ipAddresses(l, addresses, family)
		}
	}
	if !shown && device != "" {
		return fmt.Errorf("can't find device '%s'", device)
	}
	return nil
}

func (p *process) ipAddresses(l net.Interface, addresses []net.Addr, family int) {
	for _, a := range addresses {
		network, ok := a.(*net.IPNet)
		if !ok {
			continue
		}
		word, scope := "inet", "global"
		if network.IP.To4() == nil {
			word = "inet6"
		}
		if word == "inet" && family == unix.AF_INET6 || word == "inet6" && family == unix.AF_INET {
			continue
		}
		if network.IP.IsLoopback() {
			scope = "host"
		} else if network.IP.IsLinkLocalUnicast() {
			scope = "link"
		}
		fmt.Fprintf(p.stdout, "    %s %s scope %s %s\n       valid_lft forever preferred_lft forever\n", word, network, scope, l.Name)
	}
}

func deviceName(index []byte) string {
	if len(index) < 4 {
		return ""
	}
	l, err := net.InterfaceByIndex(int(binary.NativeEndian.Uint32(index)))
	if err != nil {
		return fmt.Sprintf("if%d", binary.NativeEndian.Uint32(index))
	}
	return l.Name
}

func (p *process) ipRoutes(family int) error {
	if family == unix.AF_UNSPEC {
		family = unix.AF_INET
	}
	messages, err := netlinkDump(unix.RTM_GETROUTE, family)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Header.Type != unix.RTM_NEWROUTE || len(m.Data) < unix.SizeofRtMsg || m.Data[4] != unix.RT_TABLE_MAIN || int(m.Data[0]) != family {
			continue
		}
		fmt.Fprintln(p.stdout, routeLine(m))
	}
	return nil
}

// routeLine is one route; rtm_dst_len, rtm_protocol and rtm_scope are bytes 1, 5 and 6 of struct rtmsg.
func routeLine(m syscall.NetlinkMessage) string {
	a := attributesOf(m, unix.SizeofRtMsg)
	text := "default"
	if to := addressOf(a[unix.RTA_DST]); to != "" {
		text = to
		if bits := len(a[unix.RTA_DST]) * 8; int(m.Data[1]) != bits {
			text += fmt.Sprintf("/%d", m.Data[1])
		}
	}
	if via := addressOf(a[unix.RTA_GATEWAY]); via != "" {
		text += " via " + via
	}
	if device := deviceName(a[unix.RTA_OIF]); device != "" {
		text += " dev " + device
	}
	if m.Data[5] == unix.RTPROT_KERNEL {
		text += " proto kernel"
	}
	if m.Data[6] == unix.RT_SCOPE_LINK {
		text += " scope link"
	}
	if source := addressOf(a[unix.RTA_PREFSRC]); source != "" {
		text += " src " + source
	}
	if metric := a[unix.RTA_PRIORITY]; len(metric) >= 4 {
		text += fmt.Sprintf(" metric %d", binary.NativeEndian.Uint32(metric))
	}
	return text
}

var neighbourStates = map[uint16]string{
	unix.NUD_INCOMPLETE: "INCOMPLETE", unix.NUD_REACHABLE: "REACHABLE", unix.NUD_STALE: "STALE", unix.NUD_DELAY: "DELAY",
	unix.NUD_PROBE: "PROBE", unix.NUD_FAILED: "FAILED", unix.NUD_PERMANENT: "PERMANENT",
}

func (p *process) ipNeighbours() error {
	messages, err := netlinkDump(unix.RTM_GETNEIGH, unix.AF_UNSPEC)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Header.Type != unix.RTM_NEWNEIGH || len(m.Data) < unix.SizeofNdMsg {
			continue
		}
		a := attributesOf(m, unix.SizeofNdMsg)
		state := binary.NativeEndian.Uint16(m.Data[8:])
		if state == unix.NUD_NOARP || addressOf(a[unix.NDA_DST]) == "" {
			continue
		}
		text := addressOf(a[unix.NDA_DST]) + " dev " + deviceName(m.Data[4:8])
		if hardware := a[unix.NDA_LLADDR]; len(hardware) > 0 {
			text += " lladdr " + net.HardwareAddr(hardware).String()
		}
		fmt.Fprintln(p.stdout, text, neighbourStates[state])
	}
	return nil
}

func ifconfig(p *process) int {
	links, err := net.Interfaces()
	if err != nil {
		return p.fail(err)
	}
	for _, l := range links {
		if len(p.args) > 0 && p.args[0] != "-a" && p.args[0] != l.Name {
			continue
		}
		kind := "Ethernet  HWaddr " + strings.ToUpper(l.HardwareAddr.String())
		if l.Flags&net.FlagLoopback != 0 {
			kind = "Local Loopback"
		}
		fmt.Fprintf(p.stdout, "%-9s Link encap:%s\n", l.Name, kind)
		addresses, err := l.Addrs()
		if err != nil {
			return p.fail(err)
		}
		for _, a := range addresses {
			if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil {
				fmt.Fprintf(p.stdout, "          inet addr:%s  Mask:%s\n", n.IP, net.IP(n.Mask))
			} else if ok {
				fmt.Fprintf(p.stdout, "          inet6 addr: %s\n", n)
			}
		}
		fmt.Fprintf(p.stdout, "          %s  MTU:%d\n\n", strings.ReplaceAll(linkFlags(l), ",", " "), l.MTU)
	}
	return 0
}
