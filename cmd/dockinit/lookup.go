package main

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

var (
	errNotFound      = errors.New("executable file not found in $PATH")
	errNotExecutable = errors.New("permission denied")
)

// lookUp finds the program as a shell would, in the container's PATH. The words of its errors are runc's and os/exec's:
// people search for them.
func lookUp(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, executable(name)
	}
	var refused error
	for _, dir := range strings.Split(variable(env, "PATH"), ":") {
		if dir == "" {
			dir = "."
		}
		path := dir + "/" + name
		err := executable(path)
		if err == nil {
			return path, nil
		}
		if errors.Is(err, errNotExecutable) {
			refused = err
		}
	}
	if refused != nil {
		return "", refused
	}
	return "", fmt.Errorf("exec: %q: %w", name, errNotFound)
}

func variable(env []string, name string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v // the last one wins, as in a shell
		}
	}
	return value
}

// executable says whether path can be run at all; whether this user may is answered by execve(2).
func executable(path string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		kind := errNotFound
		if !absent(err) {
			kind = errNotExecutable
		}
		return &pathError{text: fmt.Sprintf("exec: %q: stat %s: %v", path, path, err), kind: kind}
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return &pathError{text: fmt.Sprintf("exec: %q: is a directory", path), kind: errNotExecutable}
	}
	if st.Mode&0o111 == 0 {
		return &pathError{text: fmt.Sprintf("exec: %q: permission denied", path), kind: errNotExecutable}
	}
	return nil
}

// pathError has the words people know and the kind that errors.Is finds.
type pathError struct {
	text string
	kind error
}

func (e *pathError) Error() string { return e.text }
func (e *pathError) Unwrap() error { return e.kind }
