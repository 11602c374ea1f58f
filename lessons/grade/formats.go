package grade

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"drydock/checks"
	"drydock/lessons/golden"
)

// Formats are the forms in which rows can be written.
var Formats = []string{"table", "json", "junit", "csv", "tap"}

// Report is everything that was found.
type Report struct {
	Pack   string  `json:"pack"`
	Digest string  `json:"packDigest"`
	Tool   string  `json:"tool"`
	Totals []Total `json:"totals"`
	Rows   []Row   `json:"rows"`
}

// Write writes the report in one of the Formats.
func (r Report) Write(w io.Writer, format string) error {
	switch format {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	case "junit":
		return r.junit(w)
	case "csv":
		return r.csv(w)
	case "tap":
		return r.tap(w)
	case "table":
		return r.table(w)
	default:
		return fmt.Errorf("format %q: use one of %s", format, strings.Join(Formats, ", "))
	}
}

func number(x float64) string { return fmt.Sprintf("%g", x) }

func (r Report) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "LEARNER\tLESSON\tSTATUS\tSCORE\tMAX\tOPEN")
	for _, row := range r.Rows {
		fmt.Fprintln(t, strings.Join([]string{row.Learner, row.Lesson, string(row.Status), number(row.Score), number(row.Max), row.open()}, "\t"))
	}
	for _, total := range r.Totals {
		fmt.Fprintln(t, strings.Join([]string{total.Learner, "(total)", "", number(total.Score), "100", ""}, "\t"))
	}
	return t.Flush()
}

// open names the goals that were not reached.
func (r Row) open() string {
	var out []string
	for _, g := range r.Goals {
		if g.Outcome != checks.Pass && g.Outcome != checks.Skipped {
			out = append(out, g.Goal)
		}
	}
	return strings.Join(out, " ")
}

func (r Report) csv(w io.Writer) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"learner", "lesson", "revision", "status", "score", "max", "goal", "outcome", "points", "of", "message"}) // Error tells
	for _, row := range r.Rows {
		for _, g := range row.Goals {
			_ = c.Write([]string{ // Error tells
				harmless(row.Learner), row.Lesson, fmt.Sprint(row.Revision), string(row.Status), number(row.Score), number(row.Max),
				g.Goal, string(g.Outcome), number(g.Points), number(g.Max), harmless(g.Message),
			})
		}
	}
	c.Flush()
	return c.Error()
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (r Report) tap(w io.Writer) error {
	n := 0
	for _, row := range r.Rows {
		n += len(row.Goals)
	}
	_, err := fmt.Fprintf(w, "TAP version 13\n1..%d\n", n)
	n = 0
	for _, row := range r.Rows {
		for _, g := range row.Goals {
			n++
			ok, directive := "not ok", ""
			switch g.Outcome {
			case checks.Pass:
				ok = "ok"
			case checks.Skipped, checks.Blocked:
				directive = " # SKIP " + string(g.Outcome)
			}
			if err == nil {
				_, err = fmt.Fprintf(w, "%s %d - %s %s %s%s\n", ok, n, strings.ReplaceAll(row.Learner, "#", "_"), row.Lesson, g.Goal, directive)
			}
		}
	}
	return err
}

func (r Report) junit(w io.Writer) error {
	s := golden.Suite{Name: r.Pack}
	for _, row := range r.Rows {
		for _, g := range row.Goals {
			c := golden.JUnit{Class: row.Learner + "." + row.Lesson, Name: g.Goal}
			text := strings.Join([]string{g.Message, "expected: " + g.Expected, "actual: " + g.Actual}, "\n")
			if g.Hidden {
				text = ""
			}
			switch g.Outcome {
			case checks.Pass:
			case checks.Error, checks.Timeout:
				c.Error = &golden.Trouble{Message: string(g.Outcome), Text: text}
			default:
				c.Failure = &golden.Trouble{Message: string(g.Outcome), Text: text}
			}
			if g.Millis > 0 {
				c.Time = golden.Seconds(g.Millis)
			}
			s.Cases = append(s.Cases, c)
		}
	}
	return s.Write(w)
}
