package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

var _ = register("sort", "[-nrufhbV] [-k FIELD[,FIELD][nr]] [-t CHAR] [-o FILE] [FILE...]", sortApplet) &&
	register("cut", "-b|-c|-f LIST [-d CHAR] [-s] [FILE...]", cut) &&
	register("tr", "[-dsc] SET1 [SET2]", tr)

// sortKey is a part of the line and how it is compared.
type sortKey struct {
	first, last    int // fields from 1; last 0 is the end of the line
	numeric, human bool
	reverse, fold  bool
}

func sortApplet(p *process) int {
	o, ok := p.options("nrufhbVsk:t:o:", "reverse=r", "numeric-sort=n", "unique=u", "key=k", "field-separator=t")
	if !ok {
		return p.misuse()
	}
	base := sortKey{numeric: o.has('n') || o.has('V'), human: o.has('h'), reverse: o.has('r'), fold: o.has('f')}
	var keys []sortKey
	for _, text := range o.given['k'] {
		key, err := parseKey(text, base)
		if err != nil {
			return p.fail(err)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		keys = []sortKey{base}
	}
	var lines []string
	status := p.eachInput(o.rest, func(_ string, r io.Reader) error {
		more, err := readLines(r)
		lines = append(lines, more...)
		return err
	})
	separator := o.value('t', "")
	byKeys := func(a, b string) int {
		for _, k := range keys {
			if c := k.compare(a, b, separator); c != 0 {
				return c
			}
		}
		return 0
	}
	slices.SortStableFunc(lines, func(a, b string) int {
		if c := byKeys(a, b); c != 0 || o.has('s') || o.has('u') {
			return c
		}
		if base.reverse {
			a, b = b, a
		}
		return strings.Compare(a, b)
	})
	if o.has('u') {
		lines = slices.CompactFunc(lines, func(a, b string) bool { return byKeys(a, b) == 0 })
	}
	text := strings.Join(append(lines, ""), "\n")
	if o.has('o') {
		if err := os.WriteFile(o.value('o', ""), []byte(text), 0o666); err != nil {
			return p.fail(err)
		}
		return status
	}
	if _, err := io.WriteString(p.stdout, text); err != nil {
		return p.fail(err)
	}
	return status
}

// parseKey reads 2, 2,3 and 2n,2.
func parseKey(text string, base sortKey) (sortKey, error) {
	k := sortKey{}
	letters := ""
	for i, part := range strings.SplitN(text, ",", 2) {
		digits := strings.TrimRight(part, "nrfhbd")
		letters += part[len(digits):]
		digits, _, _ = strings.Cut(digits, ".")
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 {
			return k, fmt.Errorf("bad field specification '%s'", text)
		}
		if i == 0 {
			k.first = n
		} else {
			k.last = n
		}
	}
	if letters == "" {
		k.numeric, k.human, k.reverse, k.fold = base.numeric, base.human, base.reverse, base.fold
		return k, nil
	}
	k.numeric, k.human = strings.Contains(letters, "n"), strings.Contains(letters, "h")
	k.reverse, k.fold = strings.Contains(letters, "r"), strings.Contains(letters, "f")
	return k, nil
}

func (k sortKey) compare(a, b, separator string) int {
	a, b = k.part(a, separator), k.part(b, separator)
	var c int
	switch {
	case k.numeric || k.human:
		c = cmp.Compare(leadingNumber(a, k.human), leadingNumber(b, k.human))
	case k.fold:
		c = strings.Compare(strings.ToUpper(a), strings.ToUpper(b))
	default:
		c = strings.Compare(a, b)
	}
	if k.reverse {
		return -c
	}
	return c
}

// part is the key's fields of the line.
func (k sortKey) part(line, separator string) string {
	if k.first == 0 {
		return line
	}
	joined := separator
	fields := strings.Split(line, separator)
	if separator == "" {
		fields, joined = strings.Fields(line), " "
	}
	if k.first > len(fields) {
		return ""
	}
	last := len(fields)
	if k.last > 0 {
		last = min(max(k.last, k.first), last)
	}
	return strings.Join(fields[k.first-1:last], joined)
}

// leadingNumber is the number a line begins with, 0 without one; with K, M, G behind it for -h.
func leadingNumber(text string, suffixed bool) float64 {
	text = strings.TrimLeft(text, " \t")
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == '.' || text[end] == '-' && end == 0) {
		end++
	}
	n, err := strconv.ParseFloat(text[:end], 64)
	if err != nil {
		return 0
	}
	if suffixed && end < len(text) {
		for i := 0; i <= strings.IndexByte("KMGT", text[end]&^0x20); i++ {
			n *= 1024
		}
	}
	return n
}

// span is a range of cut's LIST, from 1; to 0 is the end.
type span struct{ from, to int }

func parseSpans(list string) ([]span, error) {
	var spans []span
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		s := span{from: 1}
		var err error
		if from != "" {
			s.from, err = strconv.Atoi(from)
		}
		if err == nil && to != "" {
			s.to, err = strconv.Atoi(to)
		}
		if !isRange {
			s.to = s.from
		}
		if err != nil || s.from < 1 || part == "" || part == "-" {
			return nil, fmt.Errorf("invalid list '%s'", list)
		}
		spans = append(spans, s)
	}
	return spans, nil
}

func inSpans(spans []span, n int) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return n >= s.from && (s.to == 0 || n <= s.to) })
}

func cut(p *process) int {
	o, ok := p.options("b:c:f:d:sn", "fields=f", "delimiter=d", "characters=c", "bytes=b")
	if !ok {
		return p.misuse()
	}
	list := o.value('f', o.value('c', o.value('b', "")))
	if list == "" {
		return p.misuse()
	}
	spans, err := parseSpans(list)
	if err != nil {
		return p.fail(err)
	}
	delimiter := o.value('d', "\t")
	out, flush := p.buffered()
	return flush(p.eachInput(o.rest, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string) error {
			var parts []string
			switch {
			case o.has('f') && !strings.Contains(line, delimiter):
				if o.has('s') {
					return nil
				}
				_, err := fmt.Fprintln(out, line)
				return err
			case o.has('f'):
				parts = strings.Split(line, delimiter)
			default:
				parts = strings.Split(line, "")
			}
			kept := parts[:0]
			for i, part := range parts {
				if inSpans(spans, i+1) {
					kept = append(kept, part)
				}
			}
			glue := ""
			if o.has('f') {
				glue = delimiter
			}
			_, err := fmt.Fprintln(out, strings.Join(kept, glue))
			return err
		})
	}))
}

func tr(p *process) int {
	o, ok := p.options("+dscC")
	if !ok || len(o.rest) == 0 || len(o.rest) < 2 && !o.has('d') && !o.has('s') {
		return p.misuse()
	}
	from := trSet(o.rest[0])
	var to []rune
	if len(o.rest) > 1 {
		to = trSet(o.rest[1])
	}
	complement := o.has('c') || o.has('C')
	text, err := io.ReadAll(p.stdin)
	if err != nil {
		return p.fail(err)
	}
	out, flush := p.buffered()
	last := rune(-1)
	for _, r := range string(text) {
		at := slices.Index(from, r)
		member := (at >= 0) != complement
		if member && o.has('d') {
			continue
		}
		if member && len(to) > 0 && !o.has('d') {
			if at < 0 {
				at = len(to)
			}
			r = to[min(at, len(to)-1)]
		}
		squeeze := to
		if len(to) == 0 {
			squeeze = from
		}
		if o.has('s') && r == last && (slices.Contains(squeeze, r) != (complement && len(to) == 0)) {
			continue
		}
		last = r
		fmt.Fprint(out, string(r))
	}
	return flush(0)
}

// trSet expands a-z, [:digit:] and backslashes.
func trSet(text string) []rune {
	for name, set := range map[string]string{
		"[:lower:]": "a-z", "[:upper:]": "A-Z", "[:digit:]": "0-9", "[:alpha:]": "A-Za-z", "[:alnum:]": "A-Za-z0-9",
		"[:space:]": " \\t\\n\\r\\v\\f", "[:blank:]": " \\t", "[:punct:]": "!-/:-@\\[-`{-~",
	} {
		text = strings.ReplaceAll(text, name, set)
	}
	var set []rune
	runes := []rune(text)
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		if r == '\\' && i+1 < len(runes) {
			i++
			r = runes[i]
			if j := strings.IndexRune("ntrvf0", r); j >= 0 {
				r = rune("\n\t\r\v\f\x00"[j])
			}
		}
		if i+2 < len(runes) && runes[i+1] == '-' {
			for c := r; c <= runes[i+2]; c++ {
				set = append(set, c)
			}
			i += 2
			continue
		}
		set = append(set, r)
	}
	return set
}
