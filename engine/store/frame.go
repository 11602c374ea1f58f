package store

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
)

// The journal's format. The file starts with magic; frames follow:
//
//	length of payload, 4 bytes | CRC of payload, 4 | CRC of the 8 bytes before, 4 | payload
//
// Numbers are little-endian, CRCs are CRC-32C. The header has a checksum of its own so that a damaged length cannot pass
// for a frame that the end of the file cut short. A payload is records, one after the other: a kind byte, then varints and
// length-prefixed bytes. One frame is one batch: it is there as a whole or not at all.
const (
	magic      = "drydock journal 1\n"
	headerSize = 12
)

// The kinds of record. A snapshot is one recordBase and the recordState of every key; changes follow it.
const (
	recordBase   = 1 // revision
	recordState  = 2 // mod, create, version, key, value: a key as the snapshot found it
	recordPut    = 3 // the same, as a change
	recordDelete = 4 // revision, key
)

// record is one line of the journal. A recordBase has no key, a recordDelete only a key.
type record struct {
	kind     byte
	revision int64
	kv       *KV
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// startFrame appends room for a header to buf; endFrame fills it in. Between them goes the payload.
func startFrame(buf []byte) []byte { return append(buf, make([]byte, headerSize)...) }

// endFrame completes the frame that starts at offset in buf.
func endFrame(buf []byte, offset int) {
	header, payload := buf[offset:offset+headerSize], buf[offset+headerSize:]
	binary.LittleEndian.PutUint32(header, uint32(len(payload)))
	binary.LittleEndian.PutUint32(header[4:], crc32.Checksum(payload, castagnoli))
	binary.LittleEndian.PutUint32(header[8:], crc32.Checksum(header[:8], castagnoli))
}

func appendRecord(buf []byte, r record) []byte {
	buf = append(buf, r.kind)
	buf = binary.AppendUvarint(buf, uint64(r.revision))
	switch r.kind {
	case recordState, recordPut:
		buf = binary.AppendUvarint(buf, uint64(r.kv.CreateRevision))
		buf = binary.AppendUvarint(buf, uint64(r.kv.Version))
		buf = appendBytes(buf, r.kv.Key)
		buf = appendBytes(buf, r.kv.Value)
	case recordDelete:
		buf = appendBytes(buf, r.kv.Key)
	}
	return buf
}

func appendBytes[T string | []byte](buf []byte, s T) []byte {
	return append(binary.AppendUvarint(buf, uint64(len(s))), s...)
}

// eventRecord is how a change is written down.
func eventRecord(e Event) record {
	if e.KV == nil {
		return record{kind: recordDelete, revision: e.Revision, kv: e.Prev}
	}
	return record{kind: recordPut, revision: e.Revision, kv: e.KV}
}

// errTorn ends the reading of a journal whose last frame is incomplete.
var errTorn = errors.New("torn frame")

// scan reads a journal of size bytes and calls fn for each record. It returns how many bytes are whole frames. The error
// is nil, errTorn when the rest is what an interrupted write leaves behind, or ErrCorrupt, or fn's.
func scan(r io.Reader, size int64, fn func(record) error) (whole int64, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if whole, err = scanMagic(in, size); err != nil {
		return whole, err
	}
	var payload []byte
	for whole < size {
		if payload, err = readFrame(in, size-whole, payload); err != nil {
			return whole, fmt.Errorf("frame at byte %d: %w", whole, err)
		}
		if err := eachRecord(payload, fn); err != nil {
			return whole, fmt.Errorf("frame at byte %d: %w", whole, err)
		}
		whole += headerSize + int64(len(payload))
	}
	return whole, nil
}

func scanMagic(in *bufio.Reader, size int64) (int64, error) {
	start := make([]byte, min(size, int64(len(magic))))
	if _, err := io.ReadFull(in, start); err != nil {
		return 0, fmt.Errorf("read start: %w", err)
	}
	switch {
	case string(start) != magic[:len(start)]:
		return 0, fmt.Errorf("%w: it does not start with %q", ErrCorrupt, magic)
	case len(start) < len(magic):
		return 0, errTorn
	default:
		return int64(len(magic)), nil
	}
}

// readFrame reads the payload of the next frame into buf, or a larger one; left is how much of the file is left.
func readFrame(in *bufio.Reader, left int64, buf []byte) ([]byte, error) {
	if left < headerSize {
		return nil, errTorn
	}
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(in, header); err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	length := int64(binary.LittleEndian.Uint32(header))
	switch left -= headerSize; {
	case crc32.Checksum(header[:8], castagnoli) != binary.LittleEndian.Uint32(header[8:]):
		return nil, badHeader(header, in)
	case left < length:
		return nil, errTorn
	}
	payload := slices.Grow(buf[:0], int(length))[:length]
	if _, err := io.ReadFull(in, payload); err != nil {
		return nil, fmt.Errorf("read payload: %w", err)
	}
	if crc32.Checksum(payload, castagnoli) == binary.LittleEndian.Uint32(header[4:]) {
		return payload, nil
	}
	if left == length {
		return nil, errTorn // the last frame: its length reached the disk before all of its bytes did
	}
	return nil, fmt.Errorf("%w: wrong checksum", ErrCorrupt)
}

// badHeader tells damage from a file that a power cut left with its new length but zeros in place of the last bytes.
func badHeader(header []byte, rest io.Reader) error {
	for buf := header; ; {
		for _, b := range buf {
			if b != 0 {
				return fmt.Errorf("%w: wrong header checksum", ErrCorrupt)
			}
		}
		n, err := rest.Read(header)
		switch {
		case errors.Is(err, io.EOF):
			return errTorn
		case err != nil:
			return fmt.Errorf("read after bad header: %w", err)
		}
		buf = header[:n]
	}
}

// eachRecord calls fn for the records of a payload. They own their bytes.
func eachRecord(payload []byte, fn func(record) error) error {
	in := decoder{rest: payload}
	for len(in.rest) > 0 {
		r := in.record()
		if in.bad {
			return fmt.Errorf("%w: malformed record", ErrCorrupt)
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return nil
}

// decoder takes values off the front of rest; bad stays true once something did not fit.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) record() record {
	r := record{kind: d.bytes(1)[0]}
	r.revision = d.number()
	switch r.kind {
	case recordBase:
	case recordState, recordPut:
		r.kv = &KV{ModRevision: r.revision, CreateRevision: d.number(), Version: d.number()}
		r.kv.Key = string(d.bytes(d.number()))
		r.kv.Value = slices.Clone(d.bytes(d.number()))
	case recordDelete:
		r.kv = &KV{Key: string(d.bytes(d.number()))}
	default:
		d.bad = true
	}
	return r
}

func (d *decoder) number() int64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || int64(n) < 0 {
		d.bad, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return int64(n)
}

func (d *decoder) bytes(n int64) []byte {
	if n > int64(len(d.rest)) {
		d.bad, d.rest = true, nil
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}
