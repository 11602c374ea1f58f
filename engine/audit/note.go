package audit

import (
	"strings"
	"time"

	"drydock/engine/decision"
)

// Note is a change that a person made. Place is the length of the file up to the end of the note.
type Note struct {
	Time    time.Time       `json:"time"`
	Object  decision.Object `json:"object"`
	Action  string          `json:"action"`
	User    string          `json:"user"`
	Client  string          `json:"client,omitempty"`
	Changed string          `json:"changed,omitempty"` // which fields, where the object was there before
	Version string          `json:"resourceVersion,omitempty"`
	// Subresource is what of the object was written: "status"; "" for the object itself.
	Subresource string `json:"subresource,omitempty"`
	Place       int    `json:"-"`
}

// String is the note in the order in which people say it.
func (n Note) String() string {
	words := []string{strings.ToLower(n.Action), n.Object.String()}
	if n.Changed != "" {
		words = append(words, "("+n.Changed+")")
	}
	if n.Client != "" {
		words = append(words, "with", n.Client)
	}
	return strings.Join(words, " ")
}

// lessonClient is how the lessons call themselves: what they build is not the learner's doing.
const lessonClient = "drydock"

// Of makes a note of a record, if a person was behind it. The cluster's own parts have users that begin with system:,
// and so have service accounts; what pods outside kube-system do, they do for the learner.
func Of(r decision.Record) (Note, bool) {
	user := r.Details["user"]
	ours := r.Details["impersonator"] == "" && strings.HasPrefix(user, "system:") &&
		(!strings.HasPrefix(user, "system:serviceaccount:") || strings.HasPrefix(user, "system:serviceaccount:kube-"))
	if r.Actor != "apiserver" || user == "" || ours || r.Details["fault"] != "" {
		return Note{}, false
	}
	n := Note{
		Time: r.Time.UTC(), Object: r.Object, Action: r.Action, User: user, Subresource: r.Details["subresource"],
		Client: r.Details["client"], Changed: r.Details["changed"], Version: r.Details["resourceVersion"],
	}
	// A client's name is what it calls itself. No lesson says what the cluster's parts say.
	return n, n.Client != lessonClient || n.Deceives()
}

// Deceives reports whether a person wrote what only parts of the cluster have to say: how an object is, or that something
// happened to it.
func (n Note) Deceives() bool { return n.Subresource == "status" || n.Object.Resource == "events" }
