package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

var _ = register("tail", "[-n [+]N] [-c [+]N] [-f] [-q] [FILE...]", tail)

func tail(p *process) int {
	p.args = dashNumber(p.args)
	o, ok := p.options("n:c:fFqs:v", "lines=n", "bytes=c", "follow=f")
	if !ok {
		return p.misuse()
	}
	text, bytes := o.value('n', "10"), o.has('c')
	if bytes {
		text = o.value('c', "")
	}
	n, err := count(strings.TrimLeft(text, "+-"))
	if err != nil {
		return p.fail(err)
	}
	fromStart := strings.HasPrefix(text, "+")
	shown := 0
	status := p.eachInput(o.rest, func(name string, r io.Reader) error {
		if len(o.rest) > 1 && !o.has('q') {
			if shown++; shown > 1 {
				fmt.Fprintln(p.stdout)
			}
			fmt.Fprintf(p.stdout, "==> %s <==\n", name)
		}
		if fromStart {
			return skip(p.stdout, r, n-1, bytes)
		}
		return last(p.stdout, r, n, bytes)
	})
	if (o.has('f') || o.has('F')) && len(o.rest) > 0 {
		return p.follow(o.rest[len(o.rest)-1])
	}
	return status
}

// skip prints all but the first n lines or bytes.
func skip(w io.Writer, r io.Reader, n int64, bytes bool) error {
	in := bufio.NewReader(r)
	for ; n > 0; n-- {
		var err error
		if bytes {
			_, err = in.ReadByte()
		} else {
			_, err = in.ReadString('\n')
		}
		if err != nil {
			return nil //nolint:nilerr // shorter than that
		}
	}
	_, err := io.Copy(w, in)
	return err
}

// last prints the last n lines or bytes, keeping no more than those in memory.
func last(w io.Writer, r io.Reader, n int64, bytes bool) error {
	in := bufio.NewReader(r)
	var held []string
	size := int64(0)
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			held, size = append(held, line), size+int64(len(line))
		}
		for len(held) > 0 && (!bytes && int64(len(held)) > n || bytes && size-int64(len(held[0])) >= n) {
			size -= int64(len(held[0]))
			held = held[1:]
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	text := strings.Join(held, "")
	if bytes && int64(len(text)) > n {
		text = text[int64(len(text))-n:]
	}
	_, err := io.WriteString(w, text)
	return err
}

// follow prints what is added to the file, until somebody ends it. A file that became shorter is read from its start.
func (p *process) follow(name string) int {
	f, err := os.Open(name)
	if err != nil {
		return p.fail(err)
	}
	defer f.Close()
	at, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return p.fail(err)
	}
	for tick := time.NewTicker(200 * time.Millisecond); ; {
		n, err := io.Copy(p.stdout, f)
		if err != nil {
			return p.fail(err)
		}
		at += n
		if info, err := f.Stat(); err == nil && info.Size() < at {
			if at, err = f.Seek(0, io.SeekStart); err != nil {
				return p.fail(err)
			}
		}
		<-tick.C
	}
}
