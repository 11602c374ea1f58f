package handshake

import (
	"encoding/binary"
	"errors"
)

// A body is its fields in the order in which code names them: numbers as varints, texts and lists behind their length.
// JSON would be the obvious choice, but arguments and environments are bytes and not always UTF-8, and decoding it took a
// tenth of the time that a container takes to start.

// Body is what a frame may carry: *Setup or *Failure.
type Body interface {
	code(c *codec)
}

var errMalformed = errors.New("malformed body")

// codec goes through the fields of a body in one of two directions, so that both cannot but agree.
type codec struct {
	decoding bool
	buf      []byte // written so far, or left to read
	err      error
}

func encode(b Body) []byte {
	c := codec{buf: make([]byte, 0, 4096)}
	b.code(&c)
	return c.buf
}

func decodeInto(b Body, buf []byte) error {
	c := codec{decoding: true, buf: buf}
	b.code(&c)
	if c.err == nil && len(c.buf) > 0 {
		return errMalformed
	}
	return c.err
}

func (c *codec) uint64(v *uint64) {
	if !c.decoding {
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	n, size := binary.Uvarint(c.buf)
	if size <= 0 || c.err != nil {
		c.fail()
		return
	}
	*v, c.buf = n, c.buf[size:]
}

// fail makes everything that follows read as zero.
func (c *codec) fail() { c.err, c.buf = errMalformed, nil }

// number goes by way of 64 bits, where a negative one has its upper bits set and comes back as it was.
func number[T ~int | ~uint16 | ~uint64](c *codec, v *T) {
	n := uint64(*v)
	c.uint64(&n)
	if c.decoding { // what is encoded is only read: it may be shared
		*v = T(n)
	}
}

func (c *codec) flag(v *bool) {
	n := 0
	if *v {
		n = 1
	}
	number(c, &n)
	if c.decoding {
		*v = n == 1
	}
}

func (c *codec) bytes(v *[]byte) {
	n := len(*v)
	number(c, &n)
	if !c.decoding {
		c.buf = append(c.buf, *v...)
		return
	}
	if n < 0 || n > len(c.buf) {
		c.fail()
		return
	}
	*v, c.buf = c.buf[:n:n], c.buf[n:]
}

func (c *codec) text(v *string) {
	b := []byte(*v)
	c.bytes(&b)
	if c.decoding {
		*v = string(b)
	}
}

func list[T any](c *codec, v *[]T, each func(*codec, *T)) {
	n := len(*v)
	number(c, &n)
	if c.decoding {
		if n < 0 || n > len(c.buf) { // an element takes a byte at least
			c.fail()
			return
		}
		if n > 0 {
			*v = make([]T, n)
		}
	}
	for i := range *v {
		each(c, &(*v)[i])
	}
}

func (c *codec) texts(v *[]string) { list(c, v, (*codec).text) }

// optional codes what v points to, if it points to anything.
func optional[T any](c *codec, v **T, code func(*codec, *T)) {
	there := *v != nil
	c.flag(&there)
	if !there {
		return
	}
	if *v == nil {
		*v = new(T)
	}
	code(c, *v)
}

func (s *Setup) code(c *codec) {
	number(c, &s.Doors)
	optional(c, &s.Root, func(c *codec, r *Root) { r.code(c) })
	s.Process.code(c)
}

func (r *Root) code(c *codec) {
	c.text(&r.Path)
	c.flag(&r.Readonly)
	c.text(&r.Hostname)
	c.text(&r.Domainname)
	c.flag(&r.Loopback)
	list(c, &r.Sysctl, func(c *codec, s *Setting) { c.text(&s.Name); c.text(&s.Value) })
	list(c, &r.Mounts, func(c *codec, m *Mount) { m.code(c) })
	c.texts(&r.Devices)
	c.texts(&r.Masked)
	c.texts(&r.ReadOnly)
}

func (m *Mount) code(c *codec) {
	c.text(&m.Destination)
	c.text(&m.Type)
	c.text(&m.Source)
	c.flag(&m.Recursive)
	number(c, &m.Set)
	number(c, &m.Clear)
	number(c, &m.SetAll)
	number(c, &m.Propagation)
	c.texts(&m.Data)
}

func (p *Process) code(c *codec) {
	c.texts(&p.Args)
	c.texts(&p.Env)
	c.text(&p.Cwd)
	c.flag(&p.Terminal)
	number(c, &p.Rows)
	number(c, &p.Cols)
	number(c, &p.UID)
	number(c, &p.GID)
	list(c, &p.Groups, number[int])
	number(c, &p.Umask)
	for _, set := range []*uint64{&p.Caps.Bounding, &p.Caps.Effective, &p.Caps.Permitted, &p.Caps.Inheritable, &p.Caps.Ambient} {
		number(c, set)
	}
	c.flag(&p.KeepAll)
	c.flag(&p.NoNewPrivs)
	list(c, &p.Rlimits, func(c *codec, l *Rlimit) { number(c, &l.Resource); number(c, &l.Soft); number(c, &l.Hard) })
	optional(c, &p.OOMScoreAdj, number[int])
	c.bytes(&p.Seccomp)
	c.flag(&p.SeccompLog)
}

func (f *Failure) code(c *codec) {
	c.text(&f.Text)
	c.text(&f.Reason)
}
