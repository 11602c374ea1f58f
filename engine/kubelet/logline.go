package kubelet

import (
	"bytes"
	"errors"
	"fmt"
	"time"
)

// logEntry is one line of a CRI log: "2016-10-06T00:17:09.669794202Z stdout F the text\n". P instead of F marks a piece of a
// longer line: its text goes on in the next entry, so the newline is not part of it.
type logEntry struct {
	time    time.Time
	stream  string // stdout or stderr
	content []byte // with its newline, when the line is complete
}

var errLogFormat = errors.New("not a CRI log line")

// parseLogLine reads one line, which must end with its newline. The content is part of line.
func parseLogLine(line []byte) (logEntry, error) {
	stamp, rest, ok := bytes.Cut(line, []byte(" "))
	if !ok {
		return logEntry{}, fmt.Errorf("%w: no timestamp", errLogFormat)
	}
	when, err := time.Parse(time.RFC3339Nano, string(stamp))
	if err != nil {
		return logEntry{}, fmt.Errorf("%w: %w", errLogFormat, err)
	}
	stream, rest, ok := bytes.Cut(rest, []byte(" "))
	if name := string(stream); !ok || (name != "stdout" && name != "stderr") {
		return logEntry{}, fmt.Errorf("%w: stream %q", errLogFormat, stream)
	}
	tags, content, ok := bytes.Cut(rest, []byte(" "))
	if !ok || !bytes.HasSuffix(line, []byte("\n")) {
		return logEntry{}, fmt.Errorf("%w: cut off", errLogFormat)
	}
	first, _, _ := bytes.Cut(tags, []byte(":"))
	switch string(first) {
	case "F":
	case "P":
		content = bytes.TrimSuffix(content, []byte("\n"))
	default:
		return logEntry{}, fmt.Errorf("%w: tag %q", errLogFormat, tags)
	}
	return logEntry{time: when, stream: string(stream), content: content}, nil
}
