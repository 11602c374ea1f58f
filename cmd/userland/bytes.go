package main

import (
	"bufio"
	"compress/gzip"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
	"time"
)

var _ = register("hexdump", "[-C] [-n N] [FILE...]", dump) &&
	register("xxd", "[-l N] [FILE]", dump) &&
	register("od", "[-c|-x] [-N N] [FILE...]   (hexadecimal bytes)", dump) &&
	register("strings", "[-n N] [FILE...]", stringsApplet) &&
	register("base64", "[-d] [-w COLUMNS] [FILE]", base64Applet) &&
	register("md5sum", "[-c] [FILE...]", sums(md5.New)) &&
	register("sha1sum", "[-c] [FILE...]", sums(sha1.New)) &&
	register("sha256sum", "[-c] [FILE...]", sums(sha256.New)) &&
	register("sha512sum", "[-c] [FILE...]", sums(sha512.New)) &&
	register("gzip", "[-cdfk] [FILE...]", gzipApplet) &&
	register("gunzip", "[-cfk] [FILE...]", gzipApplet) &&
	register("zcat", "[FILE...]", gzipApplet) &&
	register("dd", "[if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N] [conv=notrunc] [status=none]", dd)

func dump(p *process) int {
	o, ok := p.options("CcxbvAn:l:N:t:", "canonical=C")
	if !ok {
		return p.misuse()
	}
	limit := o.value('n', o.value('l', o.value('N', "9223372036854775807")))
	most, err := count(limit)
	if err != nil {
		return p.fail(err)
	}
	out, flush := p.buffered()
	offset := 0
	row := make([]byte, 0, 16)
	status := p.eachInput(o.rest, func(_ string, r io.Reader) error {
		in := bufio.NewReader(io.LimitReader(r, most))
		for {
			c, err := in.ReadByte()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if row = append(row, c); len(row) == 16 {
				p.dumpRow(out, offset, row, o)
				offset, row = offset+16, row[:0]
			}
		}
	})
	if len(row) > 0 {
		p.dumpRow(out, offset, row, o)
	}
	if p.name != "xxd" {
		fmt.Fprintf(out, "%08x\n", offset+len(row))
	}
	return flush(status)
}

// dumpRow prints 16 bytes as hexdump -C, xxd or od does.
func (p *process) dumpRow(w io.Writer, offset int, row []byte, o options) {
	var hexes, text strings.Builder
	for i := range 16 {
		switch {
		case i >= len(row):
			hexes.WriteString("  ")
		case o.has('c'):
			fmt.Fprintf(&hexes, "%3s", strings.Trim(fmt.Sprintf("%q", string(row[i:i+1])), `"`))
		default:
			fmt.Fprintf(&hexes, "%02x", row[i])
		}
		if p.name != "xxd" && !o.has('c') && i < 15 || p.name == "xxd" && i%2 == 1 {
			hexes.WriteByte(' ')
		}
		if i == 7 && o.has('C') {
			hexes.WriteByte(' ')
		}
		if i < len(row) {
			c := row[i]
			if c < ' ' || c > '~' {
				c = '.'
			}
			text.WriteByte(c)
		}
	}
	switch {
	case p.name == "xxd":
		fmt.Fprintf(w, "%08x: %s %s\n", offset, hexes.String(), text.String())
	case o.has('C'):
		fmt.Fprintf(w, "%08x  %s  |%s|\n", offset, hexes.String(), text.String())
	default:
		fmt.Fprintf(w, "%08x %s\n", offset, strings.TrimRight(hexes.String(), " "))
	}
}

func stringsApplet(p *process) int {
	o, ok := p.options("an:")
	least, err := count(o.value('n', "4"))
	if !ok || err != nil {
		return p.misuse()
	}
	out, flush := p.buffered()
	return flush(p.eachInput(o.rest, func(_ string, r io.Reader) error {
		text, err := io.ReadAll(r)
		for _, run := range strings.FieldsFunc(string(text), func(r rune) bool { return r < ' ' && r != '\t' || r > '~' }) {
			if int64(len(run)) >= least {
				fmt.Fprintln(out, run)
			}
		}
		return err
	}))
}

func base64Applet(p *process) int {
	o, ok := p.options("dw:", "decode=d", "wrap=w")
	width, err := count(o.value('w', "76"))
	if !ok || err != nil {
		return p.misuse()
	}
	out, flush := p.buffered()
	return flush(p.eachInput(o.rest, func(_ string, r io.Reader) error {
		text, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if o.has('d') {
			plain, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
			if err != nil {
				return errors.New("invalid input")
			}
			_, err = out.Write(plain)
			return err
		}
		encoded := base64.StdEncoding.EncodeToString(text)
		for width > 0 && int64(len(encoded)) > width {
			fmt.Fprintln(out, encoded[:width])
			encoded = encoded[width:]
		}
		fmt.Fprint(out, encoded)
		if width > 0 {
			fmt.Fprintln(out)
		}
		return nil
	}))
}

// sums is the applet that prints a digest for each file, or checks a list of them.
func sums(algorithm func() hash.Hash) func(*process) int {
	digest := func(r io.Reader) (string, error) {
		h := algorithm()
		_, err := io.Copy(h, r)
		return hex.EncodeToString(h.Sum(nil)), err
	}
	return func(p *process) int {
		o, ok := p.options("cbsw", "check=c")
		if !ok {
			return p.misuse()
		}
		if o.has('c') {
			return p.checkSums(o.rest, digest)
		}
		return p.eachInput(o.rest, func(name string, r io.Reader) error {
			sum, err := digest(r)
			if name == "(standard input)" {
				name = "-"
			}
			if err == nil {
				fmt.Fprintf(p.stdout, "%s  %s\n", sum, name)
			}
			return err
		})
	}
}

func (p *process) checkSums(lists []string, digest func(io.Reader) (string, error)) int {
	failed := 0
	status := p.eachInput(lists, func(_ string, r io.Reader) error {
		return eachLine(r, func(line string) error {
			want, name, ok := strings.Cut(line, "  ")
			if !ok {
				return errors.New("no checksum lines")
			}
			err := p.oneInput(name, func(_ string, r io.Reader) error {
				have, err := digest(r)
				result := "OK"
				if have != want {
					result = "FAILED"
					failed++
				}
				fmt.Fprintf(p.stdout, "%s: %s\n", name, result)
				return err
			})
			if err != nil {
				failed++
				p.fail(err)
			}
			return nil
		})
	})
	if failed > 0 {
		return p.failf("WARNING: %d computed checksum did NOT match", failed)
	}
	return status
}

func gzipApplet(p *process) int {
	o, ok := p.options("cdfkn123456789v", "decompress=d", "stdout=c")
	if !ok {
		return p.misuse()
	}
	unpack := p.name != "gzip" || o.has('d')
	if p.name == "zcat" || o.has('c') || len(o.rest) == 0 {
		out, flush := p.buffered()
		return flush(p.eachInput(o.rest, func(name string, r io.Reader) error { return gzipCopy(out, r, unpack) }))
	}
	p.args = o.rest
	return p.each(1, func(name string) error { return gzipFile(name, unpack, o) })
}

func gzipCopy(w io.Writer, r io.Reader, unpack bool) error {
	if unpack {
		z, err := gzip.NewReader(r)
		if err != nil {
			return errors.New("invalid magic")
		}
		_, err = io.Copy(w, z) //nolint:gosec // the person asked for all of it
		return err
	}
	z := gzip.NewWriter(w)
	if _, err := io.Copy(z, r); err != nil {
		return err
	}
	return z.Close()
}

// gzipFile puts the result beside the file and removes the file.
func gzipFile(name string, unpack bool, o options) error {
	target := name + ".gz"
	if unpack {
		var ok bool
		if target, ok = strings.CutSuffix(name, ".gz"); !ok {
			return fmt.Errorf("%s: unknown suffix - ignored", name)
		}
	}
	if _, err := os.Stat(target); err == nil && !o.has('f') {
		return fmt.Errorf("%s already exists", target)
	}
	in, err := os.Open(name)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(target)
	if err != nil {
		return err
	}
	err = errors.Join(gzipCopy(out, in, unpack), out.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", name, err), os.Remove(target))
	}
	if o.has('k') {
		return nil
	}
	return os.Remove(name)
}

func dd(p *process) int {
	given := map[string]string{"bs": "512", "count": "9223372036854775807", "skip": "0", "seek": "0"}
	for _, word := range p.args {
		name, value, ok := strings.Cut(word, "=")
		if !ok || !strings.Contains(" if of bs count skip seek conv status iflag oflag ", " "+name+" ") {
			return p.misuse()
		}
		given[name] = value
	}
	numbers := map[string]int64{}
	for _, name := range []string{"bs", "count", "skip", "seek"} {
		n, err := count(given[name])
		if err != nil {
			return p.fail(err)
		}
		numbers[name] = n
	}
	in, out := p.stdin, p.stdout
	if name := given["if"]; name != "" {
		f, err := os.Open(name)
		if err != nil {
			return p.failf("can't open '%s': %s", name, reason(err))
		}
		defer f.Close()
		in = f
	}
	if name := given["of"]; name != "" {
		flag := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
		if strings.Contains(given["conv"], "notrunc") || numbers["seek"] > 0 {
			flag &^= os.O_TRUNC
		}
		f, err := os.OpenFile(name, flag, 0o666)
		if err != nil {
			return p.failf("can't open '%s': %s", name, reason(err))
		}
		defer f.Close()
		if _, err := f.Seek(numbers["seek"]*numbers["bs"], io.SeekStart); err != nil && numbers["seek"] > 0 {
			return p.fail(err)
		}
		out = f
	}
	return p.copyBlocks(in, out, numbers, given["status"] != "none")
}

func (p *process) copyBlocks(in io.Reader, out io.Writer, n map[string]int64, tell bool) int {
	began := time.Now()
	block := make([]byte, n["bs"])
	var full, part, total int64
	for i := int64(0); i < n["skip"]; i++ {
		if _, err := io.ReadFull(in, block); err != nil {
			break
		}
	}
	for full+part < n["count"] {
		got, err := in.Read(block)
		if got > 0 {
			if _, err := out.Write(block[:got]); err != nil {
				return p.failf("error writing: %s", reason(err))
			}
			total += int64(got)
			if got == len(block) {
				full++
			} else {
				part++
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return p.fail(err)
		}
	}
	if tell {
		spent := time.Since(began).Seconds()
		fmt.Fprintf(p.stderr, "%d+%d records in\n%d+%d records out\n%d bytes (%sB) copied, %f seconds, %sB/s\n",
			full, part, full, part, total, human(total), spent, human(int64(float64(total)/max(spent, 1e-6))))
	}
	return 0
}
