package submission

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"drydock/lessons/journal"
)

// A replay types what the learner typed, line by line in one shell, so that cd, variables and loops work. Where the journal
// saw a goal reached before the next command, it waits until the replay has seen that too: a person looks before going
// on, a script does not. What would wait for a person is cut short.

// prelude defines what the commands of a replay need. It starts in the folder of the submission, below the learner's.
const prelude = `# What a learner typed, to be typed again.
[ -n "$BASH_VERSION" ] || { command -v bash >/dev/null && exec bash "$0"; }
here=$PWD; me=$$; patience=150
cd .. || exit 1
# line NUMBER COMMAND: in this shell, so that cd and variables last.
line() { echo "$1" >"$here/mark"; eval "$2" </dev/null; }
# await GOAL: until the checks have seen it reached; 15 s, and once one was not, a second each.
await() {
  echo "await $1" >"$here/mark"; n=0
  until grep -qx "$1" "$here/reached" 2>/dev/null; do
    n=$((n+1))
    if [ "$n" -gt "$patience" ]; then echo "== goal $1 was reached here, and is not in the replay"; patience=10; return; fi
    sleep 0.1
  done
}
# settle SECONDS: until every pod is ready, as a person would have seen it.
settle() { sleep 0.3; kubectl wait --for=condition=Ready pods --all --timeout="$1s" >/dev/null 2>&1; }
# The watchdog ends what waits for a person or for ever, such as an editor or get --watch, after 20 s.
( self=$(exec sh -c 'echo $PPID'); same=0; last=
  while sleep 1; do
    now=$(cat "$here/mark" 2>/dev/null); same=$((same+1))
    [ "$now" = "$last" ] || { last=$now; same=0; }
    [ "$same" -ge 20 ] || continue
    for p in $(cat /proc/$me/task/$me/children 2>/dev/null); do [ "$p" = "$self" ] || kill "$p" 2>/dev/null; done
  done ) </dev/null >/dev/null 2>&1 &
dog=$!
`

// script does again what was typed in an attempt, and then makes what no command of it made. place is how each file of the
// learner's folder is called beside the script. It is empty when nothing was typed and nothing made.
func (f *File) script(l *Lesson, entries []journal.Entry, place map[string]string) string {
	mine := during(entries, l.Attempt)
	var out strings.Builder
	out.WriteString(prelude)
	for _, name := range slices.Sorted(maps.Keys(place)) {
		if dir, _, nested := cutLast(name); nested {
			fmt.Fprintf(&out, "mkdir -p %s\n", quoted(dir))
		}
		fmt.Fprintf(&out, "cp \"$here/%s\" %s\n", place[name], quoted(name))
	}
	typed := 0
	for i, e := range mine {
		if e.Kind != journal.Typed || !repeatable(e.Value) {
			continue
		}
		typed++
		fmt.Fprintf(&out, "echo %s\n", quoted(fmt.Sprintf("== entry %d: %s", e.Number, firstLine(e.Value))))
		fmt.Fprintf(&out, "line %d %s\n", e.Number, quoted(e.Value))
		out.WriteString(pause(mine[i:], l.Answers))
	}
	if len(bytes.TrimSpace(f.Objects[l.Lesson])) > 0 {
		out.WriteString("echo '== what no command made'\nkubectl create -f \"$here/objects\" 2>&1 | grep -v AlreadyExists\n")
	} else if typed == 0 {
		return ""
	}
	out.WriteString("kill $dog 2>/dev/null\n")
	return out.String()
}

// pause is what to wait for behind a command, the first of the entries. Answers are handed in when everything was typed.
func pause(entries []journal.Entry, answers map[string]string) string {
	var out strings.Builder
	wrote, until := false, entries[0].Time
	for _, e := range entries[1:] {
		if e.Kind == journal.Typed {
			until = e.Time
			break
		}
		wrote = wrote || e.Kind == journal.Wrote
		_, question := answers[e.Goal]
		if e.Kind == journal.Verdict && e.Value == "pass" && !question {
			fmt.Fprintf(&out, "await %s\n", quoted(e.Goal))
		}
	}
	if gap := until.Sub(entries[0].Time); wrote && out.Len() == 0 && gap >= 2*time.Second {
		fmt.Fprintf(&out, "settle %d\n", int(min(gap, 10*time.Second).Seconds()))
	}
	return out.String()
}

// forPeople are commands that mean nothing in a script, or would end it.
var forPeople = []string{"exit", "logout", "clear", "reset", "history", "fg", "bg", "exec", "drydock", "set", "trap"}

func repeatable(command string) bool {
	words := strings.Fields(command)
	return len(words) > 0 && !strings.HasPrefix(words[0], "#") && !slices.Contains(forPeople, words[0])
}

func firstLine(s string) string {
	first, _, more := strings.Cut(s, "\n")
	if more {
		first += " …"
	}
	return first
}

func cutLast(name string) (dir, base string, nested bool) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

// quoted is a word of the shell that stands for itself.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
