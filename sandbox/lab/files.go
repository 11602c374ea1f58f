package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// replacements is where the lab's own versions of the machine's files lie: in memory, gone with the lab.
const replacements = "/run/drydock/files"

// Replace lets everything in the lab that starts from now on see content at path instead of the machine's file. The machine's
// file is not touched: a file of the lab's own is mounted over it. Calling it again changes the content, also for what runs already.
//
// A path that is a link leads on, as resolv.conf often does: what is covered is the file at its end, and an end below /run or
// /tmp, which are the lab's own and empty, is made first. When the machine has nothing there to cover, the error is fs.ErrNotExist.
func (in *Inside) Replace(path, content string) error {
	ours := filepath.Join(replacements, path)
	if err := os.MkdirAll(filepath.Dir(ours), 0o755); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	_, err := os.Stat(ours)
	again := err == nil
	if err := os.WriteFile(ours, []byte(content), 0o644); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	if again {
		return nil // mounted already
	}
	target, err := endOf(path)
	if err == nil {
		err = unix.Mount(ours, target, "", unix.MS_BIND, "")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("replace %s: %w", path, err), os.Remove(ours))
	}
	return nil
}

// maxLinks is how many links in a row are followed, as the kernel does (path_resolution(7)).
const maxLinks = 40

// endOf follows links and makes the file at the end if there is none, where that is possible.
func endOf(path string) (string, error) {
	for range maxLinks {
		to, err := os.Readlink(path)
		if err != nil {
			return path, touch(path)
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", fmt.Errorf("follow %s: %w", path, unix.ELOOP)
}

func touch(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return fs.ErrNotExist // read-only
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fs.ErrNotExist
	}
	return f.Close()
}
