package handshake

// Setup is everything dockinit is to do, in the kernel's terms: flags are bits of mount_setattr(2) and mount(2),
// capabilities are bits, the filter is ready for seccomp(2).
type Setup struct {
	// Doors is how many descriptors, from 6 on, are lists of a cgroup's threads (cgroup v1): dockinit enters them itself.
	Doors int
	// Root is the file system to build; nil for an additional process, which joins the mount namespace of the process
	// whose pidfd is descriptor 4.
	Root    *Root
	Process Process
}

// Root is a container's file system and what else belongs to its namespaces.
type Root struct {
	Path       string // absolute, as the caller sees it
	Readonly   bool
	Hostname   string // set only in a uts namespace of the container's own
	Domainname string
	Loopback   bool // bring lo up: the container has a network namespace of its own
	Sysctl     []Setting
	Mounts     []Mount
	Devices    []string // nodes to bind from the caller's /dev, beside the default ones
	Masked     []string
	ReadOnly   []string // paths
}

// Setting is a line of sysctl.conf(5).
type Setting struct {
	Name, Value string
}

// Mount is one mount, in the order of the list.
type Mount struct {
	Destination string
	Type        string // "bind", or a file system's name
	Source      string
	Recursive   bool   // of a bind: with what is mounted below the source
	Set         uint64 // MOUNT_ATTR_… of the mount itself
	Clear       uint64 // bits to clear first: those of a field that Set fills (atime)
	SetAll      uint64 // … also of everything below it (rro)
	Propagation uint64 // MS_PRIVATE, MS_SLAVE or 0
	Data        []string
}

// Process is what the program gets.
type Process struct {
	Args, Env   []string
	Cwd         string
	Terminal    bool
	Rows, Cols  uint16
	UID, GID    int
	Groups      []int
	Umask       int // below zero: 022
	Caps        Capabilities
	KeepAll     bool // leave the capabilities as they are
	NoNewPrivs  bool
	Rlimits     []Rlimit
	OOMScoreAdj *int
	Seccomp     []byte // the filter: the kernel's struct sock_filter, 8 bytes each, one after the other
	SeccompLog  bool   // SECCOMP_FILTER_FLAG_LOG
}

// Capabilities are bit sets, bit n being capability n (capabilities(7)).
type Capabilities struct {
	Bounding, Effective, Permitted, Inheritable, Ambient uint64
}

// Rlimit is a limit of setrlimit(2).
type Rlimit struct {
	Resource   int
	Soft, Hard uint64
}

// Failure is the body of Failed.
type Failure struct {
	Text string
	// Reason is NotFound, NotExecutable or empty.
	Reason string
}

// Reasons of a Failure.
const (
	NotFound      = "not found"
	NotExecutable = "not executable"
)

// Error makes a Failure an error with the same words.
func (f *Failure) Error() string { return f.Text }
