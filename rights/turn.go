package rights

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"
)

// visit is what one step knows of the sources of a request that it carries out.
type visit struct {
	d   *Desk
	key ItemKey
	// by is what the person is found by, read outside of any transaction: opening it in one
	// may have to wait for that same transaction to end.
	by []plainIdentifier
	// q is the request as it was read or committed last; nil if that is not known any more.
	q *request
	// last is the change in which the request was committed last, nil if there is none.
	last *change
	// work is how far the sources are, in their order, as it was read or committed last, at
	// the change by which the request's record became what it says.
	work []SourceWork
	at   *change
	// dueAt is when the request's step was due when the visit began; 0 if it has none.
	dueAt int64
	// said is what a source elsewhere reported that has not been noted yet, failed how one
	// failed whose transaction was undone: neither is called for it again.
	said   map[string]*Report
	failed map[string]error
	// apart says that sources are to have transactions of their own, ended that the request
	// was carried out.
	apart, ended bool
}

// visit begins with what was read with the request.
func (d *Desk) visit(ctx context.Context, key ItemKey, b beginning, events []Event) (*visit, error) {
	by, err := d.foundIn(ctx, b.items)
	if err != nil {
		return nil, err
	}
	if by == nil {
		by = []plainIdentifier{}
	}
	s, err := d.sheetsIn(ctx, key, b.items, events)
	if err != nil {
		return nil, err
	}
	v := &visit{d: d, key: key, by: by, work: inOrder(s.all), at: &change{record: b.record}, said: map[string]*Report{}, failed: map[string]error{}}
	for _, row := range b.items {
		if row.Kind == ItemStep {
			v.dueAt = row.DueAt
		}
	}
	return v, nil
}

// inOrder puts sources where they have their turn.
func inOrder(work []SourceWork) []SourceWork {
	slices.SortStableFunc(work, func(a, b SourceWork) int {
		return slices.Index(orders, a.Order) - slices.Index(orders, b.Order)
	})
	return work
}

// known is what is to be noted of a source without calling it; nil if it is to be called.
func (v *visit) known(r Right, w *SourceWork) *Report {
	s := v.d.source(w.Source)
	switch {
	case !w.Able:
		return &Report{Outcome: Unsupported}
	case s == nil || s.acting(r) == nil: // it could, when the request was accepted
		return &Report{Outcome: Failed}
	}
	return v.said[w.Source]
}

// call has a source do its part.
func (v *visit) call(ctx context.Context, c *change, w *SourceWork) (*Report, error) {
	act := v.d.source(w.Source).acting(c.q.right)
	report, err := guarded(func() (Report, error) { return act(ctx, c.inquiry(w.Source, v.by)) })
	if err != nil {
		return nil, err
	}
	return &report, report.validate()
}

// turn has sources do their parts in the transaction of the change, from where the work
// stands to the next one that is elsewhere and must see committed what came before it, or
// to one that has more to do, so that no transaction is longer than its longest part. After
// the last the execution is at its end.
func (v *visit) turn(ctx context.Context, c *change) error {
	if err := v.readWork(ctx, c); err != nil {
		return err
	}
	var err error
	began := time.Now()
	for i := range v.work {
		w := &v.work[i]
		if w.settled() {
			continue
		}
		report := v.known(c.q.right, w)
		if report == nil && w.Order == Remote {
			return nil
		}
		if report == nil {
			if report, err = v.call(ctx, c, w); err != nil {
				v.failed[w.Source] = err
				return err
			}
		}
		if err := c.settle(ctx, w, report); err != nil {
			return err
		}
		if report.More || time.Since(began) > c.d.opt.turnTime {
			return nil
		}
	}
	v.ended = true
	return c.executed(ctx, v.work)
}

// readWork reads how far the sources are, in the transaction of the change, unless nothing
// has happened since that was known.
func (v *visit) readWork(ctx context.Context, c *change) error {
	if v.work == nil || v.at == nil || !bytes.Equal(v.at.record, c.record) {
		s, err := c.sources(ctx)
		if err != nil {
			return err
		}
		v.work = inOrder(slices.Clone(s.all))
	} else {
		c.sheets = newSheets(v.work)
	}
	v.at = c
	return nil
}

// together is a turn in a transaction. A source that fails takes it along, so that from
// there on each has its own: what fails keeps nobody else from ending.
func (v *visit) together(ctx context.Context) error {
	moved := true
	v.q = nil
	var was *known
	if v.last != nil {
		was = &known{v.last.q, v.last.record}
	}
	err := v.d.whenOf(ctx, v.key, StateExecuting, was, func(ctx context.Context, c *change) error {
		moved, v.q, v.last = false, c.q, c
		return v.turn(ctx, c)
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		v.undone(ctx, err)
	case moved:
		return errMoved
	default:
		clear(v.said)
	}
	return nil
}

// undone says that the transaction of a turn came to nothing, for a source that failed or
// for err.
func (v *visit) undone(ctx context.Context, err error) {
	v.apart, v.ended, v.work, v.at, v.q, v.last = true, false, nil, nil, nil, nil
	if len(v.failed) == 0 {
		v.d.failed(ctx, v.key, "", "act together", err)
	}
}

// execute has every source do what the right needs, one order after the other. What
// fails is tried again, and keeps its own order from ending; what failed too often is a
// task for a person, and keeps nobody any more.
func (v *visit) execute(ctx context.Context) error {
	for !v.apart && !v.ended {
		if err := v.look(ctx); err != nil {
			return err
		}
		pause, err := v.elsewhere(ctx)
		if err == nil && pause > 0 {
			return v.d.later(ctx, v.key, StateExecuting, pause)
		}
		if err == nil {
			err = v.together(ctx)
		}
		if errors.Is(err, errMoved) {
			return nil // who moved it on carries it on
		}
		if err != nil {
			return err
		}
	}
	if v.ended {
		return nil
	}
	return v.oneByOne(ctx)
}

// look reads how far the sources are, unless that is known.
func (v *visit) look(ctx context.Context) error {
	if v.work != nil {
		return nil
	}
	work, err := v.d.Work(ctx, v.key.Tenant, v.key.Owner)
	v.work = inOrder(work)
	return err
}

// elsewhere calls the sources that are elsewhere, if it is their turn. What the last of
// them reports is noted with what comes next; until then it would be called again, under
// the same key.
func (v *visit) elsewhere(ctx context.Context) (pause time.Duration, err error) {
	next := slices.IndexFunc(v.work, func(w SourceWork) bool { return !w.settled() })
	if next < 0 || v.work[next].Order != Remote {
		return 0, nil
	}
	var open []*SourceWork
	for i := next; i < len(v.work) && v.work[i].Order == Remote; i++ {
		if !v.work[i].settled() {
			open = append(open, &v.work[i])
		}
	}
	for i, w := range open {
		if i == len(open)-1 && pause == 0 {
			if err := v.ask(ctx, w); err == nil || ctx.Err() != nil || errors.Is(err, errMoved) {
				return 0, err
			}
		}
		wait, err := v.act(ctx, w)
		if err != nil {
			return 0, err
		}
		pause = max(pause, wait)
	}
	return pause, nil
}

// glance is the request as it stands.
func (v *visit) glance(ctx context.Context) (*change, error) {
	if q := v.q; q != nil {
		v.q = nil
		return v.d.seen(v.key, q), nil
	}
	return v.d.glance(ctx, v.key, StateExecuting)
}

// ask calls a source that is elsewhere outside of any transaction, under a key by which it
// knows what it did, and keeps what it says.
func (v *visit) ask(ctx context.Context, w *SourceWork) error {
	c, err := v.glance(ctx)
	if err != nil {
		return err
	}
	if c == nil {
		return errMoved
	}
	if v.known(c.q.right, w) != nil {
		return nil
	}
	report, err := v.call(ctx, c, w)
	if err != nil {
		v.failed[w.Source] = err
		return err
	}
	v.said[w.Source] = report
	return nil
}

// oneByOne gives each source a transaction of its own.
func (v *visit) oneByOne(ctx context.Context) error {
	if err := v.look(ctx); err != nil {
		return err
	}
	for _, o := range orders {
		var pause time.Duration
		for i := range v.work {
			w := &v.work[i]
			if w.Order != o || w.settled() {
				continue
			}
			wait, err := v.act(ctx, w)
			if errors.Is(err, errMoved) {
				return nil // who moved it on carries it on
			}
			if err != nil {
				return err
			}
			pause = max(pause, wait)
		}
		if pause > 0 {
			return v.d.later(ctx, v.key, StateExecuting, pause)
		}
	}
	return v.d.when(ctx, v.key, StateExecuting, func(ctx context.Context, c *change) error {
		s, err := c.sources(ctx)
		if err != nil || slices.ContainsFunc(s.all, func(w SourceWork) bool { return !w.settled() }) {
			return err // another process is at it
		}
		return c.executed(ctx, s.all)
	})
}
