// Package seat gives cases a lab each, one after another, without starting a lab for each.
//
// A lab that a case has left is cleared and compared with what it was when it was fresh (course.Ground, and what the lab says
// of its own files and processes). If it is the same, the next case gets it. If it is not, or nobody can tell, the lab is torn
// down and the next case gets a new one: what a case meets never depends on the case before it.
package seat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/client-go/rest"

	"drydock/lessons/course"
	"drydock/lessons/pack"
)

// Lab is a lab that may serve several cases.
type Lab interface {
	RESTConfig() *rest.Config
	// Clean ends what the last case has started in the lab's shell and removes the files that it left. An error says that the
	// lab cannot be used again.
	Clean(ctx context.Context) error
	// Close tears the lab down and names what it left on the machine.
	Close(ctx context.Context) (leftovers []string, err error)
}

// Seat is a place at which one case after another is worked on. It belongs to one goroutine.
type Seat[L Lab] struct {
	Start func(ctx context.Context, name string, world pack.World) (L, error)

	lab    L
	ground *course.Ground // nil: the lab serves no more cases
	nodes  int
	images []string
	taken  bool // there is a lab
	broken bool // the world of this case breaks machines: nobody knows what of that stays
}

// closing is how long a lab may take to be cleared or torn down, also when the time of its case is over.
const closing = time.Minute

// Take is a lab as good as new, with the nodes and images that a world asks for. What the one before left on the machine, if it had to go
// now, is told too.
func (s *Seat[L]) Take(ctx context.Context, name string, world pack.World) (lab L, left []string, err error) {
	s.broken = len(world.Faults) > 0
	if s.taken && s.nodes == world.Nodes && slices.Equal(s.images, world.Images) {
		return s.lab, nil, nil
	}
	if left, err = s.Leave(ctx); err != nil {
		return lab, left, err
	}
	if s.lab, err = s.Start(ctx, name, world); err != nil {
		return lab, left, err
	}
	s.taken, s.nodes, s.images = true, world.Nodes, world.Images
	if s.ground, err = course.Survey(ctx, s.lab.RESTConfig()); err != nil && ctx.Err() != nil {
		_, err = s.Leave(ctx)
		return lab, left, errors.Join(context.Cause(ctx), err)
	}
	return s.lab, left, nil // whose ground nobody knows serves one case
}

// Clear makes the lab ready for the next case, or tears it down.
func (s *Seat[L]) Clear(ctx context.Context) (left []string, err error) {
	if s.taken && s.ground != nil && !s.broken {
		clearing, stop := context.WithTimeout(context.WithoutCancel(ctx), closing)
		defer stop()
		if s.lab.Clean(clearing) == nil && s.ground.Restore(clearing) == nil {
			return nil, nil
		}
	}
	return s.Leave(ctx)
}

// Leave tears the lab down, if there is one.
func (s *Seat[L]) Leave(ctx context.Context) (left []string, err error) {
	if !s.taken {
		return nil, nil
	}
	if s.ground != nil {
		s.ground.Leave()
	}
	s.taken, s.ground = false, nil
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), closing)
	defer stop()
	if left, err = s.lab.Close(ctx); err != nil {
		err = fmt.Errorf("tear the lab down: %w", err)
	}
	return left, err
}
