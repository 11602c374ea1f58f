package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

var _ = register("diff", "[-uqN] [-U LINES] FILE FILE   (unified output; no directories)", diff) &&
	register("cmp", "[-sl] FILE FILE", cmpApplet)

func diff(p *process) int {
	o, ok := p.options("uqNrabwU:", "unified=u", "brief=q")
	if !ok || len(o.rest) != 2 {
		return p.misuse()
	}
	names := o.rest
	for i, name := range names { // diff FILE DIR
		if other := names[1-i]; isDir(name) && !isDir(other) && other != "-" {
			names[i] = filepath.Join(name, filepath.Base(other))
		}
	}
	var texts [2][]string
	for i, name := range names {
		err := p.oneInput(name, func(_ string, r io.Reader) (err error) {
			texts[i], err = readLines(r)
			return err
		})
		if err != nil && (!o.has('N') || !os.IsNotExist(err)) {
			p.fail(err)
			return 2
		}
	}
	around, err := count(o.value('U', "3"))
	if err != nil {
		return p.fail(err)
	}
	script := compareLines(texts[0], texts[1])
	hunks := hunksOf(script, int(around))
	if len(hunks) == 0 {
		return 0
	}
	if o.has('q') {
		fmt.Fprintf(p.stdout, "Files %s and %s differ\n", names[0], names[1])
		return 1
	}
	out, flush := p.buffered()
	fmt.Fprintf(out, "--- %s\n+++ %s\n", names[0], names[1])
	for _, h := range hunks {
		h.print(out)
	}
	return flush(1)
}

// edit is one line of a diff: ' ', '-' or '+', with its place in both files.
type edit struct {
	sign byte
	text string
	a, b int
}

// compareLines finds the longest common subsequence after cutting off what both begin and end with.
func compareLines(a, b []string) []edit {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	x, y := a[start:len(a)-end], b[start:len(b)-end]
	common := make([][]int32, len(x)+1)
	for i := range common {
		common[i] = make([]int32, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var script []edit
	for i := range start {
		script = append(script, edit{' ', a[i], i, i})
	}
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			script = append(script, edit{' ', x[i], start + i, start + j})
			i, j = i+1, j+1
		case i < len(x) && (j == len(y) || common[i+1][j] >= common[i][j+1]):
			script = append(script, edit{'-', x[i], start + i, start + j})
			i++
		default:
			script = append(script, edit{'+', y[j], start + i, start + j})
			j++
		}
	}
	for k := range end {
		script = append(script, edit{' ', a[len(a)-end+k], len(a) - end + k, len(b) - end + k})
	}
	return script
}

// hunk is a stretch of changes with the lines around them.
type hunk []edit

func hunksOf(script []edit, around int) (hunks []hunk) {
	from, to := -1, -1
	for i, c := range script {
		if c.sign == ' ' {
			continue
		}
		if from >= 0 && i-around > to {
			hunks = append(hunks, script[from:to])
			from = -1
		}
		if from < 0 {
			from = max(0, i-around)
		}
		to = min(len(script), i+around+1)
	}
	if from >= 0 {
		hunks = append(hunks, script[from:to])
	}
	return hunks
}

func (h hunk) print(w io.Writer) {
	var a, b int
	for _, c := range h {
		if c.sign != '+' {
			a++
		}
		if c.sign != '-' {
			b++
		}
	}
	fmt.Fprintf(w, "@@ -%s +%s @@\n", hunkRange(h[0].a, a), hunkRange(h[0].b, b))
	for _, c := range h {
		fmt.Fprintf(w, "%c%s\n", c.sign, c.text)
	}
}

func hunkRange(start, n int) string {
	switch n {
	case 0:
		return fmt.Sprintf("%d,0", start)
	case 1:
		return fmt.Sprint(start + 1)
	default:
		return fmt.Sprintf("%d,%d", start+1, n)
	}
}

func cmpApplet(p *process) int {
	o, ok := p.options("sl")
	if !ok || len(o.rest) != 2 {
		return p.misuse()
	}
	var texts [2][]byte
	for i, name := range o.rest {
		err := p.oneInput(name, func(_ string, r io.Reader) (err error) {
			texts[i], err = io.ReadAll(r)
			return err
		})
		if err != nil {
			p.fail(err)
			return 2
		}
	}
	n := min(len(texts[0]), len(texts[1]))
	for i := range n {
		if texts[0][i] == texts[1][i] {
			continue
		}
		if !o.has('s') {
			fmt.Fprintf(p.stdout, "%s %s differ: char %d, line %d\n", o.rest[0], o.rest[1], i+1, bytes.Count(texts[0][:i], []byte("\n"))+1)
		}
		return 1
	}
	if len(texts[0]) == len(texts[1]) {
		return 0
	}
	if !o.has('s') {
		shorter := o.rest[0]
		if len(texts[1]) < len(texts[0]) {
			shorter = o.rest[1]
		}
		p.failf("EOF on %s", shorter)
	}
	return 1
}
