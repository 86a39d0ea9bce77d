package task

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
)

// Run drives the engine until ctx ends, and returns its error: it claims tasks
// that are due and runs their handlers, extends their leases, looks at the clock,
// tells of deadlines, and destroys what nobody needs any more. With a dispatcher
// it leaves the first of these to the host's queue.
//
// When ctx ends it claims nothing more and waits for the handlers that run, as
// long as [WithDrain] allows; then it ends their contexts, waits for them, and
// puts back what they did not complete. A handler that does not heed its context
// keeps it waiting.
func (e *Engine) Run(ctx context.Context) error {
	if !e.running.CompareAndSwap(false, true) {
		return ErrRunning
	}
	defer e.running.Store(false)
	w := newWorker(e, ctx)
	var sides sync.WaitGroup
	until := make(chan struct{})
	sides.Go(func() { w.keepLeases(until) })
	sides.Go(func() { w.settle(until) })
	sides.Go(func() { e.chores(ctx) })
	sides.Go(func() { e.disposes(ctx) })
	w.claim(ctx)
	w.drain()
	close(until)
	sides.Wait()
	w.expiry.Stop()
	return ctx.Err()
}

// claimedRows are tasks that were claimed at once, when that was asked for.
type claimedRows struct {
	rows  []Row
	asked time.Time
}

// worker is one Run.
type worker struct {
	e *Engine
	// base is what the handlers' contexts derive from: the engine acts in it. It
	// outlives the one of Run for as long as draining takes.
	base   context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	free  int
	held  map[Name]*claimed
	ended []settlement
	// settled, together and endings are room that settling uses again.
	settled, together []settlement
	endings           []Ending
	// failed counts endings that could not be written and are tried again.
	failed int
	// strays counts handlers that go on although they lost their lease, and no longer
	// have a slot.
	strays int
	// freed is told when a slot is free, full when an ending waits.
	freed, full chan struct{}
	// claims are started in their order.
	claims chan claimedRows
	// crew are the goroutines that run handlers.
	crew crew
	turn int
	// expiry goes off at that instant, when a lease may have ended: not later than the
	// first of all. The zero time is never.
	expiry   *time.Timer
	expiryAt time.Time
	// writing keeps leases and endings of the same tasks, which come in different
	// orders, from waiting for each other in the database.
	writing sync.Mutex
}

func newWorker(e *Engine, ctx context.Context) *worker { //nolint:revive // the engine is what it belongs to
	w := &worker{
		e: e, free: e.opt.slots, held: make(map[Name]*claimed),
		freed: make(chan struct{}, 1), full: make(chan struct{}, 1),
		claims: make(chan claimedRows),
	}
	w.base, w.cancel = context.WithCancel(acting(context.WithoutCancel(e.tx.Detach(ctx))))
	w.crew.init(w.end)
	w.expiry = time.AfterFunc(e.opt.lease, w.expire)
	w.expiry.Stop()
	return w
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// claim claims and starts tasks until ctx ends.
func (w *worker) claim(ctx context.Context) {
	e := w.e
	var starts sync.WaitGroup
	starts.Go(w.startAll)
	defer starts.Wait()
	defer close(w.claims)
	poll := time.NewTimer(0)
	defer poll.Stop()
	for ctx.Err() == nil {
		if e.opt.dispatcher == nil && w.claimOnce(ctx) {
			e.busy.Store(true)
			continue
		}
		e.busy.Store(false)
		poll.Reset(e.opt.poll)
		select {
		case <-ctx.Done():
		case <-poll.C:
		case <-e.nudged:
		}
	}
}

// claimOnce claims once and reports whether to go on at once.
func (w *worker) claimOnce(ctx context.Context) bool {
	free := w.await(ctx)
	if free == 0 {
		return false
	}
	e := w.e
	kinds := e.wanted(free, w.turn)
	w.turn++
	if len(kinds) == 0 {
		return false
	}
	asked := time.Now()
	// A claim that is under way must not be cancelled: nobody would know whose
	// it is.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.opt.lease)
	defer cancel()
	rows, err := e.store.Claim(bounded, Claim{Kinds: kinds, Limit: free, Lease: e.opt.lease})
	if err != nil {
		e.log.Warn("task: claim: will try again", zap.Error(err))
		return false
	}
	if len(rows) == 0 {
		return false
	}
	w.serve(rows)
	w.claims <- claimedRows{rows, asked}
	return true
}

// serve takes the slots of what was claimed, and remembers whose turn it was.
func (w *worker) serve(rows []Row) {
	w.mu.Lock()
	w.free -= len(rows)
	w.mu.Unlock()
	w.e.mu.Lock()
	defer w.e.mu.Unlock()
	for _, row := range rows {
		if k := w.e.kinds[row.Kind]; k != nil {
			k.behind = Line{Tenant: row.Tenant, Name: row.Line}
		}
	}
}

// startAll starts what is claimed, while more is being claimed.
func (w *worker) startAll() {
	for c := range w.claims {
		for _, row := range c.rows {
			w.start(row, c.asked)
		}
	}
}

// await waits until half of the slots are free, or some have been for a
// moment, so that a claim is worth its cost.
func (w *worker) await(ctx context.Context) int {
	var moment <-chan time.Time
	for {
		w.mu.Lock()
		free := w.free
		w.mu.Unlock()
		if free*2 >= w.e.opt.slots {
			return free
		}
		if free > 0 && moment == nil {
			moment = time.After(5 * time.Millisecond)
		}
		select {
		case <-ctx.Done():
			return 0
		case <-moment:
			return free
		case <-w.freed:
		}
	}
}

// wanted asks for tasks of every kind, each time beginning with another.
func (e *Engine) wanted(free, turn int) []KindClaim {
	e.mu.RLock()
	defer e.mu.RUnlock()
	kinds := make([]KindClaim, 0, len(e.order))
	for i := range e.order {
		k := e.kinds[e.order[(i+turn)%len(e.order)]]
		kinds = append(kinds, KindClaim{Kind: k.Name, Limit: free, Behind: k.behind, Whole: k.Whole, PerLine: k.PerLine})
	}
	return kinds
}

func (w *worker) start(row Row, asked time.Time) {
	e := w.e
	k := e.kind(row.Kind)
	if k == nil {
		// It was waiting as one of ours and is another: somebody changed a row.
		w.mu.Lock()
		w.free++
		w.mu.Unlock()
		signal(w.freed)
		e.log.Error("task: a claimed task is of a kind that was not asked for", zap.String("task", row.ID.String()))
		return
	}
	c := e.hold(w.base, row, k, asked)
	w.mu.Lock()
	before := w.held[row.Name]
	stray := before != nil && before.lost()
	if !stray {
		w.held[row.Name] = c
		w.arm(asked.Add(e.opt.lease))
	}
	w.mu.Unlock()
	switch {
	case stray: // it would only hang beside itself
		w.end(c, c.judged(time.Now(), errStray))
		return
	case before != nil: // and has not heard yet
		before.letGo(ErrLeaseLost)
	}
	w.crew.add(c)
}

// arm has leases looked at when one ends that was just claimed, or before that. mu
// is held.
func (w *worker) arm(until time.Time) {
	if w.expiryAt.IsZero() || until.Before(w.expiryAt) {
		w.expiryAt = until
		w.expiry.Reset(time.Until(until))
	}
}

// expire ends the contexts of handlers whose leases have ended, and waits for the
// next one to end.
func (w *worker) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expiryAt = time.Time{}
	now := time.Now()
	for _, c := range w.held {
		if until := c.leased(); until.After(now) {
			w.arm(until)
		} else {
			c.letGo(ErrLeaseLost)
		}
	}
}

// end takes what came of an attempt.
func (w *worker) end(c *claimed, ending Ending) {
	w.mu.Lock()
	if c.stray {
		w.strays--
	} else {
		w.free++
	}
	w.ended = append(w.ended, settlement{c: c, ending: ending})
	w.mu.Unlock()
	signal(w.freed)
	signal(w.full)
}

// straysPerSlot bounds how many handlers go on without a slot.
const straysPerSlot = 16

// disown gives the slot of a handler that goes on without its lease to somebody
// else.
func (w *worker) disown(c *claimed) {
	w.mu.Lock()
	mine := w.held[c.row.Name] == c && !c.stray && w.strays < straysPerSlot*w.e.opt.slots
	if mine {
		c.stray = true
		w.strays++
		w.free++
	}
	w.mu.Unlock()
	if mine {
		w.e.log.Error("task: a handler goes on after it lost its lease", c.fields()...)
		signal(w.freed)
	}
}

// drain waits for the handlers.
func (w *worker) drain() {
	late := time.AfterFunc(w.e.opt.drain, w.cancel)
	defer late.Stop()
	w.crew.finish()
	w.cancel()
}

// keepLeases extends the leases of what is held, three times in the life of one.
func (w *worker) keepLeases(until <-chan struct{}) {
	tick := time.NewTicker(w.e.opt.lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-until:
			return
		case <-tick.C:
			w.extend()
		}
	}
}

func (w *worker) extend() {
	w.writing.Lock()
	defer w.writing.Unlock()
	w.mu.Lock()
	of := maps.Clone(w.held)
	w.mu.Unlock()
	var held []Held
	for _, c := range of {
		if c.lost() {
			w.disown(c)
		} else {
			held = append(held, c.held())
		}
	}
	if len(held) == 0 {
		return
	}
	slices.SortFunc(held, func(a, b Held) int { return compareNames(a.Name, b.Name) })
	asked := time.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.base), w.e.opt.lease/3)
	defer cancel()
	lost, err := w.e.store.Extend(ctx, held, w.e.opt.lease)
	if err != nil {
		w.e.log.Warn("task: leases could not be extended: will try again", zap.Error(err))
		return
	}
	for _, n := range lost {
		of[n].letGo(ErrLeaseLost)
	}
	for _, h := range held {
		if c := of[h.Name]; !c.lost() {
			c.extended(asked)
		}
	}
}
