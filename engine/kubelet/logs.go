package kubelet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// logRequest is what to read of one container's log.
type logRequest struct {
	path    string
	options *corev1.PodLogOptions
	running func(context.Context) bool // whether the container may still write
}

// readLogs copies a log to out as the options say, and with Follow until the container has ended or ctx ends. flush is called
// whenever the log is exhausted for the moment.
//
// Kubernetes: the same, and like there what was rotated before is not shown.
func (k *Kubelet) readLogs(ctx context.Context, r logRequest, out io.Writer, flush func()) error {
	in, err := k.openLog(r.path, r.options.Follow)
	if err != nil {
		return err
	}
	defer in.close()
	if tail := r.options.TailLines; tail != nil {
		if err := seekTail(in.file, *tail); err != nil {
			return err
		}
	}
	p := &logPrinter{out: out, options: r.options, since: sinceTime(r.options), left: -1, atStart: true}
	if r.options.LimitBytes != nil {
		p.left = *r.options.LimitBytes
	}
	if err := p.copy(ctx, in, r.running, flush); !errors.Is(err, errLogLimit) {
		return err
	}
	return nil
}

func sinceTime(options *corev1.PodLogOptions) time.Time {
	switch {
	case options.SinceSeconds != nil:
		return time.Now().Add(-time.Duration(*options.SinceSeconds) * time.Second)
	case options.SinceTime != nil:
		return options.SinceTime.Time
	}
	return time.Time{}
}

type logPrinter struct {
	out     io.Writer
	options *corev1.PodLogOptions
	since   time.Time
	left    int64 // bytes that may still be written, negative for no limit
	atStart bool  // the next entry begins a line
}

var errLogLimit = errors.New("limit reached")

// copy reads lines until the end; when following, until the end after the container has stopped.
func (p *logPrinter) copy(ctx context.Context, in *logReader, running func(context.Context) bool, flush func()) error {
	last, rotated := false, false
	for {
		if err := in.each(p.print); err != nil {
			return err
		}
		flush()
		switch {
		case in.grown == nil:
			return nil
		case rotated:
			rotated = false
			if err := in.goOn(); err != nil {
				return err
			}
			continue
		}
		// Nothing is written any more to a log that has a successor, so its end is there to be read. The same holds for that of a
		// container that has ended; both are asked before waiting, because the last words may have come since the end was seen.
		if rotated = in.hasSuccessor(); rotated {
			continue
		}
		if last {
			return nil
		}
		if last = !running(ctx); last {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-in.grown:
		}
	}
}

func (p *logPrinter) print(line []byte) error {
	entry, err := parseLogLine(line)
	if err != nil {
		return nil //nolint:nilerr // a line torn by a crash is skipped, the rest of the log is worth reading
	}
	if entry.time.Before(p.since) {
		return nil
	}
	if s := p.options.Stream; s != nil && *s != corev1.LogStreamAll && (*s == corev1.LogStreamStdout) != (entry.stream == "stdout") {
		return nil
	}
	text := entry.content
	if p.options.Timestamps && p.atStart {
		text = append([]byte(entry.time.Format("2006-01-02T15:04:05.000000000Z07:00")+" "), text...)
	}
	p.atStart = bytes.HasSuffix(text, []byte("\n"))
	if p.left >= 0 && int64(len(text)) >= p.left {
		text = text[:p.left]
		if _, err := p.out.Write(text); err != nil {
			return fmt.Errorf("send log: %w", err)
		}
		return errLogLimit
	}
	if p.left >= 0 {
		p.left -= int64(len(text))
	}
	if _, err := p.out.Write(text); err != nil {
		return fmt.Errorf("send log: %w", err)
	}
	return nil
}

// seekTail moves to where the last n lines begin, reading backwards in blocks.
func seekTail(file *os.File, n int64) error {
	const block = 32 << 10
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("find the end of the log: %w", err)
	}
	buffer := make([]byte, block)
	newlines := int64(0)
	for position := end; position > 0; {
		size := min(int64(block), position)
		position -= size
		if _, err := file.ReadAt(buffer[:size], position); err != nil {
			return fmt.Errorf("read the log backwards: %w", err)
		}
		for i := size - 1; i >= 0; i-- {
			if buffer[i] != '\n' {
				continue
			}
			// The n-th line from the end begins behind the newline before it: the one that ends the log counts, too.
			if newlines++; newlines > n {
				_, err := file.Seek(position+i+1, io.SeekStart)
				return err
			}
		}
	}
	_, err = file.Seek(0, io.SeekStart)
	return err
}
