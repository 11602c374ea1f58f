package grade

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// ledger is the file of rows in the folder of the evidence: a line is written when a row is known, so that an interrupted
// batch can be taken up where it ended.
type ledger struct {
	mu sync.Mutex
	// guarded by mu
	file *os.File
	rows map[string]Row
}

const ledgerName = "rows.jsonl"

func openLedger(cfg Config) (*ledger, error) {
	l := &ledger{rows: map[string]Row{}}
	if cfg.Out == "" {
		if cfg.Resume {
			return nil, errors.New("resume the batch: say with --out where its rows are")
		}
		return l, nil
	}
	if err := os.MkdirAll(cfg.Out, 0o700); err != nil {
		return nil, fmt.Errorf("make room for the evidence: %w", err)
	}
	name := filepath.Join(cfg.Out, ledgerName)
	flags := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if cfg.Resume {
		flags = os.O_WRONLY | os.O_CREATE | os.O_APPEND
		if err := l.load(name); err != nil {
			return nil, err
		}
	}
	var err error
	if l.file, err = os.OpenFile(name, flags, 0o600); err != nil {
		return nil, fmt.Errorf("open the list of rows: %w", err)
	}
	return l, nil
}

// load reads the rows of an interrupted batch. A torn last line is no row.
func (l *ledger) load(name string) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("read the rows of the interrupted batch: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r Row
		if json.Unmarshal(lines.Bytes(), &r) == nil && r.Status != Broken {
			l.rows[r.Learner+"/"+r.Lesson] = r
		}
	}
	return lines.Err()
}

// row is the row of a job that was graded before, if neither pack nor submission nor tool has changed since.
func (l *ledger) row(j *job) (Row, bool) {
	l.mu.Lock()
	r, ok := l.rows[j.submission.Learner+"/"+j.lesson.ID]
	l.mu.Unlock()
	if !ok || r.Digest != j.cfg.Pack.Digest || r.Tool != j.cfg.Tool {
		return Row{}, false
	}
	w, err := read(filepath.Join(j.submission.Dir, j.lesson.ID))
	return r, err == nil && w.digest == r.Work
}

func (l *ledger) add(r Row) error {
	if l.file == nil {
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, err := l.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write a row: %w", err)
	}
	return nil
}

func (l *ledger) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
