package progress

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
)

// A line is the CRC-32 of the JSON text in eight hexadecimal digits, a blank, the JSON text, and a line feed. A person
// can read it, and a program can tell a damaged line from a whole one.

var errDamaged = errors.New("the line is damaged")

func formatLine(r Record) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(text), text), nil
}

func parseLine(line []byte) (Record, error) {
	sum, text, found := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if !found || err != nil || uint32(want) != crc32.ChecksumIEEE(text) {
		return Record{}, errDamaged
	}
	var r Record
	if err := json.Unmarshal(text, &r); err != nil {
		return Record{}, errors.Join(errDamaged, err)
	}
	return r, nil
}
