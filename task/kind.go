package task

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2" //nolint:depguard // spreads retries in time; nothing secret hangs on it
	"time"

	"github.com/trothdev/troth"
)

// Kind is how work of one kind is done. Only Name is required.
type Kind struct {
	Name string
	// MaxAttempts is how often it is tried before a person is asked, or it has
	// failed, see FailExhausted. Default 20.
	MaxAttempts int
	// Backoff is how long it waits after the first failure, and Cap at most: it
	// doubles with every failure, and the last half of each wait is random. Default
	// 1 s and 1 h.
	Backoff, Cap time.Duration
	// Timeout ends the context of an attempt; 0 does not. An attempt that ignores
	// it loses its lease.
	Timeout time.Duration
	// Whole limits all work of the kind, PerLine that of each tenant and line of
	// it, in all processes together. All of them must say the same.
	Whole, PerLine Limit
	// Owner is the role of who looks after what cannot go on by itself. Default
	// "operator".
	Owner string
	// FailExhausted makes work that was tried often enough Failed instead of
	// Manual.
	FailExhausted bool
}

// DefaultOwner is who looks after work whose kind names nobody.
const DefaultOwner = "operator"

// handled is a kind and its handler.
type handled struct {
	Kind
	run func(ctx context.Context, j troth.Job) error
	// behind is the line that was served last; Run's own.
	behind Line
}

func (k Kind) withDefaults() (Kind, error) {
	if err := (troth.Work{Tenant: troth.Platform, Kind: k.Name}).Validate(); err != nil {
		return k, errors.Join(ErrKind, err)
	}
	if k.MaxAttempts == 0 {
		k.MaxAttempts = 20
	}
	if k.Backoff == 0 {
		k.Backoff = time.Second
	}
	if k.Cap == 0 {
		k.Cap = time.Hour
	}
	if k.Owner == "" {
		k.Owner = DefaultOwner
	}
	for _, l := range []Limit{k.Whole, k.PerLine} {
		if l.AtOnce < 0 || l.Every < 0 || l.Burst < 0 {
			return k, fmt.Errorf("%w: a limit is negative", ErrKind)
		}
	}
	if k.MaxAttempts < 0 || k.Backoff < time.Microsecond || k.Cap < k.Backoff || k.Timeout < 0 {
		return k, fmt.Errorf("%w: attempts, backoff, cap or timeout make no sense", ErrKind)
	}
	return k, nil
}

// wait is how long work waits after so many failures.
func (k Kind) wait(failures int) time.Duration {
	d := k.Backoff
	for range failures - 1 {
		if d >= k.Cap/2 {
			d = k.Cap
			break
		}
		d *= 2
	}
	d = min(d, k.Cap)
	return d/2 + time.Duration(rand.Int64N(int64(d/2)+1)) //nolint:gosec // see the import
}

func (e *Engine) add(k Kind, run func(ctx context.Context, j troth.Job) error) error {
	k, err := k.withDefaults()
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kinds[k.Name] != nil {
		return fmt.Errorf("%w: it is registered already", ErrKind)
	}
	e.kinds[k.Name] = &handled{Kind: k, run: run}
	e.order = append(e.order, k.Name)
	return nil
}

// kind returns what is registered, nil if nothing is.
func (e *Engine) kind(name string) *handled {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.kinds[name]
}

// owner is who looks after work of a kind, which need not be registered here.
func (e *Engine) owner(kind string) string {
	if k := e.kind(kind); k != nil {
		return k.Owner
	}
	return DefaultOwner
}

// errOutcome stands in for the error that a handler did not give.
var errOutcome = errors.New("task: handler gave no error")

// Handle registers a handler as packages provide it that do not know this one.
// Its payload is as it was enqueued.
func (e *Engine) Handle(k Kind, h troth.WorkHandler) error {
	return e.add(k, func(ctx context.Context, j troth.Job) error {
		outcome, err := h(ctx, j)
		cause := err
		if cause == nil {
			cause = errOutcome
		}
		switch outcome {
		case troth.Completed:
			return err
		case troth.Failed:
			return Permanent(cause)
		case troth.Manual:
			if asked, ok := errors.AsType[*ManualError](err); ok {
				return asked
			}
			return &ManualError{Err: err}
		case troth.Retry:
		}
		return cause
	})
}
