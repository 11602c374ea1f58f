package container

import "os"

// way is how a new process gets into its cgroup without moving a whole process, for which the kernel waits until every
// processor has passed a quiet state: ten milliseconds and more.
type way struct {
	born  *os.File
	doors []*os.File
}

func openWay(g Group) (*way, error) {
	w := &way{}
	if g == nil {
		return w, nil
	}
	var err error
	w.born, w.doors, err = g.Entry()
	return w, err
}

// closed says that the process has to be added the slow way.
func (w *way) closed() bool { return w.born == nil && len(w.doors) == 0 }

func (w *way) descriptors() []uintptr {
	var fds []uintptr
	for _, d := range w.doors {
		fds = append(fds, d.Fd())
	}
	return fds
}

func (w *way) close() {
	if w.born != nil {
		w.born.Close()
	}
	for _, d := range w.doors {
		d.Close()
	}
	w.born, w.doors = nil, nil
}
