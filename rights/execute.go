package rights

import (
	"context"
	"errors"
	"time"

	"github.com/trothdev/troth"
)

// execute has every source do what the right needs, one order after the other. What
// fails is tried again, and keeps its own order from ending; what failed too often is a
// task for a person, and keeps nobody any more.
func (d *Desk) execute(ctx context.Context, key ItemKey) error {
	work, err := d.Work(ctx, key.Tenant, key.Owner)
	if err != nil {
		return err
	}
	for _, o := range orders {
		var pause time.Duration
		for i := range work {
			w := &work[i]
			if w.Order != o || w.settled() {
				continue
			}
			err := d.act(ctx, key, w)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, errMoved):
				return nil // who moved it on carries it on
			case err != nil:
				d.failed(ctx, key, w.Source, "act", err)
				pause = max(pause, pauseAfter(w.Tries+1))
			}
		}
		if pause > 0 {
			return d.later(ctx, key, StateExecuting, pause)
		}
	}
	return d.when(ctx, key, StateExecuting, func(ctx context.Context, c *change) error { return c.executed(ctx) })
}

// act has one source do its part, until it is settled. An error is a failure that is
// tried again.
func (d *Desk) act(ctx context.Context, key ItemKey, w *SourceWork) error {
	by, err := d.found(ctx, key.Tenant, key.Owner)
	if err != nil {
		return err
	}
	for !w.settled() {
		err := d.actOnce(ctx, key, w, by)
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return err
		}
		if again := d.when(ctx, key, StateExecuting, func(ctx context.Context, c *change) error {
			return c.failedOnce(ctx, w)
		}); again != nil || w.settled() {
			return again
		}
		return err
	}
	return nil
}

// actOnce calls one source. One that is elsewhere is called outside of any transaction,
// under a key by which it knows what it did; any other in the one that notes what it
// reports.
func (d *Desk) actOnce(ctx context.Context, key ItemKey, w *SourceWork, by []plainIdentifier) error {
	s := d.source(w.Source)
	var report Report
	switch {
	case !w.Able:
		report.Outcome = Unsupported
	case s == nil:
		report.Outcome = Failed
	}
	call := func(ctx context.Context, c *change) (err error) {
		act := s.acting(c.q.right)
		if act == nil { // it could, when the request was accepted
			report.Outcome = Failed
			return nil
		}
		if report, err = guarded(func() (Report, error) { return act(ctx, c.inquiry(w.Source, by)) }); err != nil {
			return err
		}
		return report.validate()
	}
	if w.Order == Remote && report.Outcome == "" {
		c, err := d.glance(ctx, key, StateExecuting)
		if err != nil {
			return err
		}
		if c == nil {
			return errMoved
		}
		if err := call(ctx, c); err != nil {
			return err
		}
	}
	moved := true
	err := d.when(ctx, key, StateExecuting, func(ctx context.Context, c *change) error {
		moved = false
		now, err := c.work(ctx, w.Source)
		if err != nil || now.settled() {
			*w = now
			return err
		}
		if w.Order != Remote && report.Outcome == "" {
			if err := call(ctx, c); err != nil {
				return err
			}
		}
		if err := c.settle(ctx, &now, &report); err != nil {
			return err
		}
		*w = now
		return nil
	})
	if err == nil && moved {
		return errMoved
	}
	return err
}

// errMoved says that the request is not where it was.
var errMoved = errors.New("rights: the request was moved on meanwhile")

// failedOnce notes a failure. After the last one the source is a task for a person.
func (c *change) failedOnce(ctx context.Context, w *SourceWork) error {
	now, err := c.work(ctx, w.Source)
	if err != nil || now.settled() {
		return err
	}
	now.Tries++
	*w = now
	if now.Tries < c.d.opt.sourceTries {
		return c.putWork(ctx, &now)
	}
	if err := c.settle(ctx, &now, &Report{Outcome: Failed}); err != nil {
		return err
	}
	*w = now
	return nil
}

// settle notes what a source reported, with its evidence, and what that leaves to be
// done. One that says what it said before is noted, and told nobody.
func (c *change) settle(ctx context.Context, w *SourceWork, r *Report) error {
	if err := r.validate(); err != nil {
		return err
	}
	before := *w
	w.take(r, c.now)
	switch {
	case r.More && before.settled():
		return errors.Join(c.putWork(ctx, w), c.checkAt(ctx, w.Source, c.now))
	case r.More:
		return c.putWork(ctx, w)
	case before.settled() && before.says(w):
		w.At = before.At
		return errors.Join(c.putWork(ctx, w), c.leave(ctx, w))
	}
	var err error
	if w.Evidence, err = c.d.record(ctx, troth.Entry{
		Act: actSource, Tenant: c.tenant, SubjectID: c.q.subject, Facts: w.facts(c.id, c.q.right),
	}); err != nil {
		return err
	}
	if err := c.putWork(ctx, w); err != nil {
		return err
	}
	if err := c.fire(ctx, SourceDone, happening{word: string(w.Outcome), ref: w.Source}); err != nil {
		return err
	}
	return c.leave(ctx, w)
}

// facts are what the trail says of a source that was settled.
func (w *SourceWork) facts(request string, r Right) troth.Facts {
	f := troth.Facts{
		"request": troth.ID(request), "right": troth.Word(string(r)), "source": troth.Word(w.Source),
		"outcome": troth.Word(string(w.Outcome)), "records": troth.Count(w.Records),
	}
	if w.Method != "" {
		f["method"] = troth.Word(string(w.Method))
	}
	var kept uint64
	for _, k := range w.Kept {
		kept += k.Records
	}
	if len(w.Kept) > 0 {
		f["kept"] = troth.Count(kept)
	}
	if w.Policy != "" {
		f["policy"] = troth.Word(w.Policy)
	}
	if !w.CopiesUntil.IsZero() {
		f["copies"] = troth.Instant(w.CopiesUntil)
	}
	return f
}

// executed ends the execution: what is left is counted, and the answer is on its way.
func (c *change) executed(ctx context.Context) error {
	work, err := c.allWork(ctx)
	if err != nil {
		return err
	}
	c.q.done, c.q.left = 0, 0
	for i := range work {
		switch {
		case !work[i].settled():
			return nil // another process is at it
		case work[i].Outcome.Complete():
			c.q.done++
		case work[i].Outcome == Retained && work[i].Records > 0:
			c.q.done++
			c.q.left++
		default:
			c.q.left++
		}
	}
	if len(work) == 0 { // nobody could be asked, so nothing was done
		c.q.left = 1
		task := Obligation{ID: "sources", Kind: ManualTask, Ref: "sources", DueAt: instant(max(c.q.dueAt, c.now))}
		if err := c.oblige(ctx, task); err != nil {
			return err
		}
	}
	return c.fire(ctx, Executed, happening{})
}
