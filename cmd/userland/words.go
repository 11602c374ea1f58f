package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"drydock/cmd/userland/condition"
	format "drydock/cmd/userland/printf"
)

var _ = register("true", "", func(*process) int { return 0 }) &&
	register("false", "", func(*process) int { return 1 }) &&
	register("echo", "[-neE] [WORD...]", echo) &&
	register("printf", "FORMAT [WORD...]", printf) &&
	register("test", "EXPRESSION", test) &&
	register("[", "EXPRESSION ]", test) &&
	register("seq", "[-w] [-s SEPARATOR] [FIRST [STEP]] LAST", seq) &&
	register("yes", "[WORD...]", yes) &&
	register("basename", "PATH [SUFFIX]", basename) &&
	register("dirname", "PATH...", dirname) &&
	register("expr", "NUMBER OPERATOR NUMBER   (+ - * / % and comparisons)", expr)

func echo(p *process) int {
	args, end, escapes := p.args, "\n", false
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && strings.Trim(args[0][1:], "neE") == "" {
		if strings.Contains(args[0], "n") {
			end = ""
		}
		escapes = strings.Contains(args[0], "e") || escapes && !strings.Contains(args[0], "E")
		args = args[1:]
	}
	text := strings.Join(args, " ")
	if escapes {
		text, _ = format.Format("%b", []string{text}) // without numbers there is no error
	}
	if _, err := io.WriteString(p.stdout, text+end); err != nil {
		return p.fail(err)
	}
	return 0
}

func printf(p *process) int {
	if len(p.args) > 1 && p.args[0] == "--" {
		p.args = p.args[1:]
	}
	if len(p.args) == 0 {
		return p.misuse()
	}
	text, err := format.Format(p.args[0], p.args[1:])
	if _, err := io.WriteString(p.stdout, text); err != nil {
		return p.fail(err)
	}
	if err != nil {
		return p.fail(err)
	}
	return 0
}

func test(p *process) int {
	words := p.args
	if p.name == "[" {
		if len(words) == 0 || words[len(words)-1] != "]" {
			p.failf("missing ]")
			return 2
		}
		words = words[:len(words)-1]
	}
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	switch ok, err := condition.Eval(words, dir); {
	case err != nil:
		p.fail(err)
		return 2
	case ok:
		return 0
	default:
		return 1
	}
}

func seq(p *process) int {
	o := options{given: map[byte][]string{}, rest: p.args}
	if len(p.args) > 0 && (strings.HasPrefix(p.args[0], "-s") || p.args[0] == "-w") { // other dashes are numbers
		var ok bool
		if o, ok = p.options("+ws:"); !ok {
			return p.misuse()
		}
	}
	var numbers [3]float64
	if len(o.rest) == 0 || len(o.rest) > 3 {
		return p.misuse()
	}
	for i, word := range o.rest {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return p.failf("invalid number '%s'", word)
		}
		numbers[i] = n
	}
	first, step, last := 1.0, 1.0, numbers[len(o.rest)-1]
	if len(o.rest) > 1 {
		first = numbers[0]
	}
	if len(o.rest) == 3 {
		step = numbers[1]
	}
	if step == 0 {
		return p.failf("step is 0")
	}
	decimals, width := 0, 0
	for _, word := range o.rest {
		_, fraction, _ := strings.Cut(word, ".")
		decimals = max(decimals, len(fraction))
	}
	if o.has('w') {
		width = max(len(fmt.Sprintf("%.*f", decimals, first)), len(fmt.Sprintf("%.*f", decimals, last)))
	}
	out, flush := p.buffered()
	steps := int(math.Floor((last-first)/step + 1e-9))
	for i := 0; i <= steps; i++ {
		if i > 0 {
			fmt.Fprint(out, o.value('s', "\n"))
		}
		fmt.Fprintf(out, "%0*.*f", width, decimals, first+float64(i)*step)
	}
	if steps >= 0 {
		fmt.Fprintln(out)
	}
	return flush(0)
}

func yes(p *process) int {
	text := "y\n"
	if len(p.args) > 0 {
		text = strings.Join(p.args, " ") + "\n"
	}
	out := bufio.NewWriterSize(p.stdout, 8192)
	for {
		if _, err := out.WriteString(text); err != nil {
			return 1
		}
	}
}

func basename(p *process) int {
	if len(p.args) == 0 || len(p.args) > 2 {
		return p.misuse()
	}
	name := strings.TrimRight(p.args[0], "/")
	if name == "" && p.args[0] != "" {
		name = "/"
	} else {
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	if len(p.args) == 2 && name != p.args[1] {
		name = strings.TrimSuffix(name, p.args[1])
	}
	fmt.Fprintln(p.stdout, name)
	return 0
}

func dirname(p *process) int {
	return p.each(1, func(path string) error {
		trimmed := strings.TrimRight(path, "/")
		i := strings.LastIndexByte(trimmed, '/')
		dir := strings.TrimRight(trimmed[:max(i, 0)], "/")
		switch {
		case trimmed == "" && path != "", i >= 0 && dir == "":
			dir = "/"
		case i < 0:
			dir = "."
		}
		fmt.Fprintln(p.stdout, dir)
		return nil
	})
}

func expr(p *process) int {
	if len(p.args) != 3 {
		return p.misuse()
	}
	a, errA := strconv.ParseInt(p.args[0], 10, 64)
	b, errB := strconv.ParseInt(p.args[2], 10, 64)
	if errA != nil || errB != nil {
		p.failf("non-numeric argument")
		return 2
	}
	var n int64
	truth := func(ok bool) int64 {
		if ok {
			return 1
		}
		return 0
	}
	switch p.args[1] {
	case "+":
		n = a + b
	case "-":
		n = a - b
	case "*":
		n = a * b
	case "/", "%":
		if b == 0 {
			p.failf("division by zero")
			return 2
		}
		if n = a / b; p.args[1] == "%" {
			n = a % b
		}
	case "=":
		n = truth(a == b)
	case "!=":
		n = truth(a != b)
	case "<":
		n = truth(a < b)
	case "<=":
		n = truth(a <= b)
	case ">":
		n = truth(a > b)
	case ">=":
		n = truth(a >= b)
	default:
		return p.misuse()
	}
	fmt.Fprintln(p.stdout, n)
	if n == 0 {
		return 1
	}
	return 0
}
