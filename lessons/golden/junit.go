package golden

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// Suite is a set of test cases in the form that CI systems read (JUnit's XML, as Ant writes it).
type Suite struct {
	XMLName  xml.Name `xml:"testsuite"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Time     string   `xml:"time,attr,omitempty"`
	Cases    []JUnit  `xml:"testcase"`
}

// JUnit is one of them.
type JUnit struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr,omitempty"`
	Failure *Trouble `xml:"failure,omitempty"`
	Error   *Trouble `xml:"error,omitempty"`
}

// Trouble is why a case failed.
type Trouble struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// Write counts and writes the suite.
func (s Suite) Write(w io.Writer) error {
	s.Tests = len(s.Cases)
	for _, c := range s.Cases {
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	out := xml.NewEncoder(w)
	out.Indent("", "  ")
	if err := out.Encode(s); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// Seconds is how JUnit writes a duration.
func Seconds(millis int64) string { return fmt.Sprintf("%d.%03d", millis/1000, millis%1000) }

// WriteJUnit writes cases as a suite named after their pack.
func WriteJUnit(w io.Writer, pack string, cases []Case) error {
	s := Suite{Name: pack}
	total := int64(0)
	for _, c := range cases {
		one := JUnit{Class: pack + "." + c.Lesson, Name: c.Name, Time: Seconds(c.Millis)}
		if !c.OK() {
			one.Failure = &Trouble{Message: c.Problems[0], Text: strings.Join(c.Problems, "\n")}
		}
		total += c.Millis
		s.Cases = append(s.Cases, one)
	}
	s.Time = Seconds(total)
	return s.Write(w)
}
