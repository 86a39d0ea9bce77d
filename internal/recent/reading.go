// Package recent bounds how old may be what a process has read of what all processes do. What it
// keeps of that may be used as long as it was read recently enough. When half of that time is
// over one of those who ask reads again, while the others go on with what there is.
package recent

import (
	"context"
	"sync/atomic"
	"time"
)

// Reading is when something was read last, and who is reading it. Instants are nanoseconds of a
// monotonic clock, which is the caller's.
type Reading struct {
	// turn holds a token while somebody reads.
	turn chan struct{}
	// asOf is when the last reading that succeeded began: what was committed before it is known.
	asOf atomic.Int64
	// freshUntil is asOf and half of the bound: until then nobody need read.
	freshUntil atomic.Int64
}

// Init makes it one that never was: too old for the bound, whatever the clock says. It comes
// before everything else.
func (r *Reading) Init(bound time.Duration) {
	r.turn = make(chan struct{}, 1)
	r.asOf.Store(-int64(bound) - 1)
	r.freshUntil.Store(-1)
}

// AsOf is when the last reading began that succeeded.
func (r *Reading) AsOf() int64 { return r.asOf.Load() }

// Fresh reports whether nobody need read.
func (r *Reading) Fresh(now int64) bool { return now <= r.freshUntil.Load() }

// Within reports whether what was read may be used still.
func (r *Reading) Within(now int64, bound time.Duration) bool {
	return now-r.asOf.Load() <= int64(bound)
}

// Read notes that a reading succeeded, which began at an instant. The caller has the turn.
func (r *Reading) Read(began int64, bound time.Duration) {
	r.asOf.Store(began)
	r.freshUntil.Store(began + int64(bound)/2)
}

// Begin waits for the turn; it returns the context's error if that ends first.
func (r *Reading) Begin(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// End gives the turn back.
func (r *Reading) End() { <-r.turn }

// Renew has the caller read, unless somebody is reading. Where that fails the caller goes on, and
// passed is told why, as long as usable reports that what was read before may still be used.
func (r *Reading) Renew(ctx context.Context, read func(ctx context.Context) error, usable func() bool, passed func(err error)) error {
	select {
	case r.turn <- struct{}{}:
		defer r.End()
	default:
		return nil
	}
	err := read(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil || !usable():
		return err
	}
	passed(err)
	return nil
}

// Catch waits for the turn, and reads unless usable reports that somebody has meanwhile.
func (r *Reading) Catch(ctx context.Context, read func(ctx context.Context) error, usable func() bool) error {
	if err := r.Begin(ctx); err != nil {
		return err
	}
	defer r.End()
	if usable() {
		return nil
	}
	return read(ctx)
}
