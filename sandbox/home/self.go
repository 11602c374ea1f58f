package home

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// CarrySelf puts the calling program among p as "drydock", so that a lab's own shell, which sees p and not every place of the
// machine, has it. It is a hard link where both lie on one file system, else a copy; nothing is done when it is there already.
func (p Programs) CarrySelf() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if same(self, p.Path("drydock")) {
		return nil
	}
	temporary, err := os.MkdirTemp(filepath.Dir(string(p)), "unpacking-")
	if err != nil {
		return fmt.Errorf("make room for drydock: %w", err)
	}
	defer func() { _ = os.RemoveAll(temporary) }() // what is left is found under a name that nobody reads
	fresh := filepath.Join(temporary, "drydock")
	if os.Link(self, fresh) != nil { // another file system, or not this user's file (fs.protected_hardlinks, proc_sys_fs(5))
		if err := duplicate(self, fresh); err != nil {
			return fmt.Errorf("copy drydock: %w", err)
		}
	}
	if err := os.Rename(fresh, p.Path("drydock")); err != nil {
		return fmt.Errorf("put drydock among its programs: %w", err)
	}
	return nil
}

// same tells whether there is a link to self or a whole copy of it; a copy has its size and time.
func same(self, there string) bool {
	ours, err1 := os.Stat(self)
	theirs, err2 := os.Stat(there)
	return err1 == nil && err2 == nil &&
		(os.SameFile(ours, theirs) || (ours.Size() == theirs.Size() && ours.ModTime().Equal(theirs.ModTime())))
}

func duplicate(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}
