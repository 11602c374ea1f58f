package handshake

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Kind says what a frame is.
type Kind byte

// The kinds, in the order of the picture in the package documentation.
const (
	SetUp    Kind = 'S'
	Terminal Kind = 'T'
	Ready    Kind = 'R'
	Go       Kind = 'G'
	Leaving  Kind = 'L'
	Failed   Kind = 'F'
)

// limit of a frame's body. A pod's environment may be large, execve(2) itself takes 2 MB by default.
const limit = 16 << 20

const headerSize = 5

// Header is the beginning of a frame with a body of n bytes. A file descriptor travels with it.
func Header(k Kind, n int) []byte {
	h := make([]byte, headerSize)
	h[0] = byte(k)
	binary.BigEndian.PutUint32(h[1:], uint32(n))
	return h
}

// Write sends one frame in a single write. body may be nil.
func Write(w io.Writer, k Kind, body Body) error {
	var encoded []byte
	if body != nil {
		encoded = encode(body)
	}
	if _, err := w.Write(append(Header(k, len(encoded)), encoded...)); err != nil {
		return fmt.Errorf("send frame %c: %w", k, err)
	}
	return nil
}

// Read receives one frame. It returns io.EOF only at the end between two frames. It never reads beyond the frame.
func Read(r io.Reader) (Kind, []byte, error) {
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(r, header); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(header[1:])
	if n > limit {
		return 0, nil, fmt.Errorf("receive frame %c: %d bytes are too many", header[0], n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, fmt.Errorf("receive frame %c: %w", header[0], noEOF(err))
	}
	return Kind(header[0]), body, nil
}

// noEOF keeps an end inside a frame from looking like the end of the conversation.
func noEOF(err error) error {
	if err == io.EOF { //nolint:errorlint // io.ReadFull returns it unwrapped
		return io.ErrUnexpectedEOF
	}
	return err
}

// Expect receives one frame of the given kind and decodes its body into v, unless v is nil. A Failed frame is returned as
// a *Failure.
func Expect(r io.Reader, want Kind, v Body) error {
	kind, body, err := Read(r)
	if err != nil {
		return err
	}
	if kind != want {
		return Unexpected(kind, body, want)
	}
	if v == nil {
		return nil
	}
	return decode(kind, body, v)
}

// Unexpected is the error for a frame that came instead of another: the *Failure it carries, if it is Failed.
func Unexpected(kind Kind, body []byte, want Kind) error {
	if kind != Failed {
		return fmt.Errorf("received frame %c, expected %c", kind, want)
	}
	f := &Failure{}
	if err := decode(kind, body, f); err != nil {
		return err
	}
	return f
}

func decode(kind Kind, body []byte, v Body) error {
	if err := decodeInto(v, body); err != nil {
		return fmt.Errorf("decode frame %c: %w", kind, err)
	}
	return nil
}
