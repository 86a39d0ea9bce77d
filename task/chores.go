package task

import (
	"bytes"
	"cmp"
	"context"
	"time"

	"go.uber.org/zap"
)

// sweepEvery is how often finished tasks are looked through.
const sweepEvery = time.Hour

// jumped is how far the database's clock must be behind to have jumped back.
const jumped = time.Second

// chores does what Run does beside running handlers.
func (e *Engine) chores(ctx context.Context) {
	poll := time.NewTicker(e.opt.poll)
	defer poll.Stop()
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	w := &watch{e: e}
	// A clock may have jumped back while nobody ran.
	e.try(ctx, "tidy", func() error { _, err := e.store.Tidy(ctx); return err })
	for ctx.Err() == nil {
		e.try(ctx, "wake", func() error { return w.wake(ctx) })
		e.try(ctx, "alarm", func() error { _, err := e.Alarm(ctx); return err })
		select {
		case <-ctx.Done():
		case <-poll.C:
		case <-sweep.C:
			e.try(ctx, "sweep", func() error { _, err := e.Sweep(ctx); return err })
			e.try(ctx, "tidy", func() error { _, err := e.store.Tidy(ctx); return err })
		}
	}
}

// disposes does what Run does about payloads, beside everything else: each takes
// several statements. While there is work to run it disposes of some at each poll,
// and of the rest when there is none: nobody waits for it.
func (e *Engine) disposes(ctx context.Context) {
	ctx = acting(e.tx.Detach(ctx))
	poll := time.NewTicker(e.opt.poll)
	defer poll.Stop()
	for ctx.Err() == nil {
		more := false
		e.try(ctx, "dispose", func() (err error) { _, more, err = e.disposeSome(ctx); return err })
		if more && !e.busy.Load() {
			continue
		}
		select {
		case <-ctx.Done():
		case <-poll.C:
		}
	}
}

func (e *Engine) try(ctx context.Context, what string, do func() error) {
	if err := do(); err != nil && ctx.Err() == nil {
		e.log.Warn("task: "+what+": will try again", zap.Error(err))
	}
}

// watch is what one Run knows of the database's clock.
type watch struct {
	e *Engine
	// last is what it showed, at a moment of this process's monotonic clock.
	last int64
	at   time.Time
}

// wakeLimit is how many are woken at once.
const wakeLimit = 1000

// wake makes what is due claimable.
func (w *watch) wake(ctx context.Context) error {
	e := w.e
	for {
		var woken Woken
		wake := func(ctx context.Context) (err error) {
			if woken, err = e.store.Wake(ctx, wakeLimit); err != nil {
				return wrap("wake", err)
			}
			for _, n := range woken.Lapsed {
				if err := e.dispatch(ctx, n, time.Time{}); err != nil {
					return err
				}
			}
			return nil
		}
		var err error
		if e.opt.dispatcher == nil {
			err = wake(ctx)
		} else {
			err = e.tx.Atomically(acting(ctx), wake)
		}
		if err != nil {
			return err
		}
		if err := w.look(ctx, woken.Now); err != nil {
			return err
		}
		if woken.Due+len(woken.Lapsed) > 0 {
			e.Nudge()
		}
		if max(woken.Due, len(woken.Lapsed)) < wakeLimit {
			return nil
		}
	}
}

// look compares the database's clock with this process's.
func (w *watch) look(ctx context.Context, now int64) error {
	shouldBe := w.last + time.Since(w.at).Microseconds()
	back := w.last != 0 && now < shouldBe-jumped.Microseconds()
	w.last, w.at = now, time.Now()
	if !back {
		return nil
	}
	n, err := w.e.store.Tidy(ctx)
	w.e.log.Warn("task: the database's clock jumped back", zap.Int("shortened", n))
	return wrap("tidy", err)
}

func compareIDs(a, b ID) int { return bytes.Compare(a[:], b[:]) }

func compareNames(a, b Name) int {
	return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), compareIDs(a.ID, b.ID))
}
