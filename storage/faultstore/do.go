package faultstore

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// strike is what happens to one call; nothing, if it has no fault.
type strike struct {
	Injection
	plan *Plan
}

// before runs ahead of the call, which is not done if it returns an error.
func (s strike) before(ctx context.Context) error {
	switch s.Fault {
	case FailBefore:
		return s.err()
	case CancelBefore:
		return s.plan.cancel()
	case Delay:
		timer := time.NewTimer(s.Wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	case FailAfter, CancelAfter: // see after
	}
	return nil
}

// after runs behind a call that succeeded.
func (s strike) after() error {
	switch s.Fault {
	case FailAfter:
		return s.err()
	case CancelAfter:
		return s.plan.cancel()
	case FailBefore, CancelBefore, Delay: // see before
	}
	return nil
}

func (s strike) err() error {
	if s.Err == nil {
		return ErrInjected
	}
	return fmt.Errorf("%w: %w", ErrInjected, s.Err)
}

// Do runs fn, a call of the named method, under the plan. An error comes with
// the zero T.
func Do[T any](ctx context.Context, p *Plan, method string, fn func() (T, error)) (T, error) {
	var zero T
	s := p.call(method)
	if err := s.before(ctx); err != nil {
		return zero, err
	}
	v, err := fn()
	if err == nil {
		err = s.after()
	}
	if err != nil {
		return zero, err
	}
	return v, nil
}

// Run is [Do] for methods that return an error only.
func Run(ctx context.Context, p *Plan, method string, fn func() error) error {
	_, err := Do(ctx, p, method, func() (struct{}, error) { return struct{}{}, fn() })
	return err
}

// Seq is [Do] for methods that return a sequence. Each walk over it is a call;
// what happens after, happens behind the last element, and not to a walk that
// its reader broke off or that ended in an error.
func Seq[T any](ctx context.Context, p *Plan, method string, seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		s := p.call(method)
		if err := s.before(ctx); err != nil {
			yield(zero, err)
			return
		}
		for v, err := range seq {
			if !yield(v, err) || err != nil {
				return
			}
		}
		if err := s.after(); err != nil {
			yield(zero, err)
		}
	}
}
