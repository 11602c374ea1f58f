package doctor

import (
	"fmt"
	"io"
	"strings"
)

// Verdict is what a finding means for a lab.
type Verdict string

// The verdicts.
const (
	OK       Verdict = "ok"
	Degraded Verdict = "degraded" // a lab runs, in a lesser way that the finding names
	Missing  Verdict = "missing"  // a lab cannot run
)

// mark is the verdict at a glance, in ASCII.
func (v Verdict) mark() string {
	switch v {
	case OK:
		return "+"
	case Degraded:
		return "~"
	default:
		return "!"
	}
}

// Finding is what was learnt about one feature of the machine.
type Finding struct {
	Feature string  `json:"feature"`
	Verdict Verdict `json:"verdict"`
	Tried   string  `json:"tried"`
	// Found is what is there, what is missing, or how a lab does without it.
	Found string `json:"found"`
	Cause string `json:"cause,omitempty"` // the kernel's own words
	Mend  string `json:"mend,omitempty"`  // one command
}

// Report is everything found, in the order of what builds on what.
type Report struct {
	CanRun   bool      `json:"canRun"`
	Findings []Finding `json:"findings"`
	Untried  []string  `json:"untried,omitempty"` // features that something missing kept from being tried
}

// Missing returns the findings because of which a lab cannot run.
func (r Report) Missing() []Finding {
	var out []Finding
	for _, f := range r.Findings {
		if f.Verdict == Missing {
			out = append(out, f)
		}
	}
	return out
}

// Write prints the report in aligned lines for a person.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	width := 0
	for _, f := range r.Findings {
		width = max(width, len(f.Feature))
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s %-8s  %-*s  %s\n", f.Verdict.mark(), f.Verdict, width, f.Feature, f.Found)
		indent := strings.Repeat(" ", 2+8+2+width+2)
		if f.Verdict != OK {
			fmt.Fprintf(&b, "%stried: %s\n", indent, f.Tried)
		}
		if f.Cause != "" && f.Verdict != OK {
			fmt.Fprintf(&b, "%sgot:   %s\n", indent, f.Cause)
		}
		if f.Mend != "" {
			fmt.Fprintf(&b, "%smend:  %s\n", indent, f.Mend)
		}
	}
	if len(r.Untried) > 0 {
		fmt.Fprintf(&b, "\nNot tried, because the above is missing: %s.\n", strings.Join(r.Untried, ", "))
	}
	if r.CanRun {
		b.WriteString("\nThis machine can run a lab.\n")
	} else {
		b.WriteString("\nThis machine cannot run a lab.\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Refusal is the error of starting a lab on a machine that cannot run one.
type Refusal struct {
	Missing []Finding // at least one
	Err     error     // what starting the lab itself returned
}

// Error says what is missing and how to mend it, in the words of the report.
func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString("this machine cannot run a lab")
	for _, f := range r.Missing {
		fmt.Fprintf(&b, "\n  missing: %s: %s", f.Feature, f.Found)
		if f.Mend != "" {
			fmt.Fprintf(&b, "\n  mend:    %s", f.Mend)
		}
	}
	b.WriteString("\n  more:    drydock doctor")
	if r.Err != nil {
		fmt.Fprintf(&b, "\n  (%v)", r.Err)
	}
	return b.String()
}

func (r *Refusal) Unwrap() error { return r.Err }
