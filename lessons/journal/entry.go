package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"
)

// Kind is a sort of entry.
type Kind string

// The kinds of entries.
const (
	Begun    Kind = "begun"    // the first entry of every journal
	Opened   Kind = "opened"   // a lesson's world stands; Seed drew its parameters. A new Attempt begins
	Reset    Kind = "reset"    // as Opened, of a lesson that was open already
	Restored Kind = "restored" // the lab went back to a snapshot or undid something; Value says to what
	Typed    Kind = "typed"    // Value is a command; Place is its place among all that were typed in this lab
	Wrote    Kind = "wrote"    // a change that the API server accepted from the learner; Source and Place say where that was noted
	Verdict  Kind = "verdict"  // a goal is now Value: "pass" or "fail"
	Answered Kind = "answered" // Value is the answer to a goal
	Hinted   Kind = "hinted"   // Place is the hint's place in Step, from 1
	Finished Kind = "finished" // Place is the score in percent
	Kept     Kind = "kept"     // the objects of an attempt were put aside; Value is their digest
)

// Entry is one thing that happened.
type Entry struct {
	Number  int       `json:"n"`                // from 1; given by Append
	Before  string    `json:"before,omitempty"` // the sum of the entry before; given by Append
	Time    time.Time `json:"time"`             // when it happened, which may be before the entry's neighbours
	Learner string    `json:"learner"`          // given by Append
	Lab     string    `json:"lab"`              // given by Append
	Kind    Kind      `json:"kind"`

	Pack     string `json:"pack,omitempty"`
	Lesson   string `json:"lesson,omitempty"`
	Revision int    `json:"revision,omitempty"`
	Digest   string `json:"digest,omitempty"` // of the pack
	Attempt  string `json:"attempt,omitempty"`
	Seed     string `json:"seed,omitempty"`
	Step     string `json:"step,omitempty"`
	Goal     string `json:"goal,omitempty"`
	Value    string `json:"value,omitempty"`
	Source   string `json:"source,omitempty"`
	Place    int    `json:"place,omitempty"`
}

// A line is the sum of the JSON text in hexadecimal digits, a blank, the JSON text, and a line feed.

const sumDigits = 2 * sha256.Size

var (
	errForm = errors.New("it cannot be read")
	errSum  = errors.New("it was changed after it was written")
)

// format makes the line of an entry, and its sum.
func format(e Entry) (line []byte, sum string, err error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, "", err
	}
	sum = sumOf(text)
	return append(append([]byte(sum+" "), text...), '\n'), sum, nil
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// parse reads a line without its end. With errSum the entry is what the line says.
func parse(line []byte) (e Entry, sum string, err error) {
	head, text, found := bytes.Cut(line, []byte(" "))
	if !found || len(head) != sumDigits || json.Unmarshal(text, &e) != nil {
		return Entry{}, sumOf(line), errForm
	}
	if sum = string(head); sumOf(text) != sum {
		return e, sum, errSum
	}
	return e, sum, nil
}
