package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/miekg/dns"
	"k8s.io/client-go/informers"
)

// Config is all a server must be told.
type Config struct {
	// Informers watch Services, EndpointSlices and Namespaces. The server adds indexes to them, so New comes before their start.
	Informers informers.SharedInformerFactory
	// Domain is the cluster's; default cluster.local.
	Domain string
	// Packets and Streams are where questions arrive by UDP and by TCP. Run closes them.
	Packets net.PacketConn
	Streams net.Listener
}

// Server answers questions about the cluster's names.
//
// Its goroutines, all started by Run and ended before it returns: one that reads packets, one that accepts connections, and one
// for each question.
type Server struct {
	// set once in New
	cfg    Config
	domain string // as in a question: lower case, with the dot at the end
	source *source
}

// New prepares a server; nothing is answered before Run.
func New(cfg Config) (*Server, error) {
	if cfg.Domain == "" {
		cfg.Domain = "cluster.local"
	}
	if cfg.Packets == nil || cfg.Streams == nil {
		return nil, errors.New("a name server needs a UDP and a TCP socket")
	}
	src, err := newSource(cfg.Informers)
	if err != nil {
		return nil, fmt.Errorf("index the cluster's names: %w", err)
	}
	return &Server{cfg: cfg, domain: dns.Fqdn(strings.ToLower(cfg.Domain)), source: src}, nil
}

// Run answers until ctx ends; it returns nil then. Before the first lists have arrived it answers "try again" (SERVFAIL).
func (s *Server) Run(ctx context.Context) error {
	servers := []*dns.Server{
		{PacketConn: s.cfg.Packets, Handler: s},
		{Listener: s.cfg.Streams, Handler: s},
	}
	ended := make(chan error, len(servers))
	for _, server := range servers {
		// Shutdown of a server that has not begun is an error and does not close its socket.
		begun := make(chan struct{})
		server.NotifyStartedFunc = func() { close(begun) }
		go func() { ended <- server.ActivateAndServe() }()
		<-begun
	}
	var errs []error
	select {
	case <-ctx.Done():
	case err := <-ended:
		errs = append(errs, fmt.Errorf("answer questions: %w", errors.Join(err, errEnded)))
	}
	for _, server := range servers {
		_ = server.Shutdown() // its only error is that the server has ended already
	}
	for range len(servers) - len(errs) {
		_ = errors.Join(<-ended) // we have ended it
	}
	return errors.Join(errs...)
}

var errEnded = errors.New("the socket was closed")

// ServeDNS answers one question; it is called by many goroutines at the same time.
func (s *Server) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	reply := s.Answer(question)
	size := dns.MaxMsgSize
	if _, packet := w.RemoteAddr().(*net.UDPAddr); packet {
		size = dns.MinMsgSize // RFC 1035, 4.2.1, unless the client says that it can take more (EDNS0, RFC 6891)
		if option := question.IsEdns0(); option != nil {
			size = max(size, int(option.UDPSize()))
		}
	}
	reply.Truncate(size)
	_ = w.WriteMsg(reply) // the client is gone: it will ask again
}

// Answer returns the reply to one message.
func (s *Server) Answer(question *dns.Msg) *dns.Msg {
	reply := new(dns.Msg)
	if question.Opcode != dns.OpcodeQuery || len(question.Question) != 1 {
		return reply.SetRcode(question, dns.RcodeNotImplemented)
	}
	reply.SetReply(question)
	reply.Authoritative, reply.RecursionAvailable = true, true
	if option := question.IsEdns0(); option != nil {
		reply.SetEdns0(max(option.UDPSize(), dns.MinMsgSize), false)
	}
	if !s.source.synced() {
		reply.Rcode = dns.RcodeServerFailure
		return reply
	}
	q := question.Question[0]
	found := s.lookup(q.Name, q.Qtype)
	reply.Answer, reply.Extra = found.answers, append(found.extra, reply.Extra...)
	if !found.exists {
		reply.Rcode = dns.RcodeNameError
	}
	if len(found.answers) == 0 {
		reply.Ns = []dns.RR{s.authority(q.Name)} // how long "no" may be remembered (RFC 2308)
	}
	return reply
}
