package cri

import "os"

// What the fuzz tests reach into.
var (
	StopSignal    = stopSignal
	ParseCounters = parseCounters
)

// LogEntries is the log file that results from these writes.
func LogEntries(path string, writes ...[]byte) ([]byte, error) {
	log, err := openLog(path)
	if err != nil {
		return nil, err
	}
	l := &lines{log: log, stream: "stdout"}
	for _, w := range writes {
		_, _ = l.Write(w)
	}
	l.end()
	if err := log.close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
