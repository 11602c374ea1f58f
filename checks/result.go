package checks

// Outcome is the answer of a check in one word.
type Outcome string

// The outcomes. Only Fail blames the learner.
const (
	Pass    Outcome = "pass"
	Fail    Outcome = "fail"
	Blocked Outcome = "blocked" // a goal it needs is open; given by whoever knows the goals
	Timeout Outcome = "timeout" // no answer in time
	Error   Outcome = "error"   // ours, or the lab's: not the learner's
	Skipped Outcome = "skipped" // was not asked
)

// Result is the answer of a check and its reason. Its texts are not to be changed by who receives them.
type Result struct {
	Outcome Outcome
	// Progress is set when the world is on its way and will move by itself: "Pod web is ContainerCreating". A result
	// with a Progress is not a failure yet and must not be shown as one.
	Progress Text
	// Cause is a word for what went wrong, stable for a kind of check: "missing", "mismatch", "too-few", "wrong-answer".
	// A goal may have its own message for it.
	Cause string

	Expected Text
	Seen     Text
	Why      Text // why it matters
	Look     Text // what to look at next: "kubectl describe pod web"
}

// Holding is the Cause of a question whose check passes, but not for as long as its Settle.Hold asks. It will be answered by itself.
const Holding = "holding"

// Passed reports whether the answer is yes.
func (r Result) Passed() bool { return r.Outcome == Pass }

// OnItsWay reports whether the world is still moving by itself.
func (r Result) OnItsWay() bool { return r.Outcome != Pass && !r.Progress.Empty() }

// Same reports whether a person would read the same in both.
func (r Result) Same(o Result) bool {
	return r.Outcome == o.Outcome && r.Cause == o.Cause && r.Progress.Equal(o.Progress) &&
		r.Expected.Equal(o.Expected) && r.Seen.Equal(o.Seen) && r.Why.Equal(o.Why) && r.Look.Equal(o.Look)
}
