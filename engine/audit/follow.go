package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"drydock/engine/decision"
)

// largestFile is how long the file may become, in bytes.
const largestFile = 64 << 20

// header is the first line of the file.
type header struct {
	ID string `json:"id"`
}

// Follow notes what people change in the file at path until ctx ends; then it returns ctx's error. A file that cannot be
// written is told of once, as a decision of actor "audit", and does not end it: a lab without notes is still a lab.
func Follow(ctx context.Context, ring *decision.Ring, path string) error {
	f := &follower{path: path}
	for told := false; ; {
		records, grown := ring.Since(f.seq)
		if err := f.note(records); err != nil && !told {
			told = true
			ring.Record(decision.Record{Actor: "audit", Object: decision.Object{Resource: "files", Name: path}, Action: "Lose", Reason: "WriteError", Message: err.Error()})
		}
		select {
		case <-ctx.Done():
			records, _ = ring.Since(f.seq)
			return errors.Join(ctx.Err(), f.note(records), f.close())
		case <-grown:
		}
	}
}

// follower is one run of Follow, which owns it.
type follower struct {
	path string
	file *os.File // nil until there is something to note
	size int
	seq  uint64 // of the last record that was looked at
}

// note appends what people did of the records, in one write. They count as looked at also when that fails.
func (f *follower) note(records []decision.Record) error {
	var lines bytes.Buffer
	for _, r := range records {
		f.seq = r.Seq
		n, ok := Of(r)
		if !ok {
			continue
		}
		if err := json.NewEncoder(&lines).Encode(n); err != nil {
			return err
		}
	}
	if lines.Len() == 0 {
		return nil
	}
	if f.file == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	if f.size+lines.Len() > largestFile {
		return fmt.Errorf("%s has reached %d MiB; nothing more is noted", f.path, largestFile>>20)
	}
	if _, err := f.file.Write(lines.Bytes()); err != nil {
		return errors.Join(err, f.file.Truncate(int64(f.size))) // half a line is worse than none
	}
	f.size += lines.Len()
	return nil
}

// open takes the file up behind its last whole line, and gives a new one its id.
func (f *follower) open() error {
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the file of notes: %w", err)
	}
	data, err := io.ReadAll(file)
	if err == nil {
		data = data[:bytes.LastIndexByte(data, '\n')+1]
		err = file.Truncate(int64(len(data)))
	}
	if err == nil && len(data) == 0 {
		data, err = json.Marshal(header{rand.Text()})
		data = append(data, '\n')
		if err == nil {
			_, err = file.Write(data)
		}
	}
	if err != nil {
		return errors.Join(fmt.Errorf("open the file of notes %s: %w", f.path, err), file.Close())
	}
	f.file, f.size = file, len(data)
	return nil
}

func (f *follower) close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}
