package kubelet

// Internal tests: the file's form is nobody else's business.

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestVariableIn(t *testing.T) {
	for _, test := range []struct{ name, file, want, wrong string }{
		{name: "plain", file: "A='1'\nNAME='value'\n", want: "value"},
		{name: "comments and blanks", file: "# NAME='no'\n\n\t NAME='a b' # so it is\n", want: "a b"},
		{name: "several lines", file: "A='x\nNAME=\n'\nNAME='one\ntwo'", want: "one\ntwo"},
		{name: "not there", file: "A='1'"},
		{name: "a blank before the value", file: "NAME= 'value'"},
		{name: "no quotes", file: "NAME=value", wrong: "not in single quotes"},
		{name: "empty without quotes", file: "NAME=", wrong: "not in single quotes"},
		{name: "double quotes", file: `NAME="value"`, wrong: "not in single quotes"},
		{name: "no equals sign", file: "NAME", wrong: "NAME='value' is expected"},
		{name: "a blank before the equals sign", file: "NAME ='value'", wrong: "NAME='value' is expected"},
		{name: "no name", file: "='value'", wrong: "NAME='value' is expected"},
		{name: "an open quote", file: "NAME='value\n", wrong: "closing quote is missing"},
		{name: "more behind it", file: "NAME='value'more", wrong: "follows the closing quote"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := variableIn(strings.NewReader(test.file), "NAME")
			if got != test.want || (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("%q, %v; want %q, error with %q", got, err, test.want, test.wrong)
			}
		})
	}
}

func FuzzVariableIn(f *testing.F) {
	f.Add("A='1'\nNAME='x\ny' # z\n")
	f.Fuzz(func(t *testing.T, file string) {
		value, err := variableIn(strings.NewReader(file), "NAME")
		if err != nil && value != "" || strings.Contains(value, "'") {
			t.Errorf("%q, %v", value, err)
		}
	})
}

// TestFileOutsideTheVolume: a link that a container has left leads nowhere.
func TestFileOutsideTheVolume(t *testing.T) {
	dir := t.TempDir()
	volume := filepath.Join(dir, "volume")
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "secret"), []byte("NAME='secret'"), 0o600), os.Mkdir(volume, 0o700),
		os.Symlink("../secret", filepath.Join(volume, "link")), os.WriteFile(filepath.Join(volume, "own"), []byte("NAME='own'"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	m := &podMounts{paths: map[string]string{"work": volume}}
	for path, want := range map[string]string{"own": "own", "link": "", "../secret": ""} {
		if got, _, err := m.fromFile(&corev1.FileKeySelector{VolumeName: "work", Path: path, Key: "NAME"}); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}
