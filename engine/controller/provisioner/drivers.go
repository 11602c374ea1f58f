package provisioner

import (
	"sync"

	"google.golang.org/grpc"

	"drydock/engine/storage"
)

// drivers are the connections to the driver on each node.
type drivers struct {
	opts Options // set once

	mu sync.Mutex
	// guarded by mu
	open map[string]connection // by node
}

type connection struct {
	*grpc.ClientConn
	path string
}

func newDrivers(opts Options) *drivers { return &drivers{opts: opts, open: map[string]connection{}} }

// on returns the connection to the driver on a node. A node that was booted anew answers elsewhere.
func (d *drivers) on(node string) (*grpc.ClientConn, error) {
	path, err := d.opts.Socket(node)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	known, ok := d.open[node]
	if ok && known.path == path {
		return known.ClientConn, nil
	}
	conn, err := storage.Dial(path)
	if err != nil {
		return nil, err
	}
	if ok {
		_ = known.Close() // of a node that is no more: nothing can be lost on it
	}
	d.open[node] = connection{conn, path}
	return conn, nil
}

func (d *drivers) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for node, conn := range d.open {
		_ = conn.Close() // the calls on it have ended
		delete(d.open, node)
	}
}
