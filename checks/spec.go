package checks

import "time"

// Spec is a check as a pack declares it. Exactly one field is set.
type Spec struct {
	Object *ObjectSpec `yaml:"object"`
	Probe  *ProbeSpec  `yaml:"probe"`
	Answer *AnswerSpec `yaml:"answer"`

	Event   *EventSpec   `yaml:"event"`
	Actor   *ActorSpec   `yaml:"actor"`
	History *HistorySpec `yaml:"history"`
	Command *CommandSpec `yaml:"command"`
	Node    *NodeSpec    `yaml:"node"`
	Script  *ScriptSpec  `yaml:"script"`

	Container *ContainerSpec `yaml:"container"`

	All []Spec `yaml:"all"`
	Any []Spec `yaml:"any"`
	Not *Spec  `yaml:"not"`
}

// Expect says how many of the objects looked at must satisfy the conditions.
type Expect string

// The quantities of an object check; a Count is given apart.
const (
	ExpectOne  Expect = "one"  // at least one does; the default
	ExpectAll  Expect = "all"  // every one does, and there is at least one
	ExpectNone Expect = "none" // no one does
)

// ObjectSpec asks about Kubernetes objects: which ones are looked at (Kind … Where), what each must be (Match, That),
// and how many must be so (Expect or Count).
type ObjectSpec struct {
	APIVersion string `yaml:"apiVersion"` // "apps/v1"; may be left out for the kinds of v1 and apps/v1
	Kind       string `yaml:"kind"`
	Namespace  string `yaml:"namespace"` // "default" when left out; "*" is all namespaces
	Name       string `yaml:"name"`
	Selector   string `yaml:"selector"` // label selector as kubectl -l takes it
	Where      string `yaml:"where"`    // CEL over `object`: narrows the set, blames nobody

	Match map[string]any `yaml:"match"` // a partial object
	That  []Condition    `yaml:"that"`

	Expect     Expect `yaml:"expect"`
	Count      *Count `yaml:"count"`
	AllowEmpty bool   `yaml:"allowEmpty"` // lets `all` pass over an empty set

	// Show names fields, such as spec.replicas, that a failure prints instead of what the check would choose.
	Show []string `yaml:"show"`
}

// Condition is a CEL expression over `object` and, for what is beside it, `objects` (all that are looked at). In a pack
// it is a string, or a map when it has something to say.
type Condition struct {
	CEL  string `yaml:"cel"`
	Say  Text   `yaml:"say"`  // what is expected, in words; the expression itself when empty
	Look Text   `yaml:"look"` // where to look when it does not hold
}

// Count is a number of objects. In a pack it is a number, or a map of min and max.
type Count struct {
	Min *int `yaml:"min"`
	Max *int `yaml:"max"`
}

// ProbeSpec asks the running thing itself. Exactly one of HTTP, TCP, UDP, DNS and Exec is set.
type ProbeSpec struct {
	From    string        `yaml:"from"` // "learner" (default), "host", "pod/NAME", "pod/NAMESPACE/NAME", "node/NAME", "api"
	Timeout time.Duration `yaml:"timeout"`
	Every   time.Duration `yaml:"every"` // how often it is asked again while it has not passed

	HTTP *HTTPProbe `yaml:"http"`
	TCP  *TCPProbe  `yaml:"tcp"`
	UDP  *UDPProbe  `yaml:"udp"`
	DNS  *DNSProbe  `yaml:"dns"`
	Exec *ExecProbe `yaml:"exec"`
}

// HTTPProbe expects an answer to a GET. With from "api", the URL's host is NAMESPACE/POD:PORT written as
// http://POD.NAMESPACE:PORT/path and the request goes through the API server's pod proxy.
type HTTPProbe struct {
	URL      string `yaml:"url"`
	Status   int    `yaml:"status"` // 200 when left out
	Contains string `yaml:"contains"`
}

// TCPProbe expects that a connection can be made, or, with Refused, that it cannot.
type TCPProbe struct {
	Address string `yaml:"address"`
	Refused bool   `yaml:"refused"`
}

// UDPProbe expects that a datagram is answered, or, with Silent, that it is not. Over UDP only an answer tells that
// somebody is there. A pod that asks needs sh and nc.
type UDPProbe struct {
	Address  string `yaml:"address"`
	Send     string `yaml:"send"`
	Contains string `yaml:"contains"`
	Silent   bool   `yaml:"silent"`
}

// DNSProbe expects a name to be known, and if Address is given to lead there.
type DNSProbe struct {
	Name    string `yaml:"name"`
	Address string `yaml:"address"`
}

// ExecProbe expects a command to end with a code and to print something.
type ExecProbe struct {
	Command  []string `yaml:"command"`
	Code     int      `yaml:"code"`
	Contains string   `yaml:"contains"`
}

// AnswerSpec asks the learner. Exactly one of Choice, Number and Text is set. Key is made by Seal and never holds the
// answer in the clear.
type AnswerSpec struct {
	Choice []Option    `yaml:"choice"`
	Number *NumberForm `yaml:"number"`
	Text   *TextForm   `yaml:"text"`
	Key    string      `yaml:"key"`
	// Wrong says what to think about after a wrong answer: by option id of a choice, or under "*".
	Wrong map[string]Text `yaml:"wrong"`
}

// Option is one possible answer of a choice.
type Option struct {
	ID   string `yaml:"id"`
	Text Text   `yaml:"text"`
}

// NumberForm takes a number; every number closer than Tolerance to the right one is right.
type NumberForm struct {
	Tolerance float64 `yaml:"tolerance"`
	Unit      string  `yaml:"unit"`
}

// TextForm takes one line. White space at the ends never counts, and runs of it count as one blank.
type TextForm struct {
	CaseMatters bool `yaml:"caseMatters"`
}

// Settle says how long a goal may take and how long it must last.
type Settle struct {
	Within time.Duration `yaml:"within"` // a failure younger than this is still progress
	Hold   time.Duration `yaml:"hold"`   // a pass counts once it has lasted this long
}
