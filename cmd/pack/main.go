// Command pack compresses the programs that drydock carries, at build time: pack DIR FILE... writes DIR/<name>.zst for
// each file, and DIR/digest, which names the set.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: pack DIR FILE [FILE]")
	}
	set := sha256.New()
	for _, file := range args[1:] {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(set, "%s %x\n", filepath.Base(file), sha256.Sum256(data))
		if err := compress(filepath.Join(args[0], filepath.Base(file)+".zst"), data); err != nil {
			return fmt.Errorf("compress %s: %w", file, err)
		}
	}
	return os.WriteFile(filepath.Join(args[0], "digest"), []byte(hex.EncodeToString(set.Sum(nil))), 0o644)
}

func compress(path string, data []byte) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	w, err := zstd.NewWriter(out, zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		return err
	}
	if _, err := w.Write(data); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return out.Sync()
}
