package retention

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"
)

// ways is how many transactions one sweep spends on one event before it goes on to others.
const ways = 64

// mostEvents is how many open events one look finds.
const mostEvents = 1000

// reach brings what happened to many records to each of them.
func (r *sweeping) reach(ctx context.Context) error {
	open, err := r.k.store.OpenEvents(ctx, mostEvents)
	if err != nil {
		return fmt.Errorf("retention: look for events: %w", err)
	}
	for i := range open {
		key, lane := open[i].EventKey, laneOf(open[i].Handle)
		ok, err := r.claim(ctx, lane)
		if err != nil {
			return err
		}
		done, calm := false, false
		for n := 0; ok && !done && n < ways; n++ {
			done, ok, err = r.way(ctx, key, lane, calm)
			if again := err != nil && ctx.Err() == nil && !calm; again {
				ok, calm, err = true, true, nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				r.errs = append(r.errs, err) // others go on
				break
			}
		}
		if !done {
			r.swept.Open++
		}
	}
	return nil
}

// way is one transaction for an event. done says that it has come to all records, ok that
// there is more to do now. Where a handler broke the transaction, or took longer than the
// lease, it is done calmly: no handler is called, and sweeps take up each record alone.
func (r *sweeping) way(ctx context.Context, key EventKey, lane int, calm bool) (done, ok bool, err error) {
	var part Swept
	in, stop := context.WithTimeout(ctx, r.k.opt.lease*3/4)
	defer stop()
	err = r.k.tx.Atomically(in, func(ctx context.Context) error {
		part, done, ok = Swept{}, false, false
		row, found, err := r.k.store.LockEvent(ctx, key)
		if err != nil {
			return fmt.Errorf("retention: lock event: %w", err)
		}
		if !found {
			return nil
		}
		if done = row.DoneAt != 0; done {
			return nil
		}
		if done, ok, err = r.k.carry(ctx, &row, calm, &part); err != nil {
			return err
		}
		if err := r.k.store.PutEvent(ctx, row); err != nil {
			return fmt.Errorf("retention: write event: %w", err)
		}
		return r.keep(ctx, lane)
	})
	switch {
	case err == nil:
		r.swept.add(part)
		return done, ok, nil
	case ctx.Err() != nil:
		return false, false, ctx.Err()
	case errors.Is(err, errLost):
		return false, r.lost(unit{lane: lane}), nil
	}
	r.k.log.Warn("retention: an event could not be brought on", zap.Bool("calm", calm), zap.Error(err))
	return false, false, err
}

// carry brings an event to the next records. Two ways lead through them all: the first
// begins at once, and passes over what somebody else has locked; the last begins when
// nobody is left who may add a record without having seen the event, and waits for what
// is locked. Where that is so from the beginning there is no other.
func (k *Keeper) carry(ctx context.Context, e *EventRow, calm bool, s *Swept) (done, ok bool, err error) {
	if e.Horizon == 0 {
		if e.Horizon, err = k.store.Horizon(ctx); err != nil {
			return false, false, fmt.Errorf("retention: horizon: %w", err)
		}
		return false, true, nil
	}
	if e.AfterType == "" && !e.Last {
		if e.Last, err = k.settled(ctx, e); err != nil {
			return false, false, err
		}
	}
	rows, err := k.store.RecordsOf(ctx, RecordKey{e.Tenant, e.AfterType, e.AfterID}, e.Many, k.opt.batch)
	if err != nil {
		return false, false, fmt.Errorf("retention: look for records: %w", err)
	}
	n, err := k.carryTo(ctx, e, rows, calm, s)
	switch {
	case err != nil || n < len(rows): // the last way waits
		return false, false, err
	case n == k.opt.batch:
		return false, true, nil
	case e.Last:
		e.DoneAt = k.now().UnixMicro()
		return true, false, k.record(ctx, e.entry(actReach))
	}
	if e.Last, err = k.settled(ctx, e); e.Last {
		e.AfterType, e.AfterID = "", ""
	}
	return false, e.Last, err
}

func (k *Keeper) settled(ctx context.Context, e *EventRow) (bool, error) {
	is, err := k.store.Settled(ctx, e.Horizon)
	if err != nil {
		return false, fmt.Errorf("retention: settled: %w", err)
	}
	return is, nil
}

// carryTo brings an event to records, and everything else with it that happened to all
// that they belong to. It returns how many of them it is done with.
func (k *Keeper) carryTo(ctx context.Context, e *EventRow, rows []RecordRow, calm bool, s *Swept) (n int, err error) {
	h, err := k.history(ctx)
	if err != nil {
		return 0, err
	}
	events, err := k.eventsFor(ctx, rows...)
	if err != nil {
		return 0, err
	}
	for i := range rows {
		is, err := k.carryToOne(ctx, h, e, &rows[i], events, calm, s)
		if err != nil {
			return i, err
		}
		if !is && e.Last {
			return i, nil
		}
		e.AfterType, e.AfterID = rows[i].Type, rows[i].ID
	}
	return len(rows), nil
}

// carryToOne reports false for a record that somebody else has.
func (k *Keeper) carryToOne(ctx context.Context, h *History, e *EventRow, seen *RecordRow, events manyEvents, calm bool, s *Swept) (is bool, err error) {
	if d, err := seen.detail(); err == nil && !d.fold(seen, events) {
		return true, nil
	}
	row, found, err := k.store.LockRecord(ctx, seen.RecordKey, false)
	if err != nil {
		return false, fmt.Errorf("retention: lock record: %w", err)
	}
	if !found {
		_, found, err = k.store.Record(ctx, seen.RecordKey)
		if err != nil {
			return false, fmt.Errorf("retention: read record: %w", err)
		}
		return !found, nil
	}
	d, err := row.detail()
	if err != nil {
		return true, k.fail(ctx, h, &row, k.now(), err, s)
	}
	if !d.fold(&row, events) {
		return true, nil
	}
	e.Reached++
	s.Reached++
	if calm {
		d.Again, row.DueAt = true, atOnce
		if row.Detail, err = d.encode(); err != nil {
			return false, err
		}
		return true, k.put(ctx, &row)
	}
	return true, k.arrive(ctx, h, row, d, s)
}

// arrive has a record stand where its events say. If its handler fails, sweeps try that
// again: the event is known to the record all the same.
func (k *Keeper) arrive(ctx context.Context, h *History, row RecordRow, d detail, s *Swept) error {
	now := k.now()
	var failed error
	err := k.tx.Atomically(ctx, func(ctx context.Context) error {
		row, d := row, d
		failed = k.settleIn(ctx, h, &row, &d, now)
		return failed
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case failed == nil:
		return err
	}
	d.Again = true
	if text, bad := d.encode(); bad == nil {
		row.Detail = text
	}
	return k.fail(ctx, h, &row, now, err, s)
}
