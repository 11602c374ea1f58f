package term

import "unicode/utf8"

// A sink takes what the scanner has recognised. The slices are only valid during the call.
type sink interface {
	text(b []byte)    // whole characters, none of them a control
	control(b byte)   // C0
	escape(b []byte)  // intermediates and final of ESC …
	csi(b []byte)     // parameters, intermediates and final of CSI …
	command(b []byte) // the body of OSC …
}

// scanState is where the scanner is, after the state machine of Paul Williams (vt100.net/emu/dec_ansi_parser).
type scanState int

const (
	ground scanState = iota
	inEscape
	inCSI
	skipCSI // too long to be meant well
	inOSC
	inString // DCS, SOS, PM, APC: read and dropped
)

const (
	maxCSI = 128
	maxOSC = 4096

	esc = 0x1b
	can = 0x18
	sub = 0x1a
	bel = 0x07
)

// scanner splits a stream into tokens. A token may arrive in any number of pieces; one piece is fed at a time.
type scanner struct {
	state scanState
	buf   []byte // of the sequence so far, or the first bytes of a character
	stEsc bool   // in a string: the last byte was ESC, so a backslash ends it
}

// feed takes the next piece of the stream.
func (s *scanner) feed(p []byte, to sink) {
	for len(p) > 0 {
		if s.state == ground {
			p = s.ground(p, to)
			continue
		}
		s.sequence(p[0], to)
		p = p[1:]
	}
}

// ground takes text up to the next control character.
func (s *scanner) ground(p []byte, to sink) []byte {
	n := 0
	for n < len(p) && p[n] >= 0x20 && p[n] != 0x7f {
		n++
	}
	if n > 0 {
		s.flushText(p[:n], n == len(p), to)
		return p[n:]
	}
	s.flushText(nil, false, to) // a character cut short by a control never ends
	if p[0] == esc {
		s.state, s.buf = inEscape, s.buf[:0]
	} else if p[0] != 0x7f {
		to.control(p[0])
	}
	return p[1:]
}

// flushText sends whole characters on. When more may follow, the first bytes of a character wait for the rest.
func (s *scanner) flushText(p []byte, more bool, to sink) {
	if len(s.buf) > 0 {
		p = append(s.buf, p...)
		s.buf = nil
	}
	if len(p) == 0 {
		return
	}
	if tail := partialRune(p); more && tail > 0 {
		s.buf = append([]byte(nil), p[len(p)-tail:]...)
		p = p[:len(p)-tail]
	}
	if len(p) > 0 {
		to.text(p)
	}
}

// partialRune is how many bytes at the end of p begin a character that is not complete.
func partialRune(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		b := p[len(p)-n]
		if utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(p[len(p)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// sequence takes one byte inside an escape sequence.
func (s *scanner) sequence(b byte, to sink) {
	switch {
	case b == can || b == sub:
		s.reset()
	case s.state == inOSC || s.state == inString:
		s.stringByte(b, to)
	case b == esc:
		s.state, s.buf = inEscape, s.buf[:0]
	case b < 0x20:
		to.control(b) // a control inside a sequence is carried out at once
	case s.state == inEscape:
		s.escapeByte(b, to)
	default:
		s.csiByte(b, to)
	}
}

func (s *scanner) reset() { s.state, s.buf, s.stEsc = ground, s.buf[:0], false }

func (s *scanner) escapeByte(b byte, to sink) {
	if len(s.buf) == 0 {
		switch b {
		case '[':
			s.state = inCSI
			return
		case ']':
			s.state = inOSC
			return
		case 'P', 'X', '^', '_':
			s.state = inString
			return
		}
	}
	s.buf = append(s.buf, b)
	if b >= 0x30 || len(s.buf) > 4 {
		done := s.buf
		s.reset()
		if b >= 0x30 && b < 0x7f {
			to.escape(done)
		}
	}
}

func (s *scanner) csiByte(b byte, to sink) {
	if s.buf = append(s.buf, b); len(s.buf) > maxCSI {
		s.state, s.buf = skipCSI, s.buf[:0]
	}
	if b < 0x40 || b > 0x7e {
		return
	}
	done, ok := s.buf, s.state == inCSI
	s.reset()
	if ok {
		to.csi(done)
	}
}

func (s *scanner) stringByte(b byte, to sink) {
	ended := b == bel && s.state == inOSC || s.stEsc && b == '\\'
	if s.stEsc && !ended {
		s.state, s.buf, s.stEsc = inEscape, s.buf[:0], false // ESC ends the string and begins something else
		s.sequence(b, to)
		return
	}
	if ended {
		done, ok := s.buf, s.state == inOSC
		s.reset()
		if ok {
			to.command(done)
		}
		return
	}
	if s.stEsc = b == esc; !s.stEsc && s.state == inOSC && len(s.buf) < maxOSC {
		s.buf = append(s.buf, b)
	}
}
