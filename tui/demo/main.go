//go:build demo

// Command demo opens the interface on the small world of tuitest, with this machine's bash as the shell:
//
//	go run -tags demo ./tui/demo [-lang ko] [-ascii] [-fail]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"drydock/tui"
	"drydock/tui/term"
	"drydock/tui/tuitest"
)

// lab is tuitest's world with a real shell.
type lab struct{ *tuitest.World }

func (l lab) Shell(_ context.Context, cols, rows int) (tui.Pty, error) {
	pty, err := term.StartLocal(exec.Command("bash", "--norc"), cols, rows)
	if err != nil {
		return nil, err
	}
	return pty, nil
}

func main() {
	lang := flag.String("lang", "en", "language: en or ko")
	ascii := flag.Bool("ascii", false, "no glyph outside ASCII")
	fail := flag.Bool("fail", false, "a lab that cannot start")
	pods := flag.Bool("pods", false, "run a pod after three seconds")
	flag.Parse()
	w := tuitest.NewWorld()
	if *fail {
		w.StartErr = &tui.Problem{
			What: "This machine cannot run a lab.", Where: "User namespaces are switched off (kernel.unprivileged_userns_clone is 0).",
			Try: []string{"sudo sysctl kernel.unprivileged_userns_clone=1", "drydock doctor"},
		}
	}
	if *pods {
		time.AfterFunc(3*time.Second, func() { w.RunPod("web", "drydock/web:1") })
	}
	err := tui.Run(context.Background(), tui.Options{
		Lab: lab{w}, Course: w, Language: tui.Language(*lang), ASCII: *ascii, NoColor: os.Getenv("NO_COLOR") != "",
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, strings.TrimSpace(err.Error()))
		os.Exit(1)
	}
}
