package grade

import (
	"os"
	"path"
	"strings"

	"drydock/lessons/course"
	"drydock/lessons/pack"
)

// reachedName is the file beside a paced script that names the goals that were reached, one a line.
const reachedName = "reached"

// tellReached keeps that file true until the returned function is called. It holds what a learner sees anyway: hidden
// goals are not in it. A file that cannot be written makes the script wait in vain, and go on.
func tellReached(c *course.Course, workspace string) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for told := ""; ; {
			changed := c.Changed()
			if now := reached(c.State()); now != told {
				told = now
				writeReached(workspace, now)
			}
			select {
			case <-changed:
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
	}
}

func reached(s *course.State) string {
	var out strings.Builder
	for _, g := range s.Goals {
		if g.Mark == course.Done && g.Goal.Kind != pack.Guard && !g.Goal.Hidden {
			out.WriteString(g.Goal.ID + "\n")
		}
	}
	return out.String()
}

// writeReached stays in the workspace whatever the submission has put there.
func writeReached(workspace, text string) {
	root, err := os.OpenRoot(workspace)
	if err != nil {
		return
	}
	defer func() { _ = root.Close() }() // what was written is closed
	_ = root.WriteFile(path.Join(aside, reachedName), []byte(text), 0o644)
}
