package rights

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/canon"
)

// ItemCheck is that a source which is not done is to be asked again.
const ItemCheck ItemKind = "check"

const checkDomain = "troth.rights.check/1"

// What a source may leave to be done is named by the source and by what it is.
func obligationOf(source string, k ObligationKind) string { return source + "/" + string(k) }

// The kinds of obligations that a source leaves.
var sourceObligations = []ObligationKind{DeferredErasure, KeptUntil, RecipientAnswer, ManualTask, BackupExpiry}

// leave opens what a source leaves to be done, and closes what it left before, if it had
// been settled before.
func (c *change) leave(ctx context.Context, w *SourceWork, before bool) error {
	due := map[ObligationKind]time.Time{}
	switch w.Outcome {
	case Retained:
		if w.ends() {
			due[KeptUntil] = w.lastKept()
		} else {
			due[DeferredErasure] = reviewOf(w.Kept)
		}
	case Pending:
		due[RecipientAnswer] = w.Until
		if w.Until.IsZero() {
			due[RecipientAnswer] = w.At.Add(c.d.opt.answerTime)
		}
	case Failed:
		due[ManualTask] = instant(max(c.q.dueAt, c.now))
	case Done, NothingFound, Unsupported:
	}
	if w.CopiesUntil.After(instant(c.now)) {
		due[BackupExpiry] = w.CopiesUntil
	}
	for _, k := range sourceObligations {
		at, open := due[k]
		var err error
		switch {
		case open:
			err = c.oblige(ctx, Obligation{ID: obligationOf(w.Source, k), Kind: k, Ref: w.Source, DueAt: at})
		case before:
			err = c.discharge(ctx, obligationOf(w.Source, k), string(w.Outcome))
		}
		if err != nil {
			return err
		}
	}
	switch {
	case len(due) == 0 && !before:
		return nil
	case len(due) == 0:
		_, err := c.d.store.DeleteItem(ctx, checkKey(c.tenant, c.id, w.Source))
		return wrap("end check", err)
	}
	again := c.now + c.d.opt.checkEvery.Microseconds()
	switch {
	case w.Outcome.Complete():
		again = micros(due[BackupExpiry]) // nothing else is left
	case w.Outcome == Retained && w.ends():
		again = micros(reviewOf(w.Kept)) // not before the first of it ends
	}
	if copies, open := due[BackupExpiry]; open && micros(copies) < again {
		again = micros(copies)
	}
	return c.checkAt(ctx, w.Source, again)
}

// lastKept is when the last of what is kept ends.
func (w *SourceWork) lastKept() (last time.Time) {
	for _, k := range w.Kept {
		last = laterOf(last, k.Until)
	}
	return last
}

// needsContents reports whether an obligation needs what the person is found by. What
// ends by itself does not.
func (k ObligationKind) needsContents() bool { return k != BackupExpiry && k != KeptUntil }

// reviewOf is when what is kept is to be looked at: at the first end or review.
func reviewOf(all []Kept) (first time.Time) {
	for _, k := range all {
		for _, at := range []time.Time{k.Until, k.Review} {
			if !at.IsZero() && (first.IsZero() || at.Before(first)) {
				first = at
			}
		}
	}
	return first
}

func checkKey(tenant troth.Tenant, request, source string) ItemKey {
	return ItemKey{Tenant: tenant, Owner: request, Kind: ItemCheck, ID: source}
}

// checkAt has a source asked again at an instant.
func (c *change) checkAt(ctx context.Context, source string, at int64) error {
	key := checkKey(c.tenant, c.id, source)
	row, message, found, err := c.d.item(ctx, key)
	if err != nil {
		return err
	}
	if !found {
		return c.d.insertItem(ctx, ItemRow{ItemKey: key, DueAt: at}, canon.AppendDomain(nil, checkDomain))
	}
	row.DueAt = at
	return c.d.putItem(ctx, row, message)
}

// recheck asks a source again that kept something, or has not confirmed: what a hold kept
// goes by itself when the hold is released, also long after the request was closed.
func (d *Desk) recheck(ctx context.Context, key ItemKey) error {
	row, found, err := d.store.Item(ctx, key)
	if err != nil || !found || row.DueAt > d.micros() {
		return wrap("read check", err)
	}
	if err := d.recheckBefore(ctx, key); err != nil {
		return err
	}
	by, err := d.found(ctx, key.Tenant, key.Owner)
	if err != nil && !errors.Is(err, ErrGone) {
		return err
	}
	s := d.source(key.ID)
	var report Report
	var asked error
	ask := func(ctx context.Context, c *change, w *SourceWork) {
		call := s.asking(c.q.right, w.Outcome)
		if call == nil {
			return
		}
		report, asked = guarded(func() (Report, error) { return call(ctx, c.inquiry(key.ID, by)) })
		if asked == nil {
			asked = report.validate()
		}
	}
	if s != nil && s.Order == Remote {
		w, c, err := d.lookAt(ctx, key)
		if err != nil {
			return err
		}
		ask(ctx, c, &w)
	}
	if asked == nil {
		err = d.settleAgain(ctx, key, func(ctx context.Context, c *change, w *SourceWork) (*Report, error) {
			if s != nil && s.Order != Remote {
				ask(ctx, c, w)
			}
			return &report, asked
		})
	}
	if asked == nil {
		return err
	}
	d.failed(ctx, key, key.ID, "check", asked)
	_, err = d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		return c.checkAt(ctx, key.ID, c.now+d.opt.checkEvery.Microseconds())
	})
	return err
}

// recheckBefore asks those first that are due too and have their turn before the source: what
// the others know a person by goes last, also weeks later.
func (d *Desk) recheckBefore(ctx context.Context, key ItemKey) error {
	work, err := d.Work(ctx, key.Tenant, key.Owner)
	if err != nil {
		return err
	}
	for _, w := range inOrder(work) {
		if w.Source == key.ID {
			break
		}
		if err := d.recheck(ctx, checkKey(key.Tenant, key.Owner, w.Source)); err != nil {
			return err
		}
	}
	return nil
}

// asking is what a source is asked again, by what it answered last; nil if nothing.
func (s *Source) asking(r Right, before Outcome) func(ctx context.Context, q Inquiry) (Report, error) {
	switch before {
	case Retained:
		return s.acting(r)
	case Pending:
		if s.Prober != nil {
			return s.Prober.Probe
		}
		if s.Order == Remote {
			return s.acting(r) // under the same key
		}
	case Done:
		if s.Prober != nil {
			return s.Prober.Probe // when copies are gone may have changed
		}
	case NothingFound, Unsupported, Failed:
	}
	return nil
}

// lookAt reads how far a source is, with its request.
func (d *Desk) lookAt(ctx context.Context, key ItemKey) (w SourceWork, at *change, err error) {
	_, err = d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) (err error) {
		at = c
		w, err = c.work(ctx, key.ID)
		return err
	})
	return w, at, err
}

// settleAgain notes what a source says now. Where there is nothing to ask, time alone
// may have closed what it left.
func (d *Desk) settleAgain(ctx context.Context, key ItemKey, say func(ctx context.Context, c *change, w *SourceWork) (*Report, error)) error {
	_, err := d.change(ctx, key.Tenant, key.Owner, func(ctx context.Context, c *change) error {
		w, err := c.work(ctx, key.ID)
		if err != nil {
			return err
		}
		r, err := say(ctx, c, &w)
		switch {
		case err != nil:
			return err
		case r.Outcome == "" || w.Method == Unrestricted: // what it says is of the restriction that was lifted
			return c.leave(ctx, &w, true)
		}
		return c.settle(ctx, &w, r)
	})
	return err
}

// says reports whether a source says what it said before.
func (w *SourceWork) says(now *SourceWork) bool {
	return w.Outcome == now.Outcome && w.Method == now.Method && w.Records == now.Records && w.CopiesUntil.Equal(now.CopiesUntil) &&
		slices.Equal(w.Kept, now.Kept)
}

// Settle says what became of a source, where a person saw to it: one that failed, or a
// recipient who confirmed in a letter. r.Ref must name what shows it, such as a ticket; it
// is not about a person. A report that lacks that, or anything else, is [ErrReport].
func (d *Desk) Settle(ctx context.Context, tenant troth.Tenant, id, source string, r Report) error {
	if err := tenant.Validate(); err != nil {
		return err
	}
	if err := r.validate(); err != nil {
		return err
	}
	if r.Ref == "" || r.More {
		return errReportRef
	}
	return d.settleAgain(ctx, checkKey(tenant, id, source), func(_ context.Context, c *change, w *SourceWork) (*Report, error) {
		if !w.settled() || w.Outcome.Complete() {
			return nil, &StateError{State: c.q.state, Event: SourceDone}
		}
		return &r, nil
	})
}

// Complete closes a manual task that no source stands behind, as where there was none to
// be asked: somebody did it. outcome is the host's word for how it ended. What a source
// left, [Desk.Settle] closes. It returns [ErrNotFound] where there is no such task.
func (d *Desk) Complete(ctx context.Context, tenant troth.Tenant, id, task, outcome string) (Request, error) {
	if err := errors.Join(checkID("outcome", outcome), checkID("task", task)); err != nil {
		return Request{}, err
	}
	return d.change(ctx, tenant, id, func(ctx context.Context, c *change) error {
		_, message, found, err := d.item(ctx, obligationKey(tenant, id, task))
		if err != nil {
			return err
		}
		if !found {
			return ErrNotFound
		}
		o, err := parseObligation(task, message)
		if err != nil {
			return err
		}
		s, err := c.sources(ctx)
		if err != nil || s.of(o.Ref) != nil || o.Kind != ManualTask {
			return errors.Join(err, &StateError{State: c.q.state, Event: ObligationClosed})
		}
		return c.discharge(ctx, task, outcome)
	})
}
