package netem

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Cable is a pair of devices, one at each end.
type Cable struct {
	Netns  string // of the near end: a file as /proc/PID/ns/net
	Near   string // its device
	Bridge string // the bridge that the near end is a port of; "" for one with routes
	// FarNetns and Far are the other end.
	FarNetns, Far string
}

// Mechanism is what makes a cable bad.
type Mechanism string

// The mechanisms; netem is the kernel's own.
const (
	Kernel Mechanism = "netem"
	Relay  Mechanism = "relay"
)

// Impairment is a cable that has been made bad. Change may be called while Run runs.
type Impairment struct {
	// set once in New
	cable Cable
	relay *relay // nil: the kernel does it

	fault atomic.Pointer[Fault]
}

// New makes a cable bad, by the kernel if it can. From here on Run must be called: it carries the packets, and mends the
// cable. On an error the cable is as it was.
func New(c Cable, f Fault) (*Impairment, error) { return with(c, f, Kernel) }

// NewRelay is New without asking the kernel for its netem.
func NewRelay(c Cable, f Fault) (*Impairment, error) { return with(c, f, Relay) }

func with(c Cable, f Fault, by Mechanism) (*Impairment, error) {
	i := &Impairment{cable: c}
	i.fault.Store(&f)
	if by == Kernel {
		switch err := c.queue(f); {
		case err == nil:
			return i, nil
		case !lacksNetem(err):
			return nil, errors.Join(fmt.Errorf("make the cable %s bad: %w", c.Near, err), c.unqueue())
		}
	}
	var err error
	if i.relay, err = newRelay(c, &i.fault); err != nil {
		return nil, fmt.Errorf("make the cable %s bad: %w", c.Near, err)
	}
	return i, nil
}

// lacksNetem: the kernel knows no queue of that kind (ENOENT of tc_modify_qdisc), or the module is not for us to load.
func lacksNetem(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP)
}

// Mechanism says what makes the cable bad.
func (i *Impairment) Mechanism() Mechanism {
	if i.relay != nil {
		return Relay
	}
	return Kernel
}

// Change makes it bad in another way.
func (i *Impairment) Change(f Fault) error {
	if i.relay == nil {
		if err := i.cable.queue(f); err != nil {
			return fmt.Errorf("change the cable %s: %w", i.cable.Near, err)
		}
	}
	i.fault.Store(&f)
	return nil
}

// Run keeps the cable bad until ctx ends, and mends it; or until the cable is gone, which may also show only at the end of ctx.
func (i *Impairment) Run(ctx context.Context) error {
	var err error
	if i.relay != nil {
		i.relay.run(ctx)
		err = i.relay.remove()
	} else {
		<-ctx.Done()
		err = i.cable.unqueue()
	}
	if err != nil {
		return fmt.Errorf("mend the cable %s: %w", i.cable.Near, err)
	}
	return nil
}
