package netem

import (
	"container/heap"
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// lane is one direction of a relayed cable.
type lane struct {
	// set once in newRelay
	from, to *os.File
	stamped  bool // what it sends carries the stamp
	fault    *atomic.Pointer[Fault]
	// comesBack waits until the cable is up again, or says that it is no more.
	comesBack func(context.Context) bool

	wake chan struct{} // capacity 1: there is an earlier packet, or no more
	mu   sync.Mutex
	// guarded by mu
	waiting waiting
	number  uint64
	closed  bool
}

// maxWaiting is how many packets wait at most, as in netem.
const maxWaiting = 1000

// stamp begins the sender's address of packets that the relay sends to a pod.
var stamp = [3]byte{0x02, 0xdd, 0xfa}

// hear takes in packets until the socket is closed or the cable is gone.
func (l *lane) hear(ctx context.Context) {
	defer l.close()
	var cable narrow
	buffer := make([]byte, maxPacket)
	for {
		n, err := l.from.Read(buffer)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, unix.ENOBUFS):
			continue
		case err != nil:
			// ENETDOWN: the device was taken down, which may pass, or away, which does not.
			if !l.comesBack(ctx) {
				return
			}
			continue
		case n <= headerSize+12:
			continue
		}
		due, ok := cable.fate(l.fault.Load().effective(), time.Now(), n-headerSize)
		if !ok {
			continue
		}
		packet := append([]byte(nil), buffer[:n]...)
		if l.stamped {
			copy(packet[headerSize+6:], stamp[:]) // the sender's address follows the receiver's (IEEE 802.3)
		}
		l.add(packet, due)
	}
}

func (l *lane) add(data []byte, due time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) >= maxWaiting {
		return
	}
	l.number++
	heap.Push(&l.waiting, packet{data, due, l.number})
	if l.waiting[0].number == l.number {
		l.wakeUp()
	}
}

func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wakeUp()
}

func (l *lane) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// speak sends packets when they are due, until hear has ended; what still waits then is lost.
func (l *lane) speak() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next, wait, ended := l.next()
		switch {
		case ended:
			return
		case next != nil:
			// A device that is down, or a packet that is too long for it: lost, as on any cable.
			_, _ = l.to.Write(next)
			continue
		}
		timer.Reset(wait)
		select {
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// next takes the packet that is due, or says how long there will be none.
func (l *lane) next() (data []byte, wait time.Duration, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, 0, true
	}
	if len(l.waiting) == 0 {
		return nil, time.Hour, false
	}
	if wait = time.Until(l.waiting[0].due); wait > 0 {
		return nil, wait, false
	}
	return heap.Pop(&l.waiting).(packet).data, 0, false
}

// packet waits for its time. Of two with the same one the first to come is the first to go.
type packet struct {
	data   []byte
	due    time.Time
	number uint64
}

// waiting is a heap of packets, the earliest first.
type waiting []packet

func (w waiting) Len() int { return len(w) }
func (w waiting) Less(i, j int) bool {
	if w[i].due.Equal(w[j].due) {
		return w[i].number < w[j].number
	}
	return w[i].due.Before(w[j].due)
}
func (w waiting) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w *waiting) Push(x any)   { *w = append(*w, x.(packet)) }

func (w *waiting) Pop() any {
	old := *w
	last := old[len(old)-1]
	old[len(old)-1] = packet{}
	*w = old[:len(old)-1]
	return last
}
