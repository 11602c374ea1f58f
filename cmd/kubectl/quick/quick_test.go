package quick_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"k8s.io/kubectl/pkg/cmd"

	"drydock/cmd/kubectl/quick"
)

func TestEnglish(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want bool
	}{
		{nil, true},
		{map[string]string{"LANG": "C"}, true},
		{map[string]string{"LANG": "C.UTF-8"}, true},
		{map[string]string{"LANG": "en_US.UTF-8"}, true},
		{map[string]string{"LANG": "ko_KR.UTF-8"}, false},
		{map[string]string{"LANG": "ko_KR.UTF-8", "LC_ALL": "C.UTF-8"}, true},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_MESSAGES": "de_DE.UTF-8"}, false},
		{map[string]string{"LANG": "ko_KR"}, true}, // kubectl wants to see an encoding
	} {
		if got := quick.English(func(name string) string { return tt.env[name] }); got != tt.want {
			t.Errorf("with %v: English is %t, want %t", tt.env, got, tt.want)
		}
	}
}

func TestPlain(t *testing.T) {
	for line, want := range map[string]bool{
		"get pods": true, "apply -f x.yaml": true, "exec web -- ls --help": false, "get -h": false, "rollout status --help=true": false,
		"": false, "--help": false, "-n shop get pods": false, "create job x": false, "neat get pods": false, "plugin list": false,
	} {
		if got := quick.Plain(strings.Fields(line)); got != want {
			t.Errorf("kubectl %s: %t, want %t", line, got, want)
		}
	}
}

// TestPlugins: none is found meanwhile, and everything is as before afterwards.
func TestPlugins(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	before, during := os.Getenv("PATH"), "nobody looked"
	quick.WithoutPlugins(func() { during = os.Getenv("PATH") })
	if after := os.Getenv("PATH"); during != "" || after != before {
		t.Errorf("PATH was %q meanwhile, and %q afterwards", during, after)
	}
}

// TestTexts runs this test again in other languages: which one is spoken is settled when a process begins.
func TestTexts(t *testing.T) {
	if os.Getenv("SAY_TEXTS") != "" {
		root := cmd.NewDefaultKubectlCommand()
		for _, c := range root.Commands() {
			fmt.Fprintf(os.Stdout, "%s: %s\n%s\n", c.Name(), c.Short, c.Long)
		}
		fmt.Fprintln(os.Stdout, map[bool]string{true: "spared", false: "loaded"}[quick.Spared])
		return
	}
	texts := func(lang string) (string, bool) {
		c := exec.Command(os.Args[0], "-test.run=^TestTexts$")
		c.Env = append(os.Environ(), "SAY_TEXTS=1", "LC_ALL="+lang)
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		text, spared := strings.CutSuffix(strings.TrimSuffix(string(out), "PASS\n"), "spared\n")
		return strings.TrimSuffix(text, "loaded\n"), !spared
	}
	english, loaded := texts("en_US.UTF-8")
	if loaded {
		t.Error("the English texts were loaded")
	}
	other, loaded := texts("xx_XX.UTF-8") // a language that nobody knows gets the catalogue of the English texts
	if !loaded {
		t.Error("the texts of another language were not loaded")
	}
	if english != other || !strings.Contains(english, "apply: Apply a configuration to a resource by file name or stdin") {
		t.Errorf("without its catalogue kubectl speaks otherwise:\n%s\nwith it:\n%s", english, other)
	}
	if korean, _ := texts("ko_KR.UTF-8"); korean == english {
		t.Error("kubectl does not speak Korean any more")
	}
}
