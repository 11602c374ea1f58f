package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var _ = register("nslookup", "[-type=A|AAAA|SRV|TXT|PTR|NS|CNAME|MX] NAME [SERVER]", nslookup) &&
	register("dig", "[@SERVER] [+short] [+search] [-x] NAME [TYPE]", dig) &&
	register("host", "NAME", hostApplet)

// resolver is what resolv.conf(5) says.
type resolver struct {
	servers []string
	search  []string
	ndots   int
}

func readResolver(path string) resolver {
	r := resolver{ndots: 1}
	text, err := os.ReadFile(path)
	if err != nil {
		return resolver{servers: []string{"127.0.0.1:53"}, ndots: 1} // as the page says
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			r.servers = append(r.servers, net.JoinHostPort(fields[1], "53"))
		case "search", "domain":
			r.search = fields[1:]
		case "options":
			for _, option := range fields[1:] {
				if n, ok := strings.CutPrefix(option, "ndots:"); ok {
					r.ndots, _ = strconv.Atoi(n) // nonsense is 0
				}
			}
		}
	}
	if len(r.servers) == 0 {
		r.servers = []string{"127.0.0.1:53"}
	}
	return r
}

// candidates are the names to ask for, in order: with fewer dots than ndots the search list comes first.
func (r resolver) candidates(name string) []string {
	if strings.HasSuffix(name, ".") {
		return []string{name}
	}
	var searched []string
	for _, domain := range r.search {
		searched = append(searched, name+"."+strings.TrimSuffix(domain, ".")+".")
	}
	if strings.Count(name, ".") >= r.ndots {
		return append([]string{name + "."}, searched...)
	}
	return append(searched, name+".")
}

var recordTypes = map[string]dnsmessage.Type{
	"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "SRV": dnsmessage.TypeSRV, "TXT": dnsmessage.TypeTXT, "PTR": dnsmessage.TypePTR,
	"NS": dnsmessage.TypeNS, "CNAME": dnsmessage.TypeCNAME, "MX": dnsmessage.TypeMX, "SOA": dnsmessage.TypeSOA, "ANY": dnsmessage.TypeALL,
}

func typeName(t dnsmessage.Type) string { return strings.TrimPrefix(t.String(), "Type") }

// ask sends one question by UDP, and again by TCP when the answer did not fit (RFC 7766).
func ask(server, name string, kind dnsmessage.Type) (dnsmessage.Message, error) {
	var reply dnsmessage.Message
	question, err := dnsmessage.NewName(name)
	if err != nil {
		return reply, fmt.Errorf("bad name %q", name)
	}
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: uint16(time.Now().UnixNano()), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: question, Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := query.Pack()
	if err != nil {
		return reply, err
	}
	for range 2 {
		if reply, err = exchange("udp", server, packed, query.ID); err == nil {
			break
		}
	}
	if err == nil && reply.Truncated {
		reply, err = exchange("tcp", server, packed, query.ID)
	}
	return reply, err
}

func exchange(network, server string, packed []byte, id uint16) (reply dnsmessage.Message, err error) {
	conn, err := net.DialTimeout(network, server, 5*time.Second)
	if err != nil {
		return reply, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return reply, err
	}
	if network == "tcp" {
		packed = append([]byte{byte(len(packed) >> 8), byte(len(packed))}, packed...)
	}
	if _, err := conn.Write(packed); err != nil {
		return reply, err
	}
	buffer := make([]byte, 65537)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return reply, err
		}
		text := buffer[:n]
		for network == "tcp" && (len(text) < 2 || len(text) < 2+int(text[0])<<8+int(text[1])) {
			more, err := conn.Read(buffer[n:])
			if err != nil {
				return reply, err
			}
			n += more
			text = buffer[:n]
		}
		if network == "tcp" {
			text = text[2:]
		}
		if err := reply.Unpack(text); err == nil && reply.ID == id {
			return reply, nil
		}
	}
}

// resolve asks the servers for each candidate until one has an answer; the reply that said most is returned.
func (r resolver) resolve(name string, kind dnsmessage.Type) (reply dnsmessage.Message, full, server string, err error) {
	for _, full = range r.candidates(name) {
		for _, server = range r.servers {
			if reply, err = ask(server, full, kind); err == nil {
				break
			}
		}
		if err != nil || len(reply.Answers) > 0 {
			return reply, full, server, err
		}
	}
	return reply, full, server, err
}

// reverseName is the name under in-addr.arpa or ip6.arpa.
func reverseName(a netip.Addr) string {
	var out strings.Builder
	bytes := a.AsSlice()
	for i := len(bytes) - 1; i >= 0; i-- {
		if a.Is4() {
			fmt.Fprintf(&out, "%d.", bytes[i])
		} else {
			fmt.Fprintf(&out, "%x.%x.", bytes[i]&15, bytes[i]>>4)
		}
	}
	if a.Is4() {
		return out.String() + "in-addr.arpa."
	}
	return out.String() + "ip6.arpa."
}

// recordText is the right-hand side of a record in a zone file.
func recordText(body dnsmessage.ResourceBody) string {
	switch b := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(b.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(b.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return b.CNAME.String()
	case *dnsmessage.PTRResource:
		return b.PTR.String()
	case *dnsmessage.NSResource:
		return b.NS.String()
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", b.Pref, b.MX)
	case *dnsmessage.SRVResource:
		return fmt.Sprintf("%d %d %d %s", b.Priority, b.Weight, b.Port, b.Target)
	case *dnsmessage.TXTResource:
		return `"` + strings.Join(b.TXT, `" "`) + `"`
	case *dnsmessage.SOAResource:
		return fmt.Sprintf("%s %s %d %d %d %d %d", b.NS, b.MBox, b.Serial, b.Refresh, b.Retry, b.Expire, b.MinTTL)
	}
	return "?"
}

var rcodes = map[dnsmessage.RCode]string{
	dnsmessage.RCodeSuccess: "NOERROR", dnsmessage.RCodeNameError: "NXDOMAIN", dnsmessage.RCodeServerFailure: "SERVFAIL",
	dnsmessage.RCodeRefused: "REFUSED", dnsmessage.RCodeFormatError: "FORMERR", dnsmessage.RCodeNotImplemented: "NOTIMP",
}

func withPort(server string) string {
	if _, _, err := net.SplitHostPort(server); err == nil {
		return server
	}
	return net.JoinHostPort(server, "53")
}

func nslookup(p *process) int {
	kinds := []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA}
	asked := false
	var words []string
	for _, word := range p.args {
		kind, isType := "", false
		for _, prefix := range []string{"-type=", "-querytype=", "-query=", "-q="} {
			if text, ok := strings.CutPrefix(word, prefix); ok {
				kind, isType = text, true
			}
		}
		if isType {
			t, ok := recordTypes[strings.ToUpper(kind)]
			if !ok {
				return p.failf("invalid query type %q", kind)
			}
			kinds, asked = []dnsmessage.Type{t}, true
			continue
		}
		words = append(words, word)
	}
	if len(words) == 0 || len(words) > 2 {
		return p.misuse()
	}
	r := readResolver("/etc/resolv.conf")
	if len(words) == 2 {
		r.servers = []string{withPort(words[1])}
	}
	name := words[0]
	if a, err := netip.ParseAddr(name); err == nil && !asked {
		name, kinds = reverseName(a), []dnsmessage.Type{dnsmessage.TypePTR}
	}
	return p.nslookupAll(r, name, kinds)
}

// nslookupAll prints busybox's two paragraphs: the server, then what it said.
func (p *process) nslookupAll(r resolver, name string, kinds []dnsmessage.Type) int {
	host, _, _ := net.SplitHostPort(r.servers[0])
	fmt.Fprintf(p.stdout, "Server:\t\t%s\nAddress:\t%s\n\n", host, r.servers[0])
	answered := false
	var last dnsmessage.Message
	var full string
	for _, kind := range kinds {
		reply, name, _, err := r.resolve(name, kind)
		if err != nil {
			fmt.Fprintf(p.stdout, ";; connection timed out; no servers could be reached\n\n")
			return 1
		}
		for _, record := range reply.Answers {
			answered = true
			p.nslookupRecord(record)
		}
		if last, full = reply, name; len(reply.Answers) > 0 {
			r.search = nil // the other type is asked for the name that exists
		}
	}
	switch {
	case answered:
		fmt.Fprintln(p.stdout)
		return 0
	case last.RCode == dnsmessage.RCodeSuccess:
		fmt.Fprintf(p.stdout, "*** Can't find %s: No answer\n\n", strings.TrimSuffix(name, "."))
	default:
		fmt.Fprintf(p.stdout, "** server can't find %s: %s\n\n", strings.TrimSuffix(full, "."), rcodes[last.RCode])
	}
	return 1
}

func (p *process) nslookupRecord(record dnsmessage.Resource) {
	name, text := strings.TrimSuffix(record.Header.Name.String(), "."), strings.TrimSuffix(recordText(record.Body), ".")
	switch record.Header.Type {
	case dnsmessage.TypeA, dnsmessage.TypeAAAA:
		fmt.Fprintf(p.stdout, "Name:\t%s\nAddress: %s\n", name, text)
	case dnsmessage.TypeCNAME:
		fmt.Fprintf(p.stdout, "%s\tcanonical name = %s\n", name, text)
	case dnsmessage.TypePTR:
		fmt.Fprintf(p.stdout, "%s\tname = %s\n", name, text)
	case dnsmessage.TypeSRV:
		fmt.Fprintf(p.stdout, "%s\tservice = %s\n", name, text)
	case dnsmessage.TypeTXT:
		fmt.Fprintf(p.stdout, "%s\ttext = %s\n", name, text)
	default:
		fmt.Fprintf(p.stdout, "%s\t%s = %s\n", name, strings.ToLower(typeName(record.Header.Type)), text)
	}
}

func dig(p *process) int {
	r := readResolver("/etc/resolv.conf")
	kind, name, short, search := dnsmessage.TypeA, "", false, false
	for i := 0; i < len(p.args); i++ {
		word := p.args[i]
		t, isType := recordTypes[strings.ToUpper(word)]
		switch {
		case word[:min(1, len(word))] == "@":
			r.servers = []string{withPort(word[1:])}
		case word == "+short":
			short = true
		case word == "+search":
			search = true
		case strings.HasPrefix(word, "+"), word == "-t":
		case word == "-x" && i+1 < len(p.args):
			i++
			a, err := netip.ParseAddr(p.args[i])
			if err != nil {
				return p.failf("%s is no address", p.args[i])
			}
			name, kind = reverseName(a), dnsmessage.TypePTR
		case isType && name != "":
			kind = t
		default:
			name = word
		}
	}
	if name == "" {
		return p.misuse()
	}
	if !search && !strings.HasSuffix(name, ".") {
		name += "."
	}
	began := time.Now()
	reply, full, server, err := r.resolve(name, kind)
	if err != nil {
		fmt.Fprintln(p.stdout, ";; connection timed out; no servers could be reached")
		return 9
	}
	if short {
		for _, record := range reply.Answers {
			fmt.Fprintln(p.stdout, recordText(record.Body))
		}
		return 0
	}
	p.digReply(reply, full, kind)
	fmt.Fprintf(p.stdout, "\n;; Query time: %d msec\n;; SERVER: %s\n", time.Since(began).Milliseconds(), server)
	return 0
}

func (p *process) digReply(reply dnsmessage.Message, name string, kind dnsmessage.Type) {
	fmt.Fprintf(p.stdout, ";; ->>HEADER<<- opcode: QUERY, status: %s, id: %d\n;; QUERY: 1, ANSWER: %d, AUTHORITY: %d, ADDITIONAL: %d\n\n",
		rcodes[reply.RCode], reply.ID, len(reply.Answers), len(reply.Authorities), len(reply.Additionals))
	fmt.Fprintf(p.stdout, ";; QUESTION SECTION:\n;%s\t\tIN\t%s\n", name, typeName(kind))
	for _, section := range []struct {
		title   string
		records []dnsmessage.Resource
	}{{"ANSWER", reply.Answers}, {"AUTHORITY", reply.Authorities}} {
		if len(section.records) > 0 {
			fmt.Fprintf(p.stdout, "\n;; %s SECTION:\n", section.title)
		}
		for _, record := range section.records {
			fmt.Fprintf(p.stdout, "%s\t%d\tIN\t%s\t%s\n", record.Header.Name, record.Header.TTL, typeName(record.Header.Type), recordText(record.Body))
		}
	}
}

func hostApplet(p *process) int {
	if len(p.args) != 1 {
		return p.misuse()
	}
	reply, full, _, err := readResolver("/etc/resolv.conf").resolve(p.args[0], dnsmessage.TypeA)
	if err != nil {
		return p.fail(errors.New("connection timed out; no servers could be reached"))
	}
	for _, record := range reply.Answers {
		fmt.Fprintf(p.stdout, "%s has address %s\n", strings.TrimSuffix(record.Header.Name.String(), "."), recordText(record.Body))
	}
	if len(reply.Answers) == 0 {
		fmt.Fprintf(p.stdout, "Host %s not found: %s\n", strings.TrimSuffix(full, "."), rcodes[reply.RCode])
		return 1
	}
	return 0
}
