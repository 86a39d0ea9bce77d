package vault

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// windowName is who opens whose data why.
type windowName struct {
	actor   string
	home    troth.Tenant
	tenant  troth.Tenant
	purpose troth.Purpose
}

// window counts what one service opens. Its beginning is durable before it
// counts anything.
type window struct {
	name  windowName
	id    troth.EntryID
	actor troth.Actor
	// until is on the monotonic clock; due is set by a bell some time before.
	until int64
	due   atomic.Bool
	bell  *time.Timer
	// closed is set before the counts are read: an opening that counted itself
	// and then finds the window open has been counted.
	closed atomic.Bool

	mu sync.Mutex
	// tallies are in use, one for each time that a key was loaded; sums are
	// what earlier ones came to.
	tallies []*tally
	sums    sums

	// ending serialises telling the counts: report is made once, and ended is
	// set when it is on record.
	ending sync.Mutex
	report *windowReport
	ended  bool
}

// tally counts openings of one person's compartment in one window.
type tally struct {
	window *window
	name   KeyName
	tag    uint64
	n      atomic.Int64
	// summed is set before n is added to the window's sums.
	summed atomic.Bool
}

// windows are those of this process.
type windows struct {
	mu   sync.Mutex
	open map[windowName]*window
	// untold are all whose counts are not on record, open ones included.
	untold map[*window]bool
	// opening makes beginning a window single-flight by name.
	opening map[windowName]chan struct{}
	// last is the one that was asked for last: most callers ask for it again.
	last atomic.Pointer[window]
}

func windowFor(a *troth.Actor, tenant troth.Tenant, p troth.Purpose) windowName {
	return windowName{actor: a.ID, home: a.Home(), tenant: tenant, purpose: p}
}

// OpenWindow commits the window in which the context's service may open data of
// the tenant for the purpose, so that openings need not do so later: a service
// that opens inside transactions calls it before it begins one, and then has at
// least half a window's length. It returns [ErrOpenInTx] inside a transaction.
// People need no window; for them it does nothing.
func (v *Vault) OpenWindow(ctx context.Context, tenant troth.Tenant, p troth.Purpose) error {
	actor, err := troth.ActorFrom(ctx)
	if err != nil || actor.Kind != troth.Service {
		return err
	}
	if err := tenant.Validate(); err != nil {
		return err
	}
	if v.tx.Scope(ctx) != nil {
		return ErrOpenInTx
	}
	_, _, err = v.window(ctx, windowFor(&actor, tenant, p), actor, v.opt.window/2)
	return err
}

// count notes one opening by a service, in a window that is durable. last is
// where the caller keeps the counter that it used last. After it has waited,
// for a window to begin, what the caller knows of keys may be too old.
func (v *Vault) count(ctx context.Context, last *atomic.Pointer[tally], q *sought, actor *troth.Actor, p troth.Purpose) (waited bool, err error) {
	if t := last.Load(); t != nil && t.window.admits(actor, p) && v.addTo(t) {
		return false, nil
	}
	return v.countAnew(ctx, last, q, actor, p)
}

// countAnew is count with a new counter.
func (v *Vault) countAnew(ctx context.Context, last *atomic.Pointer[tally], q *sought, actor *troth.Actor, p troth.Purpose) (waited bool, err error) {
	n := windowFor(actor, q.name.Tenant, p)
	limit := v.opt.windowSubjects
	if v.tx.Scope(ctx) != nil {
		// Where the transaction has the only connection that may write, the
		// next window cannot begin before it ends.
		limit = math.MaxInt
	}
	for {
		w, late, err := v.window(ctx, n, *actor, 0)
		if err != nil {
			return false, err
		}
		waited = waited || late
		t := w.tally(q, limit)
		if t == nil {
			w.closed.Store(true) // told with the beginning of the next one
			continue
		}
		if t.add() {
			last.Store(t)
			return waited, nil
		}
	}
}

func (w *window) admits(a *troth.Actor, p troth.Purpose) bool {
	return w.name.purpose == p && w.name.actor == a.ID && w.name.home == a.Home()
}

// addTo counts in t, if its window has not ended.
func (v *Vault) addTo(t *tally) bool { return !v.ended(t.window) && t.add() }

// ended reports whether the window's time is over. It asks the clock only when
// the end is near.
func (v *Vault) ended(w *window) bool {
	return w.due.Load() && v.mono() >= w.until
}

// add counts one opening; it returns false if nobody will read it any more.
func (t *tally) add() bool {
	t.n.Add(1)
	if !t.window.closed.Load() && !t.summed.Load() {
		return true
	}
	t.n.Add(-1) // who closes may have read it: then one too many, never too few
	return false
}

// tally returns a new counter for a compartment, nil if the window has counted
// as many as it may.
func (w *window) tally(q *sought, limit int) *tally {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.tallies) >= limit {
		if w.sum(); w.sums.names >= limit {
			return nil
		}
	}
	t := &tally{window: w, name: q.name, tag: q.tag}
	w.tallies = append(w.tallies, t)
	return t
}

// sum adds up the tallies in use and ends their use. It holds mu.
func (w *window) sum() {
	for _, t := range w.tallies {
		t.summed.Store(true)
		w.sums.add(t.tag, &t.name, t.n.Load())
	}
	clear(w.tallies)
	w.tallies = w.tallies[:0]
}

// window returns the open window of that name, with at least the given time
// left. It begins one, and closes the one before, outside of any transaction of
// the caller's; waited tells that time may have passed.
func (v *Vault) window(ctx context.Context, n windowName, actor troth.Actor, left time.Duration) (w *window, waited bool, err error) {
	if err := n.purpose.Validate(); err != nil {
		return nil, false, err
	}
	if v.closing.Load() {
		return nil, false, ErrClosed
	}
	if w := v.windows.last.Load(); left == 0 && w != nil && w.name == n && !v.ended(w) && !w.closed.Load() {
		return w, false, nil
	}
	for {
		w, wait, mine := v.windows.claim(n, v.mono()+int64(left))
		switch {
		case w != nil:
			return w, waited, nil
		case mine:
			w, err := v.beginWindow(v.tx.Detach(ctx), n, actor)
			if err != nil && v.tx.Scope(ctx) != nil && errors.Is(err, troth.ErrBusy) {
				err = &windowError{err}
			}
			return w, true, err
		}
		waited = true
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, true, ctx.Err()
		}
	}
}

// claim returns the window that is open and will be at the given instant; or a
// channel that closes when somebody else has begun one or failed to; or true, if
// the caller is to begin it.
func (ws *windows) claim(n windowName, at int64) (w *window, wait chan struct{}, mine bool) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w := ws.open[n]; w != nil && at < w.until && !w.closed.Load() {
		ws.last.Store(w)
		return w, nil, false
	}
	if wait := ws.opening[n]; wait != nil {
		return nil, wait, false
	}
	if ws.opening == nil {
		ws.opening = make(map[windowName]chan struct{})
		ws.open = make(map[windowName]*window)
		ws.untold = make(map[*window]bool)
	}
	ws.opening[n] = make(chan struct{})
	return nil, nil, true
}

// beginWindow makes a new window durable. An old one of the same name is closed
// with it.
func (v *Vault) beginWindow(ctx context.Context, n windowName, actor troth.Actor) (*window, error) {
	ws := &v.windows
	ws.mu.Lock()
	old := ws.open[n]
	ws.mu.Unlock()
	w := &window{name: n, actor: actor}
	err := errAbandoned // stands if the insertion panics
	func() {
		defer func() { ws.land(w, err) }()
		err = v.insertWindow(ctx, w)
	}()
	if err != nil {
		return nil, err
	}
	if old != nil {
		if err := v.closeWindow(ctx, old); err != nil {
			v.log.Warn("vault: counts of a window are not recorded yet", zap.Error(err))
		}
	}
	return w, nil
}

// land ends a claim.
func (ws *windows) land(w *window, err error) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if err == nil {
		ws.open[w.name] = w
		ws.untold[w] = true
	}
	close(ws.opening[w.name])
	delete(ws.opening, w.name)
}

func (v *Vault) insertWindow(ctx context.Context, w *window) error {
	length := v.opt.window
	w.until = v.mono() + int64(length)
	w.bell = v.ringAfter(nil, length*9/10, &w.due)
	opened := v.now()
	w.id = troth.NewEntryID(opened)
	until := opened.Add(length)
	return v.tx.Atomically(ctx, func(ctx context.Context) error {
		err := v.store.InsertWindow(ctx, WindowRow{
			Tenant: w.name.tenant, ID: w.id, Actor: w.name.actor, Home: w.name.home, Purpose: w.name.purpose,
			OpenedAt: opened.UnixMicro(), Until: until.UnixMicro(),
		})
		if err != nil {
			return fmt.Errorf("vault: insert window: %w", err)
		}
		return v.record(troth.WithActor(ctx, w.actor), troth.Entry{
			Act: actWindowOpen, Tenant: w.name.tenant, Purpose: w.name.purpose,
			Facts: troth.Facts{"window": troth.ID(w.id.String()), "until": troth.Instant(until)},
		})
	})
}
