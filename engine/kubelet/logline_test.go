package kubelet

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseLogLine(t *testing.T) {
	when := time.Date(2016, 10, 6, 0, 17, 9, 669794202, time.UTC)
	for _, test := range []struct {
		line string
		want logEntry
		ok   bool
	}{
		{"2016-10-06T00:17:09.669794202Z stdout F hello\n", logEntry{when, "stdout", []byte("hello\n")}, true},
		{"2016-10-06T00:17:09.669794202Z stderr P hel\n", logEntry{when, "stderr", []byte("hel")}, true},
		{"2016-10-06T00:17:09.669794202Z stdout F:x \n", logEntry{when, "stdout", []byte("\n")}, true},
		{"2016-10-06T00:17:09.669794202Z stdin F x\n", logEntry{}, false},
		{"2016-10-06T00:17:09.669794202Z stdout Q x\n", logEntry{}, false},
		{"2016-10-06T00:17:09.669794202Z stdout F cut off", logEntry{}, false},
		{"yesterday stdout F x\n", logEntry{}, false},
		{"\n", logEntry{}, false},
	} {
		got, err := parseLogLine([]byte(test.line))
		if (err == nil) != test.ok || (err != nil && !errors.Is(err, errLogFormat)) {
			t.Errorf("%q: error %v", test.line, err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(logEntry{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.line, diff)
		}
	}
}

func FuzzParseLogLine(f *testing.F) {
	f.Add([]byte("2016-10-06T00:17:09.669794202Z stdout F hello\n"))
	f.Add([]byte("2016-10-06T00:17:09Z stderr P x \n"))
	f.Add([]byte("  \n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		entry, err := parseLogLine(line)
		if err != nil {
			return
		}
		if !bytes.Contains(line, entry.content) {
			t.Errorf("content %q is not part of %q", entry.content, line)
		}
		again := entry.time.Format(time.RFC3339Nano) + " " + entry.stream + " F " + string(entry.content)
		if !bytes.HasSuffix(entry.content, []byte("\n")) {
			again += "\n"
		}
		second, err := parseLogLine([]byte(again))
		if err != nil || second.stream != entry.stream || !second.time.Equal(entry.time) {
			t.Errorf("%q does not read back: %+v %v", again, second, err)
		}
	})
}
