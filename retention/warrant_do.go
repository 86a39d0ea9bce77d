package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/trothdev/troth"
)

// errConnector says that the copy's connector is missing.
var errConnector = errors.New("retention: the copy has no connector here: it needs WithCopy")

// warranted is one copy that is to be told, as the warrant says.
type warranted struct {
	work copyWork
	key  WarrantKey
	// order is what to tell; nothing is to be told if wanted is false.
	order  CopyOrder
	wanted bool
}

// doCopy tells a connector. What it is told rests on the warrant: that is read first, and
// again before it is written that the copy let go.
func doCopy(ctx context.Context, k *Keeper, j troth.Job) (troth.Outcome, error) {
	w, err := k.warranted(ctx, j)
	switch {
	case errors.Is(err, errPayload):
		return troth.Failed, err
	case err != nil:
		return troth.Retry, err
	case !w.wanted:
		return k.complete(ctx, j)
	}
	to := k.opt.copies[w.work.Copy]
	if to == nil {
		return troth.Retry, errConnector
	}
	if stop, err := k.stopOf(ctx, troth.Platform, w.key.Tenant); err != nil {
		return troth.Retry, err
	} else if stop != "" {
		return troth.Retry, &StoppedError{Stop: stop} // the warrant stands, and waits
	}
	shown, err := tell(k.tx.Detach(ctx), to, w.order)
	if err != nil {
		return troth.Retry, errors.Join(err, k.failed(ctx, w))
	}
	if err := k.done(ctx, j, w, shown); err != nil {
		return troth.Retry, err
	}
	return troth.Completed, nil
}

// doPaper waits until a person has confirmed.
func doPaper(ctx context.Context, k *Keeper, j troth.Job) (troth.Outcome, error) {
	w, err := k.warranted(ctx, j)
	switch {
	case errors.Is(err, errPayload):
		return troth.Failed, err
	case err != nil:
		return troth.Retry, err
	case !w.wanted:
		return k.complete(ctx, j)
	}
	return troth.Manual, nil
}

// complete ends work of which nothing is left to do.
func (k *Keeper) complete(ctx context.Context, j troth.Job) (troth.Outcome, error) {
	if j.Complete != nil {
		if err := k.tx.Atomically(ctx, j.Complete); err != nil {
			return troth.Retry, err
		}
	}
	return troth.Completed, nil
}

// warranted reads what a job is about, and whether it is still to be done.
func (k *Keeper) warranted(ctx context.Context, j troth.Job) (w warranted, err error) {
	if json.Unmarshal(j.Payload, &w.work) != nil || w.work.Warrant == "" {
		return w, errPayload
	}
	w.key = WarrantKey{j.Ref.Tenant, w.work.Warrant}
	err = k.withWarrant(ctx, w.key, func(ctx context.Context, h *History, p *progress) (changed bool, err error) {
		w.wanted = false
		c := p.find(w.work.Copy)
		if c == nil || p.row.Handle != w.work.Handle || p.row.Type != w.work.Type {
			return false, errPayload
		}
		if c.State != stateOrdered {
			return false, nil
		}
		if p.row.RecordID != w.work.ID {
			return false, errPayload
		}
		if p.row.End == "" {
			if came, err := k.cameBack(ctx, h, p, c); err != nil || came {
				c.State = stateVoid
				return err == nil, err
			}
		}
		w.wanted = true
		w.order = CopyOrder{
			RecordKey: RecordKey{p.row.Tenant, p.row.Type, p.row.RecordID}, Handle: p.row.Handle, SubjectID: p.row.SubjectID,
			Class: p.row.Class, Copy: c.Copy, End: p.row.End, Warrant: p.row.ID, At: timeOf(p.row.At), EffectKey: j.EffectKey,
		}
		return false, nil
	})
	if errors.Is(err, ErrNotFound) {
		return w, nil // it was done, and is forgotten
	}
	return w, err
}

// cameBack reports whether a record, which left a copy with a stage, has come into one
// that the copy may hold it in.
func (k *Keeper) cameBack(ctx context.Context, h *History, p *progress, c *warrantCopy) (bool, error) {
	record, found, err := k.store.Record(ctx, RecordKey{p.row.Tenant, p.row.Type, p.row.RecordID})
	if err != nil {
		return false, fmt.Errorf("retention: read record: %w", err)
	}
	if !found || record.Handle != p.row.Handle {
		return false, nil // it was destroyed since, and this copy of it is to go as well
	}
	return !slices.Contains(h.Sheds(record.Class, record.Cohort, record.Stage), c.Copy), nil
}

// withWarrant runs fn with a warrant that is locked, under the tenant's lock, and writes
// the warrant back if fn changed it. It returns ErrNotFound if there is none.
func (k *Keeper) withWarrant(ctx context.Context, key WarrantKey, fn func(ctx context.Context, h *History, p *progress) (bool, error)) error {
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		if err := k.store.LockTenant(ctx, key.Tenant, false); err != nil {
			return fmt.Errorf("retention: lock tenant: %w", err)
		}
		h, err := k.history(ctx)
		if err != nil {
			return err
		}
		row, found, err := k.store.LockWarrant(ctx, key, true)
		if err != nil {
			return fmt.Errorf("retention: lock warrant: %w", err)
		}
		if !found {
			return ErrNotFound
		}
		p, err := k.progress(ctx, h, &row)
		if err != nil {
			return err
		}
		changed, err := fn(ctx, h, p)
		if err != nil || !changed {
			return err
		}
		return k.putWarrant(ctx, h, p)
	})
}

// putWarrant writes a warrant whose copies changed.
func (k *Keeper) putWarrant(ctx context.Context, h *History, p *progress) error {
	if err := p.row.set(p.copies); err != nil {
		return err
	}
	if !p.row.Waits {
		p.row.RecordID = "" // nobody needs to be told any more
	}
	k.next(h, p)
	var err error
	if p.row.MAC, err = k.tag(ctx, p.row.message()); err != nil {
		return err
	}
	if err := k.store.PutWarrant(ctx, *p.row); err != nil {
		return fmt.Errorf("retention: write warrant: %w", err)
	}
	return nil
}

// failed notes an order that failed.
func (k *Keeper) failed(ctx context.Context, w warranted) error {
	return k.withWarrant(ctx, w.key, func(_ context.Context, _ *History, p *progress) (bool, error) {
		c := p.find(w.work.Copy)
		if c == nil || c.State != stateOrdered {
			return false, nil
		}
		c.Tries++
		return true, nil
	})
}

// done notes that a copy let go, with its evidence, and ends the work with that.
func (k *Keeper) done(ctx context.Context, j troth.Job, w warranted, shown bool) error {
	return k.tx.Atomically(ctx, func(ctx context.Context) error {
		err := k.withWarrant(ctx, w.key, func(ctx context.Context, _ *History, p *progress) (bool, error) {
			c := p.find(w.work.Copy)
			if c == nil || !c.waits() {
				return false, nil // somebody has confirmed it meanwhile
			}
			c.Shown = shown
			return true, k.end(ctx, p, c, MethodDeleted, troth.Facts{})
		})
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if j.Complete == nil {
			return nil
		}
		return j.Complete(ctx)
	})
}

// end notes that a copy is done, with its evidence.
func (k *Keeper) end(ctx context.Context, p *progress, c *warrantCopy, m Method, facts troth.Facts) error {
	now := k.now()
	if at := timeOf(p.row.At); now.Before(at) {
		now = at // a clock that went back
	}
	c.State, c.Done, c.Method = stateDone, now.UnixMicro(), m
	facts["record"], facts["warrant"], facts["copy"] = troth.ID(p.row.Handle), troth.ID(p.row.ID), troth.Word(c.Copy)
	facts["how"], facts["method"], facts["since"] = troth.Word(c.How), troth.Word(string(m)), troth.Instant(timeOf(p.row.At))
	facts["shown"] = troth.Word("no")
	if c.Shown {
		facts["shown"] = troth.Word("yes")
	}
	id, err := k.recorded(ctx, troth.Entry{Act: actCopy, Tenant: p.row.Tenant, SubjectID: p.row.SubjectID, Facts: facts})
	c.Entry = id.String()
	return err
}
