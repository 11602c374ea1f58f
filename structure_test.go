package drydock_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// floors are the layers from the top: a package may import its own floor and those below, never above.
var floors = []string{"cmd", "tui", "lessons", "checks", "engine", "sandbox"}

// sources lists every Go file of the module with its imports; tests are left out, they may look wherever they must.
func sources(t *testing.T) map[string][]string {
	t.Helper()
	files := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			files[path] = append(files[path], name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("only %d source files found: the walk is wrong", len(files))
	}
	return files
}

func floor(path string) int {
	return slices.Index(floors, strings.Split(filepath.ToSlash(path), "/")[0])
}

func TestImportsPointDown(t *testing.T) {
	for path, imports := range sources(t) {
		from := floor(path)
		for _, name := range imports {
			inside, ok := strings.CutPrefix(name, "drydock/")
			if to := floor(inside); ok && from >= 0 && to >= 0 && to < from {
				t.Errorf("%s imports %s: %s may not look up to %s", path, name, floors[from], floors[to])
			}
		}
	}
}

// sameController is the one pair of controllers that is one: a ReplicationController is an older form of a ReplicaSet, and
// is reconciled by the same code behind a translation, as in Kubernetes (pkg/controller/replication).
var sameController = [2]string{"engine/controller/replication", "engine/controller/replicaset"}

// TestNeighboursDoNotMeet: the parts of a cluster meet only through the API.
func TestNeighboursDoNotMeet(t *testing.T) {
	parts := regexp.MustCompile(`^engine/(controller/\w+|scheduler|kubelet|proxy)\b`)
	// Not parts of a cluster, but tools that several controllers share.
	tools := []string{"engine/controller/revision", "engine/controller/controllertest"}
	for path, imports := range sources(t) {
		from := parts.FindString(filepath.ToSlash(path))
		for _, name := range imports {
			to := parts.FindString(strings.TrimPrefix(name, "drydock/"))
			if from != "" && to != "" && from != to && !slices.Contains(tools, to) && [2]string{from, to} != sameController {
				t.Errorf("%s imports %s: they may meet only through the API", path, name)
			}
		}
	}
}

func TestWhoMayImportWhat(t *testing.T) {
	for path, imports := range sources(t) {
		path = filepath.ToSlash(path)
		for _, name := range imports {
			if strings.HasPrefix(name, "k8s.io/kubernetes/") && !strings.HasPrefix(path, "engine/api/") {
				t.Errorf("%s imports %s: only engine/api may", path, name)
			}
			if strings.HasPrefix(name, "charm.land/") && !strings.HasPrefix(path, "tui/") {
				t.Errorf("%s imports %s: only tui draws", path, name)
			}
		}
	}
}

// TestProgramsStayLean: what a program links decides how fast a lab starts (docs/architecture.md).
func TestProgramsStayLean(t *testing.T) {
	for program, never := range map[string][]string{
		"./cmd/drydock":   {"k8s.io/kubernetes/", "k8s.io/kubectl/", "k8s.io/client-go/kubernetes", "drydock/engine/apiserver", "drydock/engine/api"},
		"./cmd/docknode":  {"k8s.io/kubernetes/", "k8s.io/client-go/kubernetes", "drydock/engine/apiserver", "drydock/engine/api"},
		"./cmd/dockplane": {"k8s.io/kubectl/", "charm.land/", "github.com/containerd/containerd/v2/core"},
		"./cmd/dockkeep":  {"k8s.io/", "charm.land/", "github.com/spf13/", "net/http"},
		"./cmd/dockboot":  {"k8s.io/", "net/http", "google.golang.org/grpc"},
		"./cmd/dockinit":  {"k8s.io/", "net/http", "google.golang.org/grpc"},
		"./cmd/dockbox":   {"k8s.io/", "net/http", "google.golang.org/grpc"},
	} {
		out, err := exec.Command("go", "list", "-deps", program).Output()
		if err != nil {
			t.Fatalf("go list -deps %s: %v", program, err)
		}
		for _, dep := range strings.Fields(string(out)) {
			for _, banned := range never {
				if dep == strings.TrimSuffix(banned, "/") || strings.HasPrefix(dep, banned) && (strings.HasSuffix(banned, "/") || strings.HasPrefix(dep, banned+"/")) {
					t.Errorf("%s links %s", program, dep)
				}
			}
		}
	}
}

// TestPackageDocs: every package of engine and sandbox tells its part in the same four sections.
func TestPackageDocs(t *testing.T) {
	packages := map[string]bool{}
	for path := range sources(t) {
		if strings.HasPrefix(path, "engine/") || strings.HasPrefix(path, "sandbox/") {
			packages[filepath.Dir(path)] = true
		}
	}
	if len(packages) < 10 {
		t.Fatalf("only %d packages found", len(packages))
	}
	for dir := range packages {
		parsed, err := parser.ParseDir(token.NewFileSet(), dir, nil, parser.ParseComments|parser.PackageClauseOnly) //nolint:staticcheck // names of packages are enough here
		if err != nil {
			t.Fatal(err)
		}
		var doc strings.Builder
		for name, pkg := range parsed {
			for _, file := range pkg.Files {
				if name == "main" || strings.HasSuffix(name, "_test") {
					doc.WriteString("# Part played # How it works # Left out # In Kubernetes")
				}
				doc.WriteString(file.Doc.Text())
			}
		}
		for _, heading := range []string{"# Part played", "# How it works", "# Left out", "# In Kubernetes"} {
			if !strings.Contains(doc.String(), heading) {
				t.Errorf("the package doc of %s lacks %q", dir, heading)
			}
		}
	}
}
