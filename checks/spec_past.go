package checks

import "time"

// Since says from when on the past counts.
type Since string

// The beginnings.
const (
	// SinceLesson is when the world of the lesson stood: the default. What a learner does in one go, before anybody asked
	// whether the step before was done, counts.
	SinceLesson Since = "lesson"
	SinceStep   Since = "step" // when the step of the goal opened
)

// About names the objects that a question about the past concerns.
type About struct {
	Kind      string `yaml:"kind"`
	Namespace string `yaml:"namespace"` // "default" when left out; "*" is all namespaces
	Name      string `yaml:"name"`      // may hold * for any run of characters; any name when left out
}

// EventSpec asks whether something happened: a Kubernetes Event (Reason, Type), or, when Actor or Action is given, a
// decision that a part of the cluster recorded.
type EventSpec struct {
	About    About  `yaml:"about"`
	Reason   string `yaml:"reason"`   // "FailedScheduling"
	Type     string `yaml:"type"`     // "Normal" or "Warning"
	Contains string `yaml:"contains"` // a part of the message
	Actor    string `yaml:"actor"`    // "scheduler", "kubelet", "kubelet/node-1", "replicaset-controller"
	Action   string `yaml:"action"`   // "Bind", "ScaleUp"
	Expect   Expect `yaml:"expect"`   // one (default) or none
	Since    Since  `yaml:"since"`
}

// ActorSpec asks who changed something.
type ActorSpec struct {
	About   About  `yaml:"about"`
	Action  string `yaml:"action"`  // "create", "update" (a patch is one), "delete"; any when left out
	Changed string `yaml:"changed"` // a field that was changed, two steps deep: "spec.replicas", "metadata.labels"
	By      string `yaml:"by"`      // "learner", "lesson", "controller", "scheduler", "kubelet", "fault", or a component's name
	Expect  Expect `yaml:"expect"`  // one (default): such a change was made by them; all: every one was; none: no one was
	Since   Since  `yaml:"since"`
}

// HistorySpec asks about every state that objects were in, not only the present one. Exactly one of Always, Never,
// Eventually and Before is set.
type HistorySpec struct {
	Always     *ObjectSpec `yaml:"always"`
	Never      *ObjectSpec `yaml:"never"`
	Eventually *ObjectSpec `yaml:"eventually"`
	Before     *Order      `yaml:"before"`

	Within time.Duration `yaml:"within"` // of Eventually: so long after the beginning
	From   *ObjectSpec   `yaml:"from"`   // look only from the first state in which this holds
	Until  *ObjectSpec   `yaml:"until"`  // and only to the first one after it in which this holds, which must come
	Since  Since         `yaml:"since"`
}

// Order is two states of which one must come first.
type Order struct {
	First *ObjectSpec `yaml:"first"`
	Then  *ObjectSpec `yaml:"then"`
}

// CommandSpec asks what was typed. The learner's shell says so, and the learner could make it say anything: it may earn a
// bonus or choose a hint, nothing more.
type CommandSpec struct {
	Matches string `yaml:"matches"` // a regular expression (RE2) that some typed line must match
}

// NodeSpec looks into a machine or a pod. Exactly one of File, Process, Mount, Namespace, Route, Rule and Cgroup is set.
type NodeSpec struct {
	Of      string        `yaml:"of"` // "pod/NAME", "pod/NAMESPACE/NAME", "node/NAME"
	Timeout time.Duration `yaml:"timeout"`
	Every   time.Duration `yaml:"every"`

	File      *FileSpec      `yaml:"file"`
	Process   *ProcessSpec   `yaml:"process"`
	Mount     *MountSpec     `yaml:"mount"`
	Namespace *NamespaceSpec `yaml:"namespace"`
	Route     *RouteSpec     `yaml:"route"`
	Rule      *RuleSpec      `yaml:"rule"`
	Cgroup    *CgroupSpec    `yaml:"cgroup"`
}

// FileSpec expects a file, and a part of its content.
type FileSpec struct {
	Path     string `yaml:"path"`
	Contains string `yaml:"contains"`
	Absent   bool   `yaml:"absent"`
}

// ProcessSpec expects a process by a part of its command line.
type ProcessSpec struct {
	Contains string `yaml:"contains"`
	Absent   bool   `yaml:"absent"`
}

// MountSpec expects something mounted at a path.
type MountSpec struct {
	Path   string `yaml:"path"`
	Type   string `yaml:"type"`   // "tmpfs", "overlay"
	Option string `yaml:"option"` // "ro"
	Absent bool   `yaml:"absent"`
}

// NamespaceSpec compares a Linux namespace with that of another place.
type NamespaceSpec struct {
	Type   string `yaml:"type"`   // "net", "pid", "mnt", "uts", "ipc", "user", "cgroup"
	Same   string `yaml:"same"`   // a place that is in the same one
	Differ string `yaml:"differ"` // or one that is not
}

// RouteSpec expects a route.
type RouteSpec struct {
	To     string `yaml:"to"` // "default" or a network such as "10.244.0.0/16"
	Via    string `yaml:"via"`
	Device string `yaml:"device"`
	Absent bool   `yaml:"absent"`
}

// RuleSpec expects a line of the nftables rule set.
type RuleSpec struct {
	Contains string `yaml:"contains"`
	Absent   bool   `yaml:"absent"`
}

// CgroupSpec expects a value in a file of the cgroup. Exactly one of Is, Min and Max is set.
type CgroupSpec struct {
	File string   `yaml:"file"` // "memory.max"; "cpu.stat:nr_throttled" is one line of a file
	Is   string   `yaml:"is"`
	Min  *float64 `yaml:"min"`
	Max  *float64 `yaml:"max"`
}

// ContainerSpec asks a node's runtime about a container outside Kubernetes, as `drydock ctr` runs them. What is left out is not
// asked; with nothing but a name, the container must be there.
type ContainerSpec struct {
	Node     string        `yaml:"node"` // "node-1" when left out
	Name     string        `yaml:"name"`
	State    string        `yaml:"state"` // "created", "running", "exited", "absent"
	ExitCode *int          `yaml:"exitCode"`
	Image    string        `yaml:"image"`  // as it was run: "drydock/web:1"
	Layers   *Count        `yaml:"layers"` // how many read-only ones lie below it
	Diff     *DiffSpec     `yaml:"diff"`
	Limits   *LimitsSpec   `yaml:"limits"`
	Timeout  time.Duration `yaml:"timeout"`
	Every    time.Duration `yaml:"every"`
}

// DiffSpec expects that a container has changed a path of its files, or has left it alone.
type DiffSpec struct {
	Path   string `yaml:"path"`
	Change string `yaml:"change"` // "added", "changed" or "deleted"; any when left out
	Absent bool   `yaml:"absent"`
}

// LimitsSpec expects what a container is held to; 0 is no limit.
type LimitsSpec struct {
	Memory string   `yaml:"memory"` // "64Mi"
	CPUs   *float64 `yaml:"cpus"`   // 0.5
}

// ScriptSpec is the way out when no other check fits: a shell script of the pack that reads the world as JSON on standard
// input and prints its answer as JSON. It runs without network, sees the machine read-only, and has a time limit.
type ScriptSpec struct {
	Run     string        `yaml:"run"`   // the script itself
	Kinds   []string      `yaml:"kinds"` // the kinds of objects it is given; Pod when left out
	Timeout time.Duration `yaml:"timeout"`
}
