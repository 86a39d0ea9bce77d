package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/trothdev/troth"
)

// Swept is what a sweep did.
type Swept struct { //nolint:recvcheck // the value is what people print; only a sweep adds to one
	// Moved entered another stage, Destroyed and Anonymised are gone.
	Moved, Destroyed, Anonymised int
	// Waiting are due to be destroyed and wait for people from now on: for the approval of
	// a plan, or the end of a stop.
	Waiting int
	// Held were due to be destroyed and something keeps them. Unknown are those of
	// which something is not known: somebody must look.
	Held, Unknown int
	// Excepted are those of Held that an exception keeps.
	Excepted int
	// Conflicts are decisions that stand against a promise: matters for the
	// data-protection officer.
	Conflicts []Decision
	// Late are those whose promise was over before they were destroyed.
	Late int
	// Failed are records whose handler failed; they are tried again.
	Failed []Failure
	// Stopped are tenants of which nothing was done, because of what was found in their
	// rows: somebody must look.
	Stopped []Stopped

	erased erased
	// Reached are records that something came to that happened to many, and Open such
	// events that have not come to all of their records yet.
	Reached, Open int
	// Passed are records that were passed over because others had them or their tenant just
	// then: another process, which may also have died; what it had is free when its lease
	// is over, see [WithLease]. A later sweep does what is left of them.
	Passed int
}

// Failure is a record whose handler failed.
type Failure struct {
	RecordKey
	// Handle is the record's name in evidence, Tries how often it failed in a row.
	Handle string
	Tries  uint32
	Err    error
}

// Run sweeps and tends, see [Keeper.Tend], until ctx ends, and returns its error.
func (k *Keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(k.opt.poll)
	defer tick.Stop()
	for {
		s, err := k.Sweep(ctx)
		if err != nil && ctx.Err() == nil {
			k.log.Error("retention: a sweep failed", zap.Error(err))
		}
		for _, stop := range s.Stopped {
			k.log.Error("retention: nothing is destroyed", zap.String("tenant", string(stop.Tenant)), zap.Error(stop.Err))
		}
		if _, err := k.Tend(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("retention: warrants could not be tended", zap.Error(err))
		}
		if k.opt.swept != nil {
			k.opt.swept(s)
		}
		soon := make(<-chan time.Time)
		if s.Open > 0 {
			soon = time.After(min(k.opt.poll, time.Second))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		case <-soon:
		}
	}
}

// Sweep does what is due: it brings what happened to many records to each of them, finds
// records by what the policy says of anchors, decides for each again inside the
// transaction that acts, and has handlers hide and destroy. Several processes may sweep
// at once: each takes what no other has. What the returned error tells does not undo what
// was swept, nor keep it from doing the rest: after a complete sweep it is an
// *[ApprovalError] as long as something waits for a plan, or several, joined.
func (k *Keeper) Sweep(ctx context.Context) (Swept, error) {
	ctx = troth.WithActor(k.tx.Detach(ctx), self)
	h, err := k.history(ctx)
	if errors.Is(err, ErrNoPolicy) {
		return Swept{}, nil
	} else if err != nil {
		return Swept{}, err
	}
	r := &sweeping{k: k, lanes: map[int]int64{}, passed: map[troth.Tenant]bool{}}
	defer r.end(ctx)
	now := k.now()
	err = r.all(ctx, h, now)
	if err == nil && r.swept.Passed == 0 {
		err = k.endPlans(ctx, h, now)
	}
	if err == nil {
		err = k.awaiting(ctx, h)
	}
	return r.swept, errors.Join(append(r.errs, err)...)
}

// all goes through everything that may be due.
func (r *sweeping) all(ctx context.Context, h *History, now time.Time) error {
	if err := errors.Join(r.k.keepOutside(ctx, now), r.k.sweepDecisions(ctx, now), r.k.sweepReviews(ctx, now)); err != nil {
		return err
	}
	if err := r.reach(ctx); err != nil {
		return err
	}
	store := r.k.store
	sources := []search{
		func(after Place, limit int) ([]Place, error) {
			return store.DueRecords(ctx, now.UnixMicro(), after, limit)
		},
		func(after Place, limit int) ([]Place, error) {
			return store.StaleRecords(ctx, h.versions[len(h.versions)-1].number, after, limit)
		},
	}
	for _, c := range h.Cuts(now) {
		sources = append(sources, func(after Place, limit int) ([]Place, error) { return store.CutRecords(ctx, c, after, limit) })
	}
	for _, source := range sources {
		if err := r.drain(ctx, source); err != nil {
			return err
		}
	}
	// Those erasures of which nothing is left now, and the conflicts that were met.
	if err := errors.Join(r.k.sweepErasures(ctx, now), r.k.sweepConflicts(ctx, now)); err != nil {
		return err
	}
	return r.sweepWaiting(ctx, h)
}

// sweepDecisions brings to the records what people decided about them.
func (k *Keeper) sweepDecisions(ctx context.Context, now time.Time) error {
	return errors.Join(k.sweepExceptions(ctx, now), k.sweepErasures(ctx, now))
}

// sweepTenant does what is due for records of one tenant, in one transaction that commits
// under a lease or not at all.
//
// Holds win by this lock: who places one locks the tenant alone, who sweeps locks it
// with others, both until they commit. So a hold that commits before the sweep does
// was there before the sweep had the lock, and is among those that the sweep reads
// after it got it. A hold that has to wait commits after the sweep.
func (k *Keeper) sweepTenant(ctx context.Context, keys []RecordKey, keep func(ctx context.Context) error) (part Swept, err error) {
	err = k.tx.Atomically(ctx, func(ctx context.Context) error {
		part = Swept{}
		stop, err := k.destroying(ctx, keys[0].Tenant)
		if err != nil {
			return &tenantError{keys[0].Tenant, err}
		}
		holds, err := k.holds(ctx, keys[0].Tenant)
		if _, bad := errors.AsType[*TamperedError](err); bad {
			part.Stopped = append(part.Stopped, Stopped{keys[0].Tenant, err})
			if err := k.putOff(ctx, keys); err != nil {
				return err
			}
			return keep(ctx)
		}
		if err != nil {
			return err
		}
		h, err := k.history(ctx)
		if err != nil {
			return err
		}
		rows, err := k.lockRecords(ctx, keys)
		if err != nil {
			return err
		}
		part.Passed += len(keys) - len(rows)
		events, err := k.eventsFor(ctx, rows...)
		if err != nil {
			return err
		}
		l := &leave{k: k, h: h, holds: holds, events: events, now: k.now(), stop: stop}
		for _, row := range rows {
			if err := k.take(ctx, l, row, &part); err != nil {
				return err
			}
		}
		if err := k.raise(ctx, keys[0].Tenant, part.Conflicts); err != nil {
			return err
		}
		if err := k.countErased(ctx, part.erased); err != nil {
			return err
		}
		part.erased = nil // counted
		if err := l.settle(ctx); err != nil {
			return err
		}
		return keep(ctx)
	})
	return part, err
}

// lockRecords locks records that nobody else has.
func (k *Keeper) lockRecords(ctx context.Context, keys []RecordKey) (rows []RecordRow, err error) {
	for _, key := range keys {
		row, found, err := k.store.LockRecord(ctx, key, false)
		if err != nil {
			return nil, fmt.Errorf("retention: lock record: %w", err)
		}
		if found {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// tenantError says that a tenant cannot be locked now: its records can do nothing for it.
type tenantError struct {
	tenant troth.Tenant
	err    error
}

func (e *tenantError) Error() string { return fmt.Sprintf("retention: lock tenant: %v", e.err) }
func (e *tenantError) Unwrap() error { return e.err }

// putOff has records looked at later, so that others come first.
func (k *Keeper) putOff(ctx context.Context, keys []RecordKey) error {
	for _, key := range keys {
		row, found, err := k.store.LockRecord(ctx, key, false)
		if err != nil {
			return fmt.Errorf("retention: lock record: %w", err)
		}
		if !found {
			continue
		}
		row.DueAt = k.now().Add(stoppedWait).UnixMicro()
		if err := k.put(ctx, &row); err != nil {
			return err
		}
	}
	return nil
}

// stoppedWait is when to look again at records of a tenant of which nothing may be
// destroyed, because of what was found in its rows.
const stoppedWait = 15 * time.Minute

func (s *Swept) add(p Swept) {
	s.Moved += p.Moved
	s.Destroyed += p.Destroyed
	s.Anonymised += p.Anonymised
	s.Waiting += p.Waiting
	s.Held += p.Held
	s.Excepted += p.Excepted
	s.Unknown += p.Unknown
	s.Late += p.Late
	s.Passed += p.Passed
	s.Reached += p.Reached
	s.Open += p.Open
	s.Conflicts = append(s.Conflicts, p.Conflicts...)
	s.Failed = append(s.Failed, p.Failed...)
	s.erased.add(p.erased)
	for _, stop := range p.Stopped {
		if !slices.ContainsFunc(s.Stopped, func(b Stopped) bool { return b.Tenant == stop.Tenant }) {
			s.Stopped = append(s.Stopped, stop)
		}
	}
}

// take decides for one record and acts. What fails is undone for that record, and
// tried again later.
func (k *Keeper) take(ctx context.Context, l *leave, row RecordRow, s *Swept) error {
	h, now := l.h, l.now
	if !k.looked(h, &row, now) {
		return nil // somebody else did it since it was found
	}
	o, bad := outcomeOf(h, l.holds, l.events, &row, now)
	g := grantGo
	if bad == nil && o.d.Verdict == Due {
		var err error
		if g, err = l.ask(ctx, &row); err != nil {
			return err
		}
		if g == grantBusy {
			s.Passed++
			return nil
		}
		if g == grantWait && row.DueAt == Waiting && row.Policy == h.versions[len(h.versions)-1].number {
			return nil
		}
	}
	var part Swept
	var failed error
	err := k.tx.Atomically(ctx, func(ctx context.Context) error {
		if failed = bad; failed == nil {
			failed = k.act(ctx, h, row, &o, g, now, &part)
		}
		return failed
	})
	switch {
	case err == nil:
		s.add(part)
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case failed == nil:
		return err // whether it was undone is not known: so everything is
	}
	if g == grantGo && o.d.Verdict == Due && l.refund != nil {
		l.refund()
	}
	return k.fail(ctx, h, &row, now, err, s)
}

// fail puts a record off, and notes why.
func (k *Keeper) fail(ctx context.Context, h *History, row *RecordRow, now time.Time, why error, s *Swept) error {
	row.Tries++
	row.DueAt = now.Add(backoff(row.Tries)).UnixMicro()
	row.Policy = h.versions[len(h.versions)-1].number
	s.Failed = append(s.Failed, Failure{RecordKey: row.RecordKey, Handle: row.Handle, Tries: row.Tries, Err: why})
	k.log.Warn("retention: a record could not be dealt with, and is tried again", zap.String("tenant", string(row.Tenant)),
		zap.String("type", row.Type), zap.String("record", row.Handle), zap.Uint32("tries", row.Tries), zap.Error(why))
	return k.put(ctx, row)
}

// looked reports whether the record is still one that a sweep looks for.
func (k *Keeper) looked(h *History, row *RecordRow, now time.Time) bool {
	if row.DueAt != 0 {
		return row.DueAt == Waiting || row.DueAt <= now.UnixMicro() || row.Policy < h.versions[len(h.versions)-1].number
	}
	anchor, ok := h.Cutoff(row.Class, row.Stage, row.Cohort, now)
	return ok && row.Since <= anchor.UnixMicro()
}

// backoff is how long a failed record waits: a minute, then twice as long each time, up
// to an hour.
func backoff(tries uint32) time.Duration { return min(time.Minute<<min(tries-1, 16), time.Hour) }

// act does what is due for one record that is locked.
func (k *Keeper) act(ctx context.Context, h *History, row RecordRow, o *outcome, g grant, now time.Time, s *Swept) error {
	if !o.ahead.IsZero() {
		s.Unknown++
		row.DueAt, row.Policy = o.ahead.UnixMicro(), h.versions[len(h.versions)-1].number
		return k.put(ctx, &row)
	}
	d := o.d
	if d.Conflict {
		s.Conflicts = append(s.Conflicts, d)
	}
	if o.moved {
		s.Moved++
	}
	before := row.Stage
	row.follow(o)
	row.Tries, row.Held = 0, o.bound()
	switch d.Verdict {
	case Due:
		if g == grantWait {
			return k.wait(ctx, h, &row, before, &d, s)
		}
		if err := k.purge(ctx, h, &row, &d, s); err != nil {
			return err
		}
		last := h.lastGone(row.Class, d.At)
		s.erase(row.Tenant, o.f, d.End, last)
		return nil
	case Blocked:
		s.Held++
		if d.Keep.Ground == ByException {
			s.Excepted++
		}
	case Unknown:
		s.Unknown++
	case Wait, Move, Done:
	}
	k.schedule(h, &row, &d, len(o.det.Labels) > 0, now, true)
	if err := k.enter(ctx, h, &row, before, &d); err != nil {
		return err
	}
	return k.put(ctx, &row)
}
