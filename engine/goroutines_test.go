package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// launchers are calls that start a goroutine, beside the go statement: sync.WaitGroup's, client-go's, and the kubelet's method
// that lets a part run. See also starts.
var launchers = map[string]bool{"Go": true, "StartWithContext": true, "StartRecordingToSink": true, "background": true}

// starts says whether a call starts a goroutine. Of the calls named run only those do that take a context, a name and a
// part; of those named Start only an informer factory's.
func starts(fn *ast.SelectorExpr, args []ast.Expr) bool {
	switch fn.Sel.Name {
	case "run":
		return len(args) == 3
	case "Start":
		from, ok := fn.X.(*ast.SelectorExpr)
		return ok && from.Sel.Name == "Informers"
	}
	return launchers[fn.Sel.Name]
}

// launches counts the places in a function that start a goroutine.
func launches(body ast.Node) int {
	count := 0
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			count++
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && starts(sel, n.Args) {
				count++
			}
		}
		return true
	})
	return count
}

// name is "Kubelet.Run" for a method and "join" for a function.
func name(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	t := fn.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if generic, ok := t.(*ast.IndexExpr); ok {
		t = generic.X
	}
	return t.(*ast.Ident).Name + "." + fn.Name.Name
}

// isLoop: a method Run(ctx) error is the body of a goroutine, whoever starts it.
func isLoop(fn *ast.FuncDecl) bool {
	return fn.Recv != nil && fn.Name.Name == "Run" && len(fn.Type.Params.List) == 1
}

// TestMapOfGoroutines compares the table in doc.go with the code: every place that starts a goroutine, every loop.
func TestMapOfGoroutines(t *testing.T) {
	code := map[string]int{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
			filepath.Base(filepath.Dir(path)) == "controllertest" { // serves tests alone
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
				if n := launches(fn.Body); n > 0 || isLoop(fn) {
					code[filepath.ToSlash(path)+" "+name(fn)] = n
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(code) < 15 {
		t.Fatalf("only %d places found: the search is wrong", len(code))
	}
	if diff := cmp.Diff(code, table(t)); diff != "" {
		t.Errorf("engine/doc.go and the code disagree about goroutines (-code +doc.go; the number is how many places start one):\n%s", diff)
	}
}

// table reads the rows of doc.go: "cluster/steps.go Cluster.sideBySide 1", and below each row, indented, what is true of it.
func table(t *testing.T) map[string]int {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^\t(\S+\.go \S+) (\d+)\n\t +\S`)
	rows := map[string]int{}
	for _, match := range row.FindAllStringSubmatch(file.Doc.Text(), -1) {
		n, err := strconv.Atoi(match[2])
		if err != nil {
			t.Fatal(err)
		}
		rows[match[1]] = n
	}
	return rows
}
