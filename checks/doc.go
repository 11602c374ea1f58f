// Package checks asks questions about a lab and answers them with a reason.
//
// A check is data: a Spec, one kind per file (object.go, probe.go, event.go, actor.go, history.go …). Compile turns it into a Check,
// with its conditions compiled once. Ask is a pure question: asking twice changes nothing. An Engine keeps checks up to
// date: it holds one watch per kind of object that any check names, and asks a check again when an object that it
// concerns changes. Every watch event is looked at on its own and in order, so a state that lasted a millisecond counts.
//
// The API server's watch sends "pod web is Ready". The Engine puts the object into its View, finds the checks that
// depend on pods, asks them, and sends a Report for each whose Result became another. Nothing is polled, except by a
// probe that has not passed yet: a network has no watch.
//
// The past is asked of the API server: it keeps the older versions of objects for a while, so that a history check sees
// every state since the lesson began, also in a program that was started a moment ago (past.go). Who changed what comes
// from the decisions that a lab records (records.go).
//
// A Result blames the learner only when its Outcome is Fail. It says what was expected, what was seen, why it matters
// and where to look next, in every language the program speaks (Text), because the interface may change its language at
// any time.
package checks
