package kubelet

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// logWatcher tells followers of logs when their file has grown. All share one inotify instance (inotify(7)): a user may have
// 128 of them in all, and a node is only one of many programs.
type logWatcher struct {
	mu sync.Mutex
	// guarded by mu
	file      *os.File // nil until first needed
	followers map[int32]map[chan struct{}]bool
}

func newLogWatcher() *logWatcher {
	return &logWatcher{followers: map[int32]map[chan struct{}]bool{}}
}

// watch returns a channel that gets a value when path has been written to. cancel must be called once.
func (l *logWatcher) watch(path string) (grown <-chan struct{}, cancel func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
		if err != nil {
			return nil, nil, fmt.Errorf("start inotify: %w", err)
		}
		l.file = os.NewFile(uintptr(fd), "inotify") // non-blocking, so that Close ends a Read
		go l.read(l.file)
	}
	conn, err := l.file.SyscallConn()
	if err != nil {
		return nil, nil, fmt.Errorf("use inotify: %w", err)
	}
	var wd int
	var watchErr error
	if err := conn.Control(func(fd uintptr) {
		wd, watchErr = unix.InotifyAddWatch(int(fd), path, unix.IN_MODIFY)
	}); err != nil || watchErr != nil {
		return nil, nil, fmt.Errorf("watch %s: %w", path, watchErr)
	}
	follower := make(chan struct{}, 1)
	if l.followers[int32(wd)] == nil {
		l.followers[int32(wd)] = map[chan struct{}]bool{}
	}
	l.followers[int32(wd)][follower] = true
	return follower, func() { l.leave(int32(wd), follower) }, nil
}

func (l *logWatcher) leave(wd int32, follower chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.followers[wd], follower)
	if len(l.followers[wd]) > 0 || l.file == nil {
		return
	}
	delete(l.followers, wd)
	if conn, err := l.file.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { _, _ = unix.InotifyRmWatch(int(fd), uint32(wd)) })
	}
	if len(l.followers) == 0 {
		l.file.Close()
		l.file = nil
	}
}

// read passes events on until the file is closed.
func (l *logWatcher) read(file *os.File) {
	buffer := make([]byte, 4096)
	for {
		n, err := file.Read(buffer)
		if err != nil {
			return
		}
		l.mu.Lock()
		for rest := buffer[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			wd := int32(binary.NativeEndian.Uint32(rest))
			for follower := range l.followers[wd] {
				wakeFollower(follower)
			}
			name := int(binary.NativeEndian.Uint32(rest[12:]))
			rest = rest[min(unix.SizeofInotifyEvent+name, len(rest)):]
		}
		l.mu.Unlock()
	}
}

// wakeAll makes every follower look again: a container may have ended without a last word.
func (l *logWatcher) wakeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, followers := range l.followers {
		for follower := range followers {
			wakeFollower(follower)
		}
	}
}

func wakeFollower(follower chan struct{}) {
	select {
	case follower <- struct{}{}:
	default:
	}
}
