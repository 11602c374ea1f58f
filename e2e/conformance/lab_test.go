// Package conformance drives one real lab with client-go through the behaviours that Kubernetes' conformance suite
// describes, many at a time: each test has a namespace of its own. docs/conformance.md says which test proves what.
package conformance_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"drydock/engine/cluster/access"
	"drydock/sandbox/home"
)

// patience bounds every test: a lab under load is slow, never stuck.
const patience = 90 * time.Second

// theLab is the lab that all tests share. Set once in TestMain.
var theLab struct {
	config *rest.Config
	client *kubernetes.Clientset
}

func TestMain(m *testing.M) {
	flag.Parse()
	// Tests wait for the lab nearly all the time: more of them than processors keep it busy.
	_ = flag.Set("test.parallel", "24")
	code, err := runInLab(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runInLab(m *testing.M) (code int, err error) {
	program, err := filepath.Abs("../../bin/drydock")
	if err != nil {
		return 1, err
	}
	if _, err := os.Stat(program); err != nil {
		return 1, fmt.Errorf("no bin/drydock: run make build first (%w)", err)
	}
	dir, err := os.MkdirTemp("", "drydock-conformance-")
	if err != nil {
		return 1, err
	}
	defer func() { _ = os.RemoveAll(dir) }() // nothing depends on it
	drydock := func(args ...string) error {
		cmd := exec.Command(program, args...)
		cmd.Env = append(os.Environ(), "DRYDOCK_HOME="+dir, "HOME="+dir)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("drydock %q: %w\n%s", args, err, out)
		}
		return nil
	}
	if err := drydock("up", "--name", "conformance", "--nodes", "3"); err != nil {
		return 1, err
	}
	defer func() {
		if downErr := drydock("down", "--name", "conformance"); err == nil {
			err = downErr
		}
	}()
	lab, err := home.Home(dir).Lab("conformance")
	if err != nil {
		return 1, err
	}
	if theLab.config, err = access.RESTConfig(lab); err != nil {
		return 1, err
	}
	if theLab.client, err = kubernetes.NewForConfig(theLab.config); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// room is a namespace of the lab for one test.
type room struct {
	*testing.T
	*kubernetes.Clientset
	ns  string
	ctx context.Context //nolint:containedctx // a room lives exactly as long as its test
}

// enter makes a room; the namespace goes after the test.
func enter(t *testing.T) *room {
	t.Helper()
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	name := strings.ToLower(strings.TrimPrefix(t.Name(), "Test"))
	name = name[:min(len(name), 50)]
	_, err := theLab.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := &room{T: t, Clientset: theLab.client, ns: name, ctx: ctx}
	await(r, r.CoreV1().ServiceAccounts(name), "default", func(*corev1.ServiceAccount) bool { return true })
	t.Cleanup(func() {
		// The test's context has ended. Nothing waits for the end of the namespace.
		_ = theLab.client.CoreV1().Namespaces().Delete(context.WithoutCancel(ctx), name, metav1.DeleteOptions{})
	})
	return r
}

// ok ends the test on an error.
func (r *room) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// must is the value of a call that may not fail.
func must[T any](v T, err error) func(r *room) T {
	return func(r *room) T {
		r.Helper()
		r.ok(err)
		return v
	}
}

// background is for what is tidied up after the test, whose own context has ended by then.
func (r *room) background() context.Context { return context.WithoutCancel(r.ctx) }
