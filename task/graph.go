package task

import (
	"context"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// Step is work that is enqueued together with other work.
type Step struct {
	// Name is what other steps call it.
	Name string
	Work troth.Work
	// After names the steps that must be completed before, beside what the work
	// itself names by id.
	After []string
}

// EnqueueAll makes steps durable in one transaction, that of ctx or one of its
// own: all of them or none. It returns their ids by name. It returns a
// *[CycleError] for steps that wait for each other, and an error for a name that
// is missing, unknown or given twice.
//
// A step that equals work which was enqueued before is that work, as it is: it
// waits for nothing new.
func (e *Engine) EnqueueAll(ctx context.Context, steps ...Step) (ids map[string]string, err error) {
	order, err := sorted(steps)
	if err != nil {
		return nil, err
	}
	err = e.tx.Atomically(ctx, func(ctx context.Context) error {
		ids = make(map[string]string, len(steps))
		for _, s := range order {
			w := s.Work
			w.After = slices.Clone(w.After)
			for _, before := range s.After {
				w.After = append(w.After, ids[before])
			}
			if ids[s.Name], err = e.Enqueue(ctx, w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if e.tx.Scope(ctx) == nil {
		e.Nudge()
	}
	return ids, nil
}

// sorted returns the steps in an order in which each comes behind those that it
// waits for.
func sorted(steps []Step) ([]Step, error) {
	named := make(map[string]bool, len(steps))
	for _, s := range steps {
		if s.Name == "" || named[s.Name] {
			return nil, fmt.Errorf("task: step has no name, or that of another")
		}
		named[s.Name] = true
	}
	for _, s := range steps {
		for _, before := range s.After {
			if !named[before] {
				return nil, fmt.Errorf("task: step %q waits for a step that is not there", s.Name)
			}
		}
	}
	order, done := make([]Step, 0, len(steps)), make(map[string]bool, len(steps))
	left := slices.Clone(steps)
	for len(left) > 0 {
		before := len(left)
		left = slices.DeleteFunc(left, func(s Step) bool {
			ready := !slices.ContainsFunc(s.After, func(b string) bool { return !done[b] })
			if ready {
				order = append(order, s)
				done[s.Name] = true
			}
			return ready
		})
		if len(left) == before {
			stuck := &CycleError{}
			for _, s := range left {
				stuck.Steps = append(stuck.Steps, s.Name)
			}
			slices.Sort(stuck.Steps)
			return nil, stuck
		}
	}
	return order, nil
}
