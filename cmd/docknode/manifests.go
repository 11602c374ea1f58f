package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// everyChange is DN_MODIFY, DN_CREATE, DN_DELETE, DN_RENAME and DN_ATTRIB, again and again (DN_MULTISHOT), of linux/fcntl.h.
const everyChange = 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x80000000

// watchDirectory makes dir, and a channel that gets a value when something in it has changed. A kernel without directory notification
// never sends one. release ends it.
//
// This is dnotify (F_NOTIFY in fcntl(2)), which tells by a signal, and not inotify: of that a user may have 128 instances in all,
// fewer than a class of labs has nodes.
func watchDirectory(dir string) (changes <-chan struct{}, release func(), err error) {
	if dir == "" {
		return nil, func() {}, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, fmt.Errorf("make room for %s: %w", dir, err)
	}
	folder, err := os.Open(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGIO)
	if _, err := unix.FcntlInt(folder.Fd(), unix.F_NOTIFY, everyChange); err != nil && !errors.Is(err, unix.EINVAL) {
		signal.Stop(signals)
		return nil, nil, errors.Join(fmt.Errorf("watch %s: %w", dir, err), folder.Close())
	}
	changed, ended := make(chan struct{}, 1), make(chan struct{})
	go func() { // ends with release
		for {
			select {
			case <-signals:
				select {
				case changed <- struct{}{}:
				default:
				}
			case <-ended:
				return
			}
		}
	}()
	return changed, func() { signal.Stop(signals); close(ended); folder.Close() }, nil
}
