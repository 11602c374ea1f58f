package main

import (
	"fmt"
	"strconv"
	"strings"
)

// options are an applet's letters as the person gave them, and the words that follow.
type options struct {
	given map[byte][]string
	rest  []string
}

func (o options) has(letter byte) bool { return len(o.given[letter]) > 0 }

// value is what stands behind the letter, the last time it was given; or fallback.
func (o options) value(letter byte, fallback string) string {
	if values := o.given[letter]; len(values) > 0 {
		return values[len(values)-1]
	}
	return fallback
}

// options reads p.args as getopt(3) does. In spec a letter with ':' takes a value; with a leading '+' options end at the first
// other word. Long names are written "name=l". It reports what it does not know; the applet then returns p.misuse().
func (p *process) options(spec string, long ...string) (options, bool) {
	o := options{given: map[byte][]string{}}
	spec, strict := strings.CutPrefix(spec, "+")
	for i := 0; i < len(p.args); i++ {
		word := p.args[i]
		switch {
		case word == "--":
			o.rest = append(o.rest, p.args[i+1:]...)
			return o, true
		case len(word) < 2 || word[0] != '-':
			if strict {
				o.rest = p.args[i:]
				return o, true
			}
			o.rest = append(o.rest, word)
			continue
		case strings.HasPrefix(word, "--"):
			letters, value, ok := longOption(word[2:], long)
			if !ok {
				fmt.Fprintf(p.stderr, "%s: unrecognized option '%s'\n", p.name, word)
				return o, false
			}
			if takesValue(spec, letters) && !strings.Contains(word, "=") {
				if i++; i == len(p.args) {
					fmt.Fprintf(p.stderr, "%s: option '%s' requires an argument\n", p.name, word)
					return o, false
				}
				value = p.args[i]
			}
			o.given[letters] = append(o.given[letters], value)
			continue
		}
		used, ok := p.cluster(&o, spec, word[1:], p.args[i+1:])
		if !ok {
			return o, false
		}
		i += used
	}
	return o, true
}

// cluster reads the letters of one word; used is 1 when the last one's value is the next word.
func (p *process) cluster(o *options, spec, letters string, following []string) (used int, ok bool) {
	for j := 0; j < len(letters); j++ {
		letter := letters[j]
		if letter == ':' || strings.IndexByte(spec, letter) < 0 {
			fmt.Fprintf(p.stderr, "%s: unrecognized option: %c\n", p.name, letter)
			return 0, false
		}
		if !takesValue(spec, letter) {
			o.given[letter] = append(o.given[letter], "")
			continue
		}
		value := letters[j+1:]
		if value == "" {
			if len(following) == 0 {
				fmt.Fprintf(p.stderr, "%s: option requires an argument: %c\n", p.name, letter)
				return 0, false
			}
			value, used = following[0], 1
		}
		o.given[letter] = append(o.given[letter], value)
		return used, true
	}
	return 0, true
}

func takesValue(spec string, letter byte) bool {
	i := strings.IndexByte(spec, letter)
	return i >= 0 && i+1 < len(spec) && spec[i+1] == ':'
}

func longOption(word string, long []string) (letter byte, value string, ok bool) {
	name, value, _ := strings.Cut(word, "=")
	for _, entry := range long {
		if known, l, _ := strings.Cut(entry, "="); known == name {
			return l[0], value, true
		}
	}
	return 0, "", false
}

// count reads a number with an optional k, M or G behind it.
func count(word string) (int64, error) {
	unit := int64(1)
	number := word
	if n := len(word); n > 1 {
		if i := strings.IndexByte("bkKmMgG", word[n-1]); i >= 0 {
			unit = []int64{512, 1 << 10, 1 << 10, 1 << 20, 1 << 20, 1 << 30, 1 << 30}[i]
			number = word[:n-1]
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("invalid number '%s'", word)
	}
	return n * unit, nil
}
