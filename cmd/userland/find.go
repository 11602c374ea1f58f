package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

var _ = register("find", "[PATH...] [-name|-iname|-path GLOB] [-type T] [-mtime|-mmin|-size [+-]N] [-newer FILE] [-empty] [-maxdepth|-mindepth N] [-not|! -o -a ( )] [-print|-print0|-delete|-exec CMD {} ;|+]", find)

// found is a file that find looks at.
type found struct {
	path  string
	depth int
	info  fs.FileInfo
}

// predicate is one word of find's expression. It may act, too: -print, -exec.
type predicate func(*found) bool

// finder is one run of find: the expression is parsed before the first file is seen.
type finder struct {
	p                  *process
	words              []string
	minDepth, maxDepth int
	acts               bool     // an action was given, so none is implied
	batches            []func() // -exec … +
	prune              bool
	depthFirst         bool
	status             int
}

func find(p *process) int {
	f := &finder{p: p, words: p.args, maxDepth: -1}
	var roots []string
	for len(f.words) > 0 && f.words[0] != "!" && f.words[0] != "(" && (f.words[0] == "" || f.words[0][0] != '-') {
		roots = append(roots, f.next())
	}
	if len(roots) == 0 {
		roots = []string{"."}
	}
	expression, err := f.or()
	if err == nil && len(f.words) > 0 {
		err = fmt.Errorf("unrecognized: %s", f.words[0])
	}
	if err != nil {
		return p.fail(err)
	}
	for _, root := range roots {
		info, err := os.Lstat(root)
		if err != nil {
			f.status = p.fail(err)
			continue
		}
		f.visit(&found{root, 0, info}, expression)
	}
	for _, run := range f.batches {
		run()
	}
	return f.status
}

func (f *finder) visit(at *found, expression predicate) {
	if !f.depthFirst {
		f.prune = false
		f.look(at, expression)
	}
	if at.info.IsDir() && !f.prune && (f.maxDepth < 0 || at.depth < f.maxDepth) {
		entries, err := os.ReadDir(at.path)
		if err != nil {
			f.status = f.p.fail(err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil { // gone meanwhile: not found
				path := strings.TrimSuffix(at.path, "/") + "/" + e.Name()
				f.visit(&found{path, at.depth + 1, info}, expression)
			}
		}
	}
	f.prune = false
	if f.depthFirst {
		f.look(at, expression)
	}
}

func (f *finder) look(at *found, expression predicate) {
	if at.depth >= f.minDepth && expression(at) && !f.acts {
		fmt.Fprintln(f.p.stdout, at.path)
	}
}

func (f *finder) next() string {
	w := f.words[0]
	f.words = f.words[1:]
	return w
}

func (f *finder) or() (predicate, error) {
	left, err := f.and()
	for err == nil && len(f.words) > 0 && (f.words[0] == "-o" || f.words[0] == "-or") {
		f.next()
		var right predicate
		if right, err = f.and(); err == nil {
			first := left
			left = func(at *found) bool { return first(at) || right(at) }
		}
	}
	return left, err
}

func (f *finder) and() (predicate, error) {
	all := func(*found) bool { return true }
	var left predicate = all
	for len(f.words) > 0 && f.words[0] != "-o" && f.words[0] != "-or" && f.words[0] != ")" {
		if f.words[0] == "-a" || f.words[0] == "-and" {
			f.next()
			continue
		}
		right, err := f.not()
		if err != nil {
			return nil, err
		}
		first := left
		left = func(at *found) bool { return first(at) && right(at) }
	}
	return left, nil
}

func (f *finder) not() (predicate, error) {
	if len(f.words) == 0 {
		return nil, errors.New("expression expected")
	}
	switch word := f.next(); word {
	case "!", "-not":
		inner, err := f.not()
		return func(at *found) bool { return !inner(at) }, err
	case "(":
		inner, err := f.or()
		if err == nil && (len(f.words) == 0 || f.next() != ")") {
			err = errors.New("unmatched '('")
		}
		return inner, err
	default:
		return f.primary(word)
	}
}

// primary reads one test or action.
func (f *finder) primary(word string) (predicate, error) {
	switch word {
	case "-print":
		f.acts = true
		return func(at *found) bool { fmt.Fprintln(f.p.stdout, at.path); return true }, nil
	case "-print0":
		f.acts = true
		return func(at *found) bool { fmt.Fprint(f.p.stdout, at.path+"\x00"); return true }, nil
	case "-prune":
		return func(*found) bool { f.prune = true; return true }, nil
	case "-true":
		return func(*found) bool { return true }, nil
	case "-depth", "-xdev", "-mount":
		f.depthFirst = f.depthFirst || word == "-depth"
		return func(*found) bool { return true }, nil
	case "-empty":
		return func(at *found) bool { return isEmpty(at) }, nil
	case "-delete":
		f.acts, f.depthFirst = true, true
		return func(at *found) bool {
			if err := os.Remove(at.path); err != nil {
				f.status = f.p.fail(err)
				return false
			}
			return true
		}, nil
	case "-exec", "-ok":
		return f.exec()
	}
	if len(f.words) == 0 || !strings.HasPrefix(word, "-") {
		return nil, fmt.Errorf("unrecognized: %s", word)
	}
	return f.valued(word, f.next())
}

func isEmpty(at *found) bool {
	if !at.info.IsDir() {
		return at.info.Mode().IsRegular() && at.info.Size() == 0
	}
	entries, err := os.ReadDir(at.path)
	return err == nil && len(entries) == 0
}

// valued is a test that takes a value.
func (f *finder) valued(word, value string) (predicate, error) {
	switch word {
	case "-name", "-iname", "-path", "-ipath":
		fold := word[1] == 'i'
		if fold {
			value = strings.ToLower(value)
		}
		return func(at *found) bool {
			subject := filepath.Base(at.path)
			if strings.HasSuffix(word, "path") {
				subject = at.path
			}
			if fold {
				subject = strings.ToLower(subject)
			}
			return globMatch(value, subject)
		}, nil
	case "-type":
		return func(at *found) bool {
			letter := modeString(at.info.Mode())[:1]
			return strings.Contains(value, strings.ReplaceAll(letter, "-", "f"))
		}, nil
	case "-newer":
		info, err := os.Stat(value)
		if err != nil {
			return nil, err
		}
		return func(at *found) bool { return at.info.ModTime().After(info.ModTime()) }, nil
	case "-user":
		uid, err := idIn("/etc/passwd", value)
		return func(at *found) bool { return ownerOf(at.info) == uid }, err
	case "-perm":
		bits, err := strconv.ParseUint(strings.TrimLeft(value, "-/"), 8, 12)
		return func(at *found) bool {
			mode := uint64(unixMode(at.info))
			return value[0] == '-' && mode&bits == bits || value[0] == '/' && mode&bits != 0 || mode == bits
		}, err
	}
	number := strings.TrimRight(strings.TrimLeft(value, "+-"), "ckMGwb")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("unrecognized: %s %s", word, value)
	}
	return f.numeric(word, value, n)
}

// numeric is a test on a number: +N more, -N less, N exactly.
func (f *finder) numeric(word, value string, n int64) (predicate, error) {
	compare := func(have int64) bool {
		switch value[0] {
		case '+':
			return have > n
		case '-':
			return have < n
		default:
			return have == n
		}
	}
	now := time.Now()
	switch word {
	case "-maxdepth":
		f.maxDepth = int(n)
	case "-mindepth":
		f.minDepth = int(n)
	case "-mtime":
		return func(at *found) bool { return compare(int64(now.Sub(at.info.ModTime()).Hours()) / 24) }, nil
	case "-mmin":
		return func(at *found) bool { return compare(int64(now.Sub(at.info.ModTime()).Minutes())) }, nil
	case "-size":
		unit := map[byte]int64{'c': 1, 'k': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}[value[len(value)-1]]
		unit = max(unit, 1)
		if last := value[len(value)-1]; last >= '0' && last <= '9' || last == 'b' {
			unit = 512
		}
		return func(at *found) bool { return compare((at.info.Size() + unit - 1) / unit) }, nil
	default:
		return nil, fmt.Errorf("unrecognized: %s", word)
	}
	return func(*found) bool { return true }, nil
}

func globMatch(pattern, name string) bool {
	ok, err := filepath.Match(strings.ReplaceAll(pattern, "/", "\x01"), strings.ReplaceAll(name, "/", "\x01"))
	return err == nil && ok
}

// exec runs a command for each file, or for all at once.
func (f *finder) exec() (predicate, error) {
	f.acts = true
	var words []string
	for len(f.words) > 0 {
		word := f.next()
		switch {
		case word == ";":
			return func(at *found) bool { return f.runFor(words, at.path) == 0 }, nil
		case word == "+" && len(words) > 1 && words[len(words)-1] == "{}":
			var paths []string
			f.batches = append(f.batches, func() {
				if len(paths) > 0 {
					f.status = max(f.status, f.spawn(append(words[:len(words)-1:len(words)-1], paths...)))
				}
			})
			return func(at *found) bool { paths = append(paths, at.path); return true }, nil
		}
		words = append(words, word)
	}
	return nil, errors.New("-exec requires an argument that ends with ';'")
}

func (f *finder) runFor(words []string, path string) int {
	args := make([]string, len(words))
	for i, w := range words {
		args[i] = strings.ReplaceAll(w, "{}", path)
	}
	return f.spawn(args)
}

func (f *finder) spawn(args []string) int {
	cmd, status := f.p.start(args)
	if cmd == nil {
		return status
	}
	err := cmd.Wait()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) {
		return 1
	}
	return childStatus(cmd)
}
