package consent

import (
	"context"
)

// Record records what a person said, in the caller's transaction or one of its
// own, and returns the events in the order of the choices. Evidence, the work of
// telling others and the events commit together.
//
// From the moment that Record returns this process denies what it records a no
// to, even while the caller's transaction is open; other processes do within the
// bound of [WithFeedAge]. A yes counts once it is committed. troth never hears how
// a transaction of the host's ends: if the host rolls one back, this process may go
// on denying what it would have denied, for up to ten minutes.
//
// A form that was recorded before is returned as it was; the id with other
// choices is [ErrConflict]. Of a form whose purpose is not for children of the
// age that is given nothing is kept but a count, and the error is [ErrTooYoung];
// the count is lost if the caller's transaction is rolled back.
func (l *Ledger) Record(ctx context.Context, f Form) ([]Event, error) {
	return l.recordForm(ctx, f, false)
}

// recordForm is Record; inside says that the ledger itself speaks, which may
// request and confirm.
func (l *Ledger) recordForm(ctx context.Context, f Form, inside bool) (events []Event, err error) {
	if err := f.validate(); err != nil {
		return nil, err
	}
	d, err := l.tenant(ctx, f.Subject.Tenant)
	if err != nil {
		return nil, err
	}
	if d, err = l.knowing(ctx, d, f.Choices); err != nil {
		return nil, err
	}
	tooYoung := false
	err = l.tx.Atomically(ctx, func(ctx context.Context) error {
		n, err := l.shown(ctx, d, f.Notice)
		if err != nil {
			return err
		}
		drafts, err := l.drafts(d, &f, n, l.micros(), inside)
		if err != nil {
			return err
		}
		for i := range drafts {
			tooYoung = tooYoung || drafts[i].tooYoung
		}
		if tooYoung {
			return l.refuseChild(ctx, f.Subject.Tenant, drafts)
		}
		events, err = l.append(ctx, d, &f, drafts)
		return err
	})
	l.settleEnded(f.Subject)
	if err != nil {
		return nil, err
	}
	if tooYoung {
		return nil, ErrTooYoung
	}
	return events, nil
}

// knowing looks again where a form speaks of versions that are not in what is
// cached.
func (l *Ledger) knowing(ctx context.Context, d *tenantData, choices []Choice) (*tenantData, error) {
	for _, c := range choices {
		if c.Version != 0 && d.catalogue.Version(c.Purpose, c.Version) == nil || len(d.catalogue[c.Purpose]) == 0 {
			return l.loadTenant(ctx, d.key.tenant)
		}
	}
	return d, nil
}

// shown returns the notice that a form refers to, nil if it refers to none.
func (l *Ledger) shown(ctx context.Context, d *tenantData, ref NoticeRef) (*Notice, error) {
	if ref.ID == "" {
		return nil, nil
	}
	versions, err := l.notices(ctx, d, ref.ID)
	if err != nil {
		return nil, err
	}
	if ref.Version == 0 || int(ref.Version) > len(versions) {
		return nil, ErrNotice
	}
	n := &versions[ref.Version-1]
	if _, has := n.hashes[ref.Language]; !has {
		return nil, ErrNotice
	}
	return n, nil
}

// append records the drafts of a form.
func (l *Ledger) append(ctx context.Context, d *tenantData, f *Form, drafts []draft) ([]Event, error) {
	w, err := l.lock(ctx, d, f.Subject)
	if err != nil {
		return nil, err
	}
	events := make([]Event, len(drafts))
	for i := range drafts {
		one := &drafts[i]
		if events[i], err = w.say(ctx, f, one); err != nil {
			return nil, &ChoiceError{Index: i, Purpose: one.event.Purpose, Err: err}
		}
	}
	return events, w.finish(ctx)
}
