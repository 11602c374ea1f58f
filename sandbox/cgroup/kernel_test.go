package cgroup

import (
	"sync"
	"testing"
	"time"
)

// The nodes of a lab start in the same moment, each as pid 1, and each sweeps what the others make: all get a directory,
// though none has given up its own yet. A plain directory stands in for a hierarchy: making, locking and sweeping ask
// nothing more of it.
func TestManagersOfOneMomentDoNotWaitForEachOther(t *testing.T) {
	root := t.TempDir()
	for range 400 {
		opened := make(chan *kernel)
		for range 6 {
			go func() {
				k, err := openKernel(KernelV1, map[string]string{root: root}, nil)
				if err != nil {
					t.Error(err)
				}
				opened <- k
			}()
		}
		closeAll(t, opened, 6)
	}
}

func closeAll(t *testing.T, opened <-chan *kernel, count int) {
	t.Helper()
	var managers []*kernel
	for range count {
		select {
		case k := <-opened:
			managers = append(managers, k)
		case <-time.After(20 * time.Second):
			t.Fatal("a manager waits for a directory that another one holds")
		}
	}
	var all sync.WaitGroup
	for _, k := range managers {
		all.Go(func() {
			if err := k.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
