package rights

import (
	"context"
	"errors"
	"time"

	"github.com/trothdev/troth"
)

// execute carries out a request that is being executed.
func (d *Desk) execute(ctx context.Context, key ItemKey, b beginning) error {
	events, err := d.eventsOf(ctx, key, b.q, b.events)
	if err != nil {
		return err
	}
	v, err := d.visit(ctx, key, b, events)
	if err != nil {
		return err
	}
	v.q = b.q
	return v.execute(ctx)
}

// act has one source do its part, until it is settled. One that failed is tried again after
// a pause.
func (v *visit) act(ctx context.Context, w *SourceWork) (pause time.Duration, err error) {
	for !w.settled() {
		err := v.actOnce(ctx, w)
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case errors.Is(err, errMoved):
			return 0, err
		}
		again := v.d.when(ctx, v.key, StateExecuting, func(ctx context.Context, c *change) error {
			return c.failedOnce(ctx, w)
		})
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if again == nil && w.settled() {
			return 0, nil
		}
		if again == nil {
			again = err
		}
		v.d.failed(ctx, v.key, w.Source, "act", again)
		return pauseAfter(w.Tries + 1), nil
	}
	return 0, nil
}

// actOnce calls one source. One that is elsewhere is called outside of any transaction,
// under a key by which it knows what it did; any other in the one that notes what it
// reports.
func (v *visit) actOnce(ctx context.Context, w *SourceWork) error {
	if err := v.failed[w.Source]; err != nil {
		delete(v.failed, w.Source)
		return err
	}
	if w.Order == Remote {
		if err := v.ask(ctx, w); err != nil {
			delete(v.failed, w.Source)
			return err
		}
	}
	moved := true
	err := v.d.when(ctx, v.key, StateExecuting, func(ctx context.Context, c *change) error {
		moved = false
		now, err := c.work(ctx, w.Source)
		if err != nil || now.settled() {
			*w = now
			return err
		}
		report := v.known(c.q.right, &now)
		if report == nil {
			if report, err = v.call(ctx, c, &now); err != nil {
				return err
			}
		}
		if err := c.settle(ctx, &now, report); err != nil {
			return err
		}
		*w = now
		return nil
	})
	delete(v.said, w.Source)
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
		return errors.Join(c.putWork(ctx, w), c.leave(ctx, w, true))
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
	return c.leave(ctx, w, before.settled())
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

// executed ends the execution, of which everything is settled: what is left is counted, and
// the answer is on its way.
func (c *change) executed(ctx context.Context, work []SourceWork) error {
	c.q.done, c.q.left = 0, 0
	for i := range work {
		switch {
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
