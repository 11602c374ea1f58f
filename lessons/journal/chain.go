package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Finding says what is wrong with an entry. Entry is its place in the file, from 1.
type Finding struct {
	Entry int    `json:"entry"`
	What  string `json:"what"`
}

// String names the entry first.
func (f Finding) String() string { return fmt.Sprintf("entry %d: %s", f.Entry, f.What) }

// Chain is a journal that was read.
type Chain struct {
	Entries  []Entry
	Findings []Finding // in order of entries; none when everything fits together
	Head     string    // the sum of the last entry
	Torn     bool      // behind the last entry is a part of a line, which says nothing
}

// largestLine bounds a line, in bytes: a command can be long, a journal that makes a reader run out of memory is none.
const largestLine = 1 << 20

// errLong is the error of a line beyond largestLine.
var errLong = errors.New("it is longer than 1 MiB")

// Read reads a journal and holds it against its own sums. The error is that of the reader.
func Read(r io.Reader) (Chain, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return Chain{}, fmt.Errorf("read the journal: %w", err)
	}
	var c reader
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	c.scan(whole)
	for i := range c.links {
		c.judge(i)
	}
	c.Torn = len(whole) < len(data)
	return c.Chain, nil
}

// reader is one reading of a journal.
type reader struct {
	Chain
	links []link
	at    map[int]int // the place in the file of each number
}

// link is an entry as it stands in the file.
type link struct {
	Entry
	sum string
	err error
}

func (c *reader) scan(whole []byte) {
	c.at = map[int]int{}
	for line := range bytes.Lines(whole) {
		l := link{err: errLong}
		if len(line) <= largestLine {
			l.Entry, l.sum, l.err = parse(bytes.TrimSuffix(line, []byte("\n")))
		}
		if l.err == nil {
			c.at[l.Number] = len(c.links)
		}
		c.links = append(c.links, l)
	}
}

// judge finds what is wrong with one entry, the plainest cause first. What was found is not held against the next.
func (c *reader) judge(i int) {
	l := c.links[i]
	if !errors.Is(l.err, errForm) && !errors.Is(l.err, errLong) {
		c.Entries = append(c.Entries, l.Entry)
	}
	c.Head = l.sum
	if what := c.wrong(i); what != "" {
		c.Findings = append(c.Findings, Finding{i + 1, what})
	}
}

func (c *reader) wrong(i int) string {
	l := c.links[i]
	if l.err != nil {
		return l.err.Error()
	}
	if i == 0 {
		if l.Number != 1 || l.Before != "" || l.Kind != Begun {
			return fmt.Sprintf("the journal begins with number %d: what came before it was cut off", l.Number)
		}
		return ""
	}
	before := c.links[i-1]
	if before.err != nil {
		return "" // nothing can be said: the one before is the trouble
	}
	first := c.links[0]
	switch wanted := before.Number + 1; {
	case first.err == nil && (l.Learner != first.Learner || l.Lab != first.Lab):
		return fmt.Sprintf("it comes from another journal, of learner %q in lab %q", l.Learner, l.Lab)
	case l.Number > wanted && c.elsewhere(wanted):
		return fmt.Sprintf("it is number %d and stands in the place of number %d: the order was changed", l.Number, wanted)
	case l.Number > wanted:
		return fmt.Sprintf("it is number %d: numbers %d to %d before it were cut out", l.Number, wanted, l.Number-1)
	case l.Number < wanted:
		return fmt.Sprintf("it is number %d and stands in the place of number %d: the order was changed", l.Number, wanted)
	case l.Before != before.sum:
		return "it does not follow the entry before it: one of the two was exchanged"
	}
	return ""
}

// elsewhere reports whether the entry with a number is in the file.
func (c *reader) elsewhere(number int) bool {
	_, ok := c.at[number]
	return ok
}
