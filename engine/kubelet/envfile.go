package kubelet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// fromFile resolves a fileKeyRef (KEP-3721): a variable from a file that an init container has left in a volume. found is false for an
// optional one that the file does not hold.
func (m *podMounts) fromFile(ref *corev1.FileKeySelector) (value string, found bool, err error) {
	dir, known := m.paths[ref.VolumeName]
	if !known || dir == "" {
		return "", false, fmt.Errorf("cannot find the volume %q referenced by FileKeyRef", ref.VolumeName)
	}
	root, err := os.OpenRoot(dir) // a link in the volume must not lead to the node's own files
	if err != nil {
		return "", false, fmt.Errorf("failed to get host path for volume %q: %w", ref.VolumeName, err)
	}
	defer func() { _ = root.Close() }() // it was only read
	file, err := root.Open(strings.TrimPrefix(ref.Path, "/"))
	if err != nil {
		return "", false, errors.New("couldn't parse env file")
	}
	defer file.Close()
	value, err = variableIn(file, ref.Key)
	switch {
	case err != nil:
		return "", false, errors.New("couldn't parse env file")
	case value != "":
		return value, true, nil
	case isTrue(ref.Optional):
		return "", false, nil
	}
	return "", false, fmt.Errorf("environment variable key %q not found in file %q", ref.Key, dir+"/"+ref.Path)
}

// variableIn finds NAME='value' in what a shell could read: one to a line, in single quotes, between which a value may go on over
// several lines. Empty lines and those that begin with # do not count. The answer is empty when the name is not there.
func variableIn(file io.Reader, name string) (string, error) {
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := strings.TrimLeft(lines.Text(), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || key == "" || strings.TrimRight(key, " \t") != key {
			return "", fmt.Errorf("read %q: NAME='value' is expected", line)
		}
		if value != strings.TrimLeft(value, " \t") { // to a shell the value is empty, and what follows the blank another word
			if key == name {
				return "", nil
			}
			continue
		}
		quoted, err := quotedIn(value, lines)
		if err != nil {
			return "", fmt.Errorf("read the value of %s: %w", key, err)
		}
		if key == name {
			return quoted, nil
		}
	}
	return "", lines.Err()
}

// quotedIn reads a value in single quotes that begins with text and may go on in the next lines.
func quotedIn(text string, lines *bufio.Scanner) (string, error) {
	text, ok := strings.CutPrefix(text, "'")
	if !ok {
		return "", errors.New("it is not in single quotes")
	}
	for value := ""; ; text = lines.Text() {
		if end, rest, closed := strings.Cut(text, "'"); closed {
			if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != '#' {
				return "", fmt.Errorf("%q follows the closing quote", rest)
			}
			return value + end, nil
		}
		value += text + "\n"
		if !lines.Scan() {
			return "", errors.Join(errors.New("the closing quote is missing"), lines.Err())
		}
	}
}
