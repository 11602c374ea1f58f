package pathdriver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A volume's id is local/NAME or shared/NAME.
const (
	localPrefix  = "local/"
	sharedPrefix = "shared/"
)

// record is what volume.json says.
type record struct {
	Bytes int64  `json:"bytes"`          // how large the volume shall be; 0 when nobody said
	From  string `json:"from,omitempty"` // the volume it is a copy of
}

// volume is a directory with a record and data.
type volume struct{ dir string }

func (v volume) data() string   { return filepath.Join(v.dir, "data") }
func (v volume) record() string { return filepath.Join(v.dir, "volume.json") }

// locate is where the volume of an id is, whether or not it is there.
func (d *Driver) locate(id string) (volume, error) {
	for prefix, root := range map[string]string{localPrefix: d.cfg.Local, sharedPrefix: d.cfg.Shared} {
		name, ok := strings.CutPrefix(id, prefix)
		if ok && plainName(name) {
			return volume{filepath.Join(root, name)}, nil
		}
	}
	return volume{}, status.Errorf(codes.NotFound, "there is no volume %q", id)
}

// plainName keeps ids from leaving the directory of volumes.
func plainName(name string) bool {
	return name != "" && name[0] != '.' && !strings.ContainsAny(name, "/\x00") && len(name) <= 128
}

// read returns a volume's record; fs.ErrNotExist when there is no such volume.
func (v volume) read() (record, error) {
	var r record
	text, err := os.ReadFile(v.record())
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("read %s: %w", v.record(), err)
	}
	return r, nil
}

// write makes a record durable: whole or not at all, and there after a power cut (rename(2), fsync(2)).
func (v volume) write(r record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	fresh := v.record() + ".new"
	file, err := os.OpenFile(fresh, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", fresh, err)
	}
	if err := os.Rename(fresh, v.record()); err != nil {
		return err
	}
	return syncDir(v.dir)
}

// make makes the volume's directory. Everybody may write into it: who does so is decided by the pod that mounts it.
func (v volume) make() error {
	if err := os.MkdirAll(v.data(), 0o777); err != nil {
		return err
	}
	if err := os.Chmod(v.data(), 0o777); err != nil { // the umask
		return err
	}
	return syncDir(filepath.Dir(v.dir))
}

// remove deletes the volume. The record goes last, so that a removal that is broken off can be repeated.
func (v volume) remove() error {
	if err := os.RemoveAll(v.data()); err != nil {
		return err
	}
	return os.RemoveAll(v.dir)
}

func (v volume) exists() (bool, error) {
	_, err := os.Lstat(v.data())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// failed is an error of ours as an answer.
func failed(what string, err error) error {
	code := codes.Internal
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code = codes.NotFound
	case errors.Is(err, fs.ErrPermission):
		code = codes.PermissionDenied
	}
	return status.Errorf(code, "%s: %s", what, err)
}
