package store

// Options of Open. The zero value is a store that lives in memory only.
type Options struct {
	// Path is the journal file, made when absent (0600). Empty: nothing is kept.
	Path string
	// Sync makes every batch of writes fsync(2) before it is answered. What is promised:
	//   - without Sync an answered write survives the death of this process, kill -9 included, because write(2) has handed
	//     it to the kernel; a power cut or a kernel crash may lose the newest writes, never tear one;
	//   - with Sync it survives a power cut too, as far as the disk keeps its word.
	Sync bool
	// Window is how much history stays readable; zero fields mean the defaults.
	Window Window
	// SnapshotBytes is how many bytes the journal may hold beyond twice its live content before it is rewritten;
	// 0 means 4 MiB.
	SnapshotBytes int64
}

// Window bounds the history: at least Events changes are kept, unless the values they replaced weigh more than Bytes.
type Window struct {
	Events int   // default 10,000
	Bytes  int64 // default 32 MiB
}

const (
	defaultWindowEvents  = 10_000
	defaultWindowBytes   = 32 << 20
	defaultSnapshotBytes = 4 << 20
)

func (o Options) withDefaults() Options {
	if o.Window.Events <= 0 {
		o.Window.Events = defaultWindowEvents
	}
	if o.Window.Bytes <= 0 {
		o.Window.Bytes = defaultWindowBytes
	}
	if o.SnapshotBytes <= 0 {
		o.SnapshotBytes = defaultSnapshotBytes
	}
	return o
}
