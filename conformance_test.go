package drydock_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// claimed are the sigs whose behaviours docs/conformance.md speaks of.
var claimed = regexp.MustCompile(`^\[sig-(apps|network|node|scheduling)\] `)

// TestConformanceTable: every behaviour of the claimed sigs has a row, and every test that a row names exists.
func TestConformanceTable(t *testing.T) {
	page, err := os.ReadFile("docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\[sig-.*\]) \| (.*) \|$`).FindAllStringSubmatch(string(page), -1) {
		if rows[row[1]] != "" {
			t.Errorf("two rows for %s", row[1])
		}
		rows[row[1]] = row[2]
	}
	for _, codename := range codenames(t) {
		if claimed.MatchString(codename) && strings.TrimSpace(rows[codename]) == "" {
			t.Errorf("no row for %s", codename)
		}
		delete(rows, codename)
	}
	for codename := range rows {
		t.Errorf("a row for %s, which upstream does not have", codename)
	}
	tests := regexp.MustCompile("`([\\w/]+) (Test\\w+)`").FindAllStringSubmatch(string(page), -1)
	if len(tests) < 100 {
		t.Fatalf("only %d tests are named: the page is read wrongly", len(tests))
	}
	for _, test := range tests {
		if !slices.Contains(testsIn(t, test[1]), test[2]) {
			t.Errorf("%s has no %s", test[1], test[2])
		}
	}
}

// codenames are all behaviours that the suite of our Kubernetes version describes.
func codenames(t *testing.T) []string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/kubernetes").Output()
	if err != nil {
		t.Fatalf("where is the Kubernetes module: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "test/conformance/testdata/conformance.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	// A long name goes on in the next lines, further in.
	for _, found := range regexp.MustCompile(`(?m)^  codename: (.*(?:\n    .*)*)`).FindAllStringSubmatch(string(text), -1) {
		name := strings.Join(strings.Fields(found[1]), " ")
		if strings.HasPrefix(name, "'") {
			name = strings.ReplaceAll(strings.Trim(name, "'"), "''", "'")
		}
		if strings.HasPrefix(name, `"`) {
			name = strings.ReplaceAll(strings.Trim(name, `"`), `\"`, `"`)
		}
		names = append(names, name)
	}
	if len(names) < 400 {
		t.Fatalf("only %d behaviours found: the list is read wrongly", len(names))
	}
	return names
}

var testNames = map[string][]string{}

func testsIn(t *testing.T, pkg string) []string {
	t.Helper()
	if testNames[pkg] != nil {
		return testNames[pkg]
	}
	files, err := filepath.Glob(filepath.Join(pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(text, -1) {
			testNames[pkg] = append(testNames[pkg], string(found[1]))
		}
	}
	return testNames[pkg]
}
